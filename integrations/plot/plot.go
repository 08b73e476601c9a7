// Package plot draws what a quantity did, as a picture for chat.
//
// It promises a PNG of a fixed size that can be read on a telephone: at most six
// series, the time below in UTC, a line for the limit, and a mark where the alert
// began. It assumes that names of series are untrusted: they are cut and drawn as
// text. It fails when there is nothing to draw.
package plot

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-analyze/charts"

	"salve/bot"
)

const (
	width     = 800 // pixels
	height    = 380
	maxSeries = 6
	maxTimes  = 2000
	maxName   = 28 // runes
	maxTitle  = 70
)

// Picture is what is drawn.
type Picture struct {
	Title   string
	Series  []bot.Series
	Limit   float64
	Limited bool      // Limit counts
	Began   time.Time // of the alert; zero: not marked
}

// PNG draws.
func PNG(p Picture) ([]byte, error) {
	times := grid(p.Series)
	if len(times) < 2 {
		return nil, errors.New("plot: fewer than two points in time")
	}
	shown := p.Series[:min(len(p.Series), maxSeries)]
	values := make([][]float64, 0, len(shown)+2)
	names := make([]string, 0, len(shown)+2)
	for _, s := range shown {
		values, names = append(values, on(times, s)), append(names, short(s.Name, maxName))
	}
	low, high := span(values)
	if p.Limited {
		values, names = append(values, level(times, p.Limit)), append(names, "limit "+number(p.Limit))
		low, high = min(low, p.Limit), max(high, p.Limit)
	}
	if at := nearest(times, p.Began); at >= 0 {
		values, names = append(values, mark(times, at, low, high)), append(names, "alert "+p.Began.UTC().Format("15:04"))
	}
	painter := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputPNG, Width: width, Height: height, Theme: charts.GetTheme(charts.ThemeGrafana)})
	if err := painter.LineChart(options(p, times, values, names)); err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	return painter.Bytes()
}

func options(p Picture, times []int64, values [][]float64, names []string) charts.LineChartOption {
	opt := charts.NewLineChartOptionWithData(values)
	opt.Theme = charts.GetTheme(charts.ThemeGrafana)
	opt.Padding = charts.NewBoxEqual(16)
	opt.Title.Text = short(p.Title, maxTitle)
	if n := len(p.Series) - maxSeries; n > 0 {
		opt.Title.Subtext = fmt.Sprintf("%d more series are not shown", n)
	}
	opt.Title.FontStyle.FontSize = 14
	opt.Legend = charts.LegendOption{SeriesNames: names, Offset: charts.OffsetStr{Top: "34"}, Symbol: charts.SymbolSquare}
	opt.XAxis.Labels = labels(times)
	opt.XAxis.LabelCount = 6
	opt.XAxis.BoundaryGap = charts.Ptr(false)
	opt.Symbol = charts.Symbol{Shape: charts.SymbolNone}
	opt.LineStrokeWidth = 2
	opt.ValueFormatter = number
	return opt
}

// grid is every instant at which some series has a value, in order.
func grid(list []bot.Series) []int64 {
	seen := map[int64]bool{}
	for _, s := range list[:min(len(list), maxSeries)] {
		for _, p := range s.Points {
			if len(seen) < maxTimes {
				seen[p.At.UnixMilli()] = true
			}
		}
	}
	out := make([]int64, 0, len(seen))
	for t := range seen {
		out = append(out, t)
	}
	slices.Sort(out)
	return out
}

// on puts a series onto the grid; where it has no value there is a gap.
func on(times []int64, s bot.Series) []float64 {
	out := level(times, charts.GetNullValue())
	for _, p := range s.Points {
		if i, found := slices.BinarySearch(times, p.At.UnixMilli()); found && !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			out[i] = p.Value
		}
	}
	return out
}

func level(times []int64, v float64) []float64 { return slices.Repeat([]float64{v}, len(times)) }

// mark is a stroke from bottom to top at one instant.
func mark(times []int64, at int, low, high float64) []float64 {
	out := level(times, charts.GetNullValue())
	out[at] = low
	if at+1 < len(out) {
		out[at+1] = high
	} else {
		out[at-1] = high
	}
	return out
}

func span(values [][]float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, vs := range values {
		for _, v := range vs {
			if v != charts.GetNullValue() {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	return low, high
}

// nearest is the place of the instant on the grid; -1: it is not within it.
func nearest(times []int64, at time.Time) int {
	ms := at.UnixMilli()
	if at.IsZero() || ms < times[0] || ms > times[len(times)-1] {
		return -1
	}
	i, _ := slices.BinarySearch(times, ms)
	return i
}

func labels(times []int64) []string {
	format := "15:04"
	if times[len(times)-1]-times[0] > (24 * time.Hour).Milliseconds() {
		format = "2 Jan 15:04"
	}
	out := make([]string, len(times))
	for i, t := range times {
		out[i] = time.UnixMilli(t).UTC().Format(format)
	}
	return out
}

// number writes a value with three digits that count and the unit prefix that
// people use for large ones.
func number(v float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= u.size {
			return strconv.FormatFloat(v/u.size, 'g', 3, 64) + u.name
		}
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// short is untrusted text for a picture.
func short(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		s = string(r[:n-1]) + "…"
	}
	return cmp.Or(s, "value")
}
