package plot_test

import (
	"bytes"
	"flag"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/plot"
)

var keep = flag.String("keep", "", "a file to write the picture to, for looking at")

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func disk(name string, from, rise float64) bot.Series {
	s := bot.Series{Name: name}
	for i := range 120 {
		v := from + rise*math.Max(0, float64(i-60))
		s.Points = append(s.Points, bot.Point{At: noon.Add(time.Duration(i) * 30 * time.Second), Value: v + math.Sin(float64(i)/4)})
	}
	return s
}

func TestAPictureShowsTheSeriesTheLimitAndTheStart(t *testing.T) {
	t.Parallel()
	body, err := plot.PNG(plot.Picture{
		Title: "disk used, percent", Series: []bot.Series{disk("db-3:9100", 60, 0.6), disk("db-4:9100", 41, 0)},
		Limit: 90, Limited: true, Began: noon.Add(50 * time.Minute),
	})
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(body))
	require.NoError(t, err)
	require.Equal(t, 800, img.Bounds().Dx())
	require.Less(t, len(body), 200<<10)
	if *keep != "" {
		require.NoError(t, os.WriteFile(*keep, body, 0o600))
	}
	plain, err := plot.PNG(plot.Picture{Title: "disk used, percent", Series: []bot.Series{disk("db-3:9100", 60, 0.6), disk("db-4:9100", 41, 0)}})
	require.NoError(t, err)
	require.NotEqual(t, plain, body, "the limit and the start are drawn")
}

func TestWhatCannotBeDrawnIsRefused(t *testing.T) {
	t.Parallel()
	for _, p := range []plot.Picture{
		{}, {Series: []bot.Series{{Name: "a"}}},
		{Series: []bot.Series{{Name: "a", Points: []bot.Point{{At: noon, Value: 1}}}}},
	} {
		_, err := plot.PNG(p)
		require.Error(t, err)
	}
}

func TestHostileSeriesAreDrawnAllTheSame(t *testing.T) {
	t.Parallel()
	list := make([]bot.Series, 0, 40)
	for range 40 {
		list = append(list, disk(strings.Repeat("\u202eevil\x00\n", 5000), math.MaxFloat64/4, 1))
	}
	for _, s := range []bot.Series{
		{Name: "", Points: []bot.Point{{At: noon, Value: math.NaN()}, {At: noon.Add(time.Hour), Value: math.Inf(1)}}},
		{Name: "flat", Points: []bot.Point{{At: noon, Value: 0}, {At: noon.Add(time.Hour), Value: 0}}},
		{Name: "tiny", Points: []bot.Point{{At: noon, Value: 1e-300}, {At: noon.Add(time.Hour), Value: -1e-300}}},
	} {
		_, _ = plot.PNG(plot.Picture{Series: []bot.Series{s}, Began: noon.Add(time.Hour)})
	}
	body, err := plot.PNG(plot.Picture{Title: strings.Repeat("<!channel>", 100), Series: list, Limit: -1e300, Limited: true, Began: noon})
	require.NoError(t, err)
	require.NotEmpty(t, body)
}

func BenchmarkPNG(b *testing.B) {
	p := plot.Picture{Title: "disk", Series: []bot.Series{disk("a", 60, 1), disk("b", 41, 0)}, Limit: 90, Limited: true}
	for b.Loop() {
		if _, err := plot.PNG(p); err != nil {
			b.Fatal(err)
		}
	}
}
