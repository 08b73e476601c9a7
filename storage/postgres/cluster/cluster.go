// Package cluster runs a throwaway PostgreSQL, for tests and measurements.
//
// It promises a server of its own in a new directory, on loopback, run by an
// ordinary user, that is gone after Stop. It assumes Debian's package postgresql
// or the like: initdb and postgres are looked for in PATH and where Debian puts
// them. ErrMissing says that they are not there.
package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrMissing tells that there is no PostgreSQL on this machine.
var ErrMissing = errors.New("there is no PostgreSQL server here; install Debian's package postgresql")

// Options may be left zero.
type Options struct {
	Careless bool     // commits need not survive a crash of the server: faster
	Settings []string // more settings, as name=value
}

// Cluster is a running server.
type Cluster struct {
	dir, bin string
	port     int
	opts     Options
	owner    *syscall.Credential // nil: this process' own
	server   *exec.Cmd
	ended    chan struct{} // closed when the server has ended
	log      *bytes.Buffer
}

// Start makes a cluster in dir, which must not exist or be empty, and starts its
// server.
func Start(ctx context.Context, dir string, opts Options) (*Cluster, error) {
	bin, err := find()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin, opts: opts}
	if err := c.prepare(); err != nil {
		return nil, err
	}
	out, err := c.command(ctx, "initdb", "-D", dir, "-U", "salve", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("make a cluster: %w: %s", err, out)
	}
	if c.port, err = freePort(ctx); err != nil {
		return nil, err
	}
	return c, c.Restart(ctx)
}

// find is the directory of the newest server.
func find() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", ErrMissing
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// prepare makes the directory, for another user if this one is root, as whom
// the server does not run.
func (c *Cluster) prepare() error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return fmt.Errorf("find a user who is not root: %w", err)
		}
	}
	uid, errU := strconv.ParseUint(u.Uid, 10, 32)
	gid, errG := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errU, errG); err != nil {
		return err
	}
	c.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	for dir := c.dir; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if err := enterable(dir); err != nil {
			return err
		}
	}
	return os.Chown(c.dir, int(uid), int(gid))
}

// enterable lets others through a directory of a test, if it is this user's.
func enterable(dir string) error {
	st, err := os.Stat(dir)
	if err != nil || st.Mode().Perm()&0o001 != 0 {
		return err
	}
	return os.Chmod(dir, st.Mode().Perm()|0o011)
}

func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

func freePort(ctx context.Context) (int, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return ln.Addr().(*net.TCPAddr).Port, ln.Close()
}

// Restart starts the server again, which must have ended, at the same address.
func (c *Cluster) Restart(ctx context.Context) error {
	args := []string{"-D", c.dir, "-p", strconv.Itoa(c.port), "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=400"}
	if c.opts.Careless {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	for _, s := range c.opts.Settings {
		args = append(args, "-c", s)
	}
	c.log, c.ended = &bytes.Buffer{}, make(chan struct{})
	c.server = c.command(context.WithoutCancel(ctx), "postgres", args...)
	c.server.Stdout, c.server.Stderr = c.log, c.log
	if err := c.server.Start(); err != nil {
		return fmt.Errorf("start the server: %w", err)
	}
	go func(server *exec.Cmd, ended chan struct{}) {
		_ = server.Wait() // how it ended shows in its log
		close(ended)
	}(c.server, c.ended)
	return c.wait(ctx)
}

// wait waits until the server answers.
func (c *Cluster) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.ended:
			return fmt.Errorf("the server has ended: %s", c.log)
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// URL is the address of a database.
func (c *Cluster) URL(database string) string {
	return "postgres://salve@" + c.Addr() + "/" + database + "?sslmode=disable"
}

// Addr is the host and port.
func (c *Cluster) Addr() string { return "127.0.0.1:" + strconv.Itoa(c.port) }

// Create makes an empty database and gives its URL.
func (c *Cluster) Create(ctx context.Context, name string) (string, error) {
	err := c.Exec(ctx, "postgres", "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	return c.URL(name), err
}

// Exec runs a statement in a database.
func (c *Cluster) Exec(ctx context.Context, database, text string) error {
	conn, err := pgx.Connect(ctx, c.URL(database))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, text)
	return errors.Join(err, conn.Close(ctx))
}

// Crash kills the server and its children as a power cut would.
func (c *Cluster) Crash() { c.end(syscall.SIGKILL) }

// Immediate makes the server end without a checkpoint.
func (c *Cluster) Immediate() { c.end(syscall.SIGQUIT) }

// Stop ends the server; sessions are cut.
func (c *Cluster) Stop() { c.end(syscall.SIGINT) }

func (c *Cluster) end(sig syscall.Signal) {
	if sig == syscall.SIGKILL {
		_ = syscall.Kill(-c.server.Process.Pid, sig) // its group: children are in it
	} else {
		_ = c.server.Process.Signal(sig)
	}
	select {
	case <-c.ended:
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-c.server.Process.Pid, syscall.SIGKILL)
		<-c.ended
	}
}
