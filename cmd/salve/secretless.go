package main

import (
	"io"
	"sync"
)

// masked writes log lines with every known secret masked. Handlers write one
// line a call.
type masked struct {
	mu  sync.Mutex
	out io.Writer
}

func secretless(out io.Writer) io.Writer { return &masked{out: out} }

func (m *masked) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := io.WriteString(m.out, redactor.String(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
