package inboundtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/internal/inbound"
)

func (a Adapter) size(t *testing.T) {
	t.Parallel()
	limit := int64(len(a.Good))
	t.Run("a body at the limit is taken", func(t *testing.T) {
		t.Parallel()
		w := do(a.handler(t, NewDoor(), inbound.Options{MaxBody: limit}), a.good())
		require.Equal(t, http.StatusOK, w.Code, w.Body)
	})
	tooLarge := map[string]func() *http.Request{
		"one byte more": func() *http.Request { return a.post(bytes.NewReader(append(bytes.Clone(a.Good), ' '))) },
		"one byte more, of unknown length": func() *http.Request {
			return a.post(io.MultiReader(bytes.NewReader(a.Good), strings.NewReader(" ")))
		},
		"ten megabytes": func() *http.Request { return a.post(strings.NewReader(strings.Repeat(canary, 1_000_000))) },
		"a length that lies": func() *http.Request {
			r := a.good()
			r.ContentLength = 1 << 40
			return r
		},
	}
	for name, request := range tooLarge {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door := NewDoor()
			reply := requireRefusal(t, do(a.handler(t, door, inbound.Options{MaxBody: limit}), request()), http.StatusRequestEntityTooLarge)
			require.Contains(t, reply.Error, fmt.Sprint(limit))
			require.Contains(t, reply.Next, "max_body")
			require.Zero(t, door.Calls())
		})
	}
	t.Run("the sender of ten megabytes hears why", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(a.handler(t, NewDoor(), inbound.Options{}))
		t.Cleanup(server.Close)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(strings.Repeat("0123456789", 1_000_000)))
		require.NoError(t, err)
		r.Header = a.good().Header
		answer, err := server.Client().Do(r)
		require.NoError(t, err)
		defer func() { require.NoError(t, answer.Body.Close()) }()
		require.Equal(t, http.StatusRequestEntityTooLarge, answer.StatusCode)
	})
}

func (a Adapter) faults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  error
		status int
	}{
		{"the queue is full", fmt.Errorf("commit: %w", bot.ErrOverloaded), http.StatusServiceUnavailable},
		{"the disk is full", fmt.Errorf("commit %s: %w", canary, bot.ErrUnavailable), http.StatusServiceUnavailable},
		{"something else", errors.New(canary), http.StatusServiceUnavailable},
		{"not now", bot.Refuse(bot.RefusedLater, "the quarantine is full", "look at it"), http.StatusServiceUnavailable},
		{"alerts that cannot be taken", bot.Refuse(bot.RefusedInput, "the clock is wrong", "set it"), http.StatusUnprocessableEntity},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			door := NewDoor()
			door.Fail(tt.fault)
			h := a.handler(t, door, inbound.Options{})
			requireRefusal(t, do(h, a.good()), tt.status)
			for _, body := range a.Garbage {
				requireRefusal(t, do(a.handler(t, door, inbound.Options{MaxBody: inbound.LargestMaxBody}), a.post(bytes.NewReader(body))), tt.status)
			}
			door.Fail(nil)
			require.Equal(t, http.StatusOK, do(h, a.good()).Code, "the next delivery is none the worse")
		})
	}
	t.Run("a panic ends its own request only", func(t *testing.T) {
		t.Parallel()
		door := NewDoor()
		door.Panic(true)
		h := a.handler(t, door, inbound.Options{MaxInFlight: 1})
		requireRefusal(t, do(h, a.good()), http.StatusInternalServerError)
		door.Panic(false)
		require.Equal(t, http.StatusOK, do(h, a.good()).Code)
	})
	t.Run("a body that is cut off is refused", func(t *testing.T) {
		t.Parallel()
		door := NewDoor()
		half := io.MultiReader(bytes.NewReader(a.Good[:len(a.Good)/2]), broken{})
		requireRefusal(t, do(a.handler(t, door, inbound.Options{}), a.post(half)), http.StatusBadRequest)
		require.Zero(t, door.Calls())
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (a Adapter) capacity(t *testing.T) {
	t.Parallel()
	t.Run("one delivery too many is told to come again", func(t *testing.T) {
		t.Parallel()
		door := NewDoor()
		entered, leave := door.Hold()
		h := a.handler(t, door, inbound.Options{MaxInFlight: 1})
		first := make(chan int, 1)
		go func() { first <- do(h, a.good()).Code }()
		<-entered
		requireRefusal(t, do(h, a.good()), http.StatusServiceUnavailable)
		close(leave)
		require.Equal(t, http.StatusOK, <-first)
	})
	t.Run("a body that does not arrive gives its place back", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewServer(a.handler(t, NewDoor(), inbound.Options{ReadTimeout: 20 * time.Millisecond}))
		t.Cleanup(server.Close)
		slow, never := io.Pipe()
		t.Cleanup(func() { _ = never.Close() })
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, slow)
		require.NoError(t, err)
		r.Header = a.good().Header
		answer, err := server.Client().Do(r)
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	})
	t.Run("a store that does not answer is a 503", func(t *testing.T) {
		t.Parallel()
		door := NewDoor()
		_, leave := door.Hold()
		defer close(leave)
		h := a.handler(t, door, inbound.Options{AnswerTimeout: time.Millisecond})
		requireRefusal(t, do(h, a.good()), http.StatusServiceUnavailable)
	})
}
