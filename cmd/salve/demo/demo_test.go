package demo_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/demo"
)

// TestMain lets the test binary be the shop, as the salve binary is in the demo.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "shop" {
		ln, err := net.Listen("tcp", os.Args[3])
		if err != nil {
			os.Exit(3)
		}
		if demo.ServeShop(context.Background(), ln) != nil {
			os.Exit(4)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type webhook struct {
	Version string `json:"version"`
	Status  string `json:"status"`
	Alerts  []struct {
		Status   string            `json:"status"`
		Labels   map[string]string `json:"labels"`
		StartsAt time.Time         `json:"startsAt"`
		EndsAt   time.Time         `json:"endsAt"`
	} `json:"alerts"`
}

func TestTheShopBreaksTheWatcherTellsAndTheSupervisorCures(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	require.NoError(t, err)
	sup, stop, err := demo.StartSupervisor(t.Context(), []string{exe, "shop"}, io.Discard)
	require.NoError(t, err)
	t.Cleanup(stop)

	got := make(chan webhook, 100)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var h webhook
		if r.Header.Get("Authorization") != "Bearer s3cret" || json.NewDecoder(r.Body).Decode(&h) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		got <- h
	}))
	t.Cleanup(sink.Close)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	w := &demo.Watcher{ShopURL: sup.ShopURL, HookURL: sink.URL, Bearer: "s3cret", Every: 50 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended) })

	require.NoError(t, sup.Break(ctx, "leak"))
	leak := next(t, got)
	require.Equal(t, "4", leak.Version)
	require.Equal(t, "firing", leak.Status)
	require.Equal(t, demo.AlertLeak, leak.Alerts[0].Labels["alertname"])
	require.Equal(t, "low", leak.Alerts[0].Labels["severity"])

	release(t, sup.ShopURL+"/-/release")
	over := next(t, got)
	require.Equal(t, "resolved", over.Status)
	require.Equal(t, leak.Alerts[0].StartsAt, over.Alerts[0].StartsAt)
	require.False(t, over.Alerts[0].EndsAt.IsZero())

	require.NoError(t, sup.Break(ctx, "hang"))
	hang := next(t, got)
	require.Equal(t, demo.AlertHang, hang.Alerts[0].Labels["alertname"])
	require.Equal(t, "high", hang.Alerts[0].Labels["severity"])

	release(t, sup.URL+"/restart?service="+demo.ServiceName)
	require.Equal(t, "resolved", next(t, got).Status)
}

func TestTheSupervisorSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("true")
	require.NoError(t, err)
	_, _, err = demo.StartSupervisor(t.Context(), []string{sh}, io.Discard)
	require.ErrorContains(t, err, "ended at once")

	_, _, err = demo.StartSupervisor(t.Context(), []string{"/nowhere/at-all"}, io.Discard)
	require.ErrorContains(t, err, "start the demo shop")
}

func next(t *testing.T, got <-chan webhook) webhook {
	t.Helper()
	select {
	case h := <-got:
		return h
	case <-time.After(30 * time.Second):
		require.Fail(t, "the watcher did not send anything")
		return webhook{}
	}
}

func release(t *testing.T, url string) {
	t.Helper()
	resp, err := http.Post(url, "", nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
}
