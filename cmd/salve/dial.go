package main

import (
	"errors"
	"os"
	"path/filepath"

	"salve/bot/secret"
	"salve/cmd/salve/cli"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
	"salve/integrations/control"
)

// dial finds the Salve that the command line means: the one that is named, else
// the one of the configuration here, else a demo of the same user.
func (g *grammar) dial() (cli.Door, error) {
	if g.Server != "" {
		token := os.Getenv("SALVE_TOKEN")
		if token == "" {
			return nil, errors.New("--server needs SALVE_TOKEN; somebody who manages people can make one: salve user token NAME --label WHAT")
		}
		return control.NewHTTPClient(g.Server, secret.New(token))
	}
	for _, path := range g.sockets() {
		if st, err := os.Stat(path); err == nil && st.Mode()&os.ModeSocket != 0 {
			return control.NewUnixClient(path), nil
		}
	}
	return nil, errors.New("no Salve was found on this machine; start one with `salve serve` or `salve demo`, or name it: --socket DATA_DIR/" + serve.SocketFile)
}

// sockets are where a running Salve may be found, the likeliest first.
func (g *grammar) sockets() []string {
	if g.Socket != "" {
		return []string{g.Socket}
	}
	dirs := []string{config.Default().DataDir, demoDir(), "/var/lib/salve"}
	if cfg, err := config.Load("salve.yaml"); err == nil {
		dirs = append([]string{cfg.DataDir}, dirs...)
	}
	var out []string
	for _, d := range dirs {
		out = append(out, filepath.Join(d, serve.SocketFile))
	}
	return out
}
