package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

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
	var closed string
	for _, path := range g.sockets() {
		st, err := os.Stat(path)
		switch {
		case err == nil && st.Mode()&os.ModeSocket != 0 && trusted(path):
			return control.NewUnixClient(path), nil
		case errors.Is(err, os.ErrPermission):
			closed = path
		}
	}
	switch {
	case closed != "":
		return nil, fmt.Errorf("%s is for the user that runs Salve: become that user (sudo -u), or use --server with a token of yours", closed)
	case g.Socket != "":
		return nil, fmt.Errorf("there is no Salve at %s; its socket is %s in the data directory of a running one", g.Socket, serve.SocketFile)
	default:
		return nil, errors.New("no Salve was found on this machine; start one with `salve serve` or `salve demo`, or name it: --socket DATA_DIR/" + serve.SocketFile)
	}
}

// trusted reports whether a socket may be taken for Salve's. Where the demo keeps
// its things anybody may put something, so there it must be this user's own.
func trusted(path string) bool {
	dir := filepath.Dir(path)
	if dir != demoDir() {
		return true
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && st.IsDir() && sys.Uid == uint32(os.Getuid())
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
