// Package query asks a Prometheus what a quantity did.
//
// It promises that only the configured server is asked, with a deadline and a
// bound on series and points; that an expression taken from an alert is data: it
// is sent as the value of one parameter and never as part of an address. It
// assumes the HTTP API v1 of Prometheus, which Thanos, Mimir and VictoriaMetrics
// speak too. On failure it returns an error for people, without the secret and
// without the expression.
package query

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
)

// What one answer may hold.
const (
	maxSeries = 50
	maxPoints = 1000
	maxBody   = 8 << 20
	maxExpr   = 4096
)

// Options of a Client; the zero value is ready for use.
type Options struct {
	Bearer  secret.Secret // sent to the server alone; zero: none
	Allow   []string      // where it may connect beyond public addresses
	Timeout time.Duration // of one question; 0: 5 s
}

// Client asks one server. It is safe for use by many at once.
type Client struct {
	base   string
	bearer secret.Secret
	out    *outbound.Client
}

// New makes a Client for the server at base, like http://prometheus:9090.
func New(base string, opts Options) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("the address of the Prometheus cannot be understood; write for example http://prometheus:9090")
	}
	out, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: cmp.Or(opts.Timeout, 5*time.Second), MaxBody: maxBody})
	if err != nil {
		return nil, err
	}
	return &Client{base: strings.TrimSuffix(base, "/"), bearer: opts.Bearer, out: out}, nil
}

// Close drops the kept connections.
func (c *Client) Close() { c.out.Close() }

// Range is what an expression gave between two instants, at about points values a
// series: the series with most points first, at most fifty. Values that are not
// numbers are left out.
func (c *Client) Range(ctx context.Context, expr string, from, to time.Time, points int) ([]bot.Series, error) {
	if expr == "" || len(expr) > maxExpr {
		return nil, fmt.Errorf("the expression is empty or longer than %d bytes", maxExpr)
	}
	if !from.Before(to) {
		return nil, errors.New("the time asked for is empty")
	}
	step := max(to.Sub(from)/time.Duration(min(max(points, 2), maxPoints)), time.Second)
	form := url.Values{
		"query": {expr},
		"start": {stamp(from)}, "end": {stamp(to)},
		"step": {strconv.FormatFloat(step.Seconds(), 'f', 3, 64)},
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	if text := c.bearer.Reveal(); text != "" {
		header.Set("Authorization", "Bearer "+text)
	}
	answer, err := c.out.Do(ctx, outbound.Call{Method: http.MethodPost, URL: c.base + "/api/v1/query_range", Header: header, Body: []byte(form.Encode())})
	if err != nil {
		return nil, fmt.Errorf("ask the Prometheus: %w", err)
	}
	return read(answer)
}

func stamp(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

// reply is an answer of the API.
type reply struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Data   struct {
		Result []struct {
			Metric map[string]string    `json:"metric"`
			Values [][2]json.RawMessage `json:"values"`
		} `json:"result"`
	} `json:"data"`
}

func read(a outbound.Answer) ([]bot.Series, error) {
	var r reply
	if a.Truncated {
		return nil, fmt.Errorf("the Prometheus answers with more than %d MiB; ask for less", maxBody>>20)
	}
	if err := json.Unmarshal(a.Body, &r); err != nil {
		return nil, fmt.Errorf("the Prometheus answers %d with something that is not JSON; is prometheus.url right?", a.Status)
	}
	if r.Status != "success" {
		return nil, fmt.Errorf("the Prometheus answers %d: %s", a.Status, brief(r.Error))
	}
	out := make([]bot.Series, 0, len(r.Data.Result))
	for _, s := range r.Data.Result {
		series := bot.Series{Name: name(s.Metric)}
		for _, v := range s.Values {
			if p, ok := point(v); ok {
				series.Points = append(series.Points, p)
			}
		}
		if len(series.Points) > 0 {
			out = append(out, series)
		}
	}
	slices.SortStableFunc(out, func(a, b bot.Series) int {
		return cmp.Or(cmp.Compare(len(b.Points), len(a.Points)), strings.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), maxSeries)], nil
}

// brief is a foreign sentence that fits into ours.
func brief(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if r := []rune(s); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return cmp.Or(s, "no reason given")
}

// point reads [ 1700000000.5, "0.25" ].
func point(v [2]json.RawMessage) (bot.Point, bool) {
	var at float64
	var text string
	if json.Unmarshal(v[0], &at) != nil || json.Unmarshal(v[1], &text) != nil {
		return bot.Point{}, false
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || at < 0 || at > 1<<40 {
		return bot.Point{}, false
	}
	return bot.Point{At: time.UnixMilli(int64(at * 1000)).UTC(), Value: n}, true
}

// name is what tells a series from its neighbours: the labels that people look
// for first, else all of them.
func name(m map[string]string) string {
	for _, k := range []string{"instance", "pod", "service", "job"} {
		if m[k] != "" {
			return m[k]
		}
	}
	keys := make([]string, 0, len(m))
	for k, v := range m {
		if k != "__name__" {
			keys = append(keys, k+"="+v)
		}
	}
	slices.Sort(keys)
	return cmp.Or(strings.Join(keys, " "), m["__name__"], "value")
}
