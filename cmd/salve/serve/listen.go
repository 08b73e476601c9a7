package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"salve/cmd/salve/config"
	"salve/integrations/console"
	"salve/integrations/control"
)

// server is one listener with what serves on it.
type server struct {
	http *http.Server // with a TLSConfig: it speaks TLS
	ln   net.Listener
}

// Where orchestrators ask.
const (
	livePath  = "/livez"
	readyPath = "/readyz"
)

func (s *server) serve() error {
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(s.ln, "", "")
	} else {
		err = s.http.Serve(s.ln)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve on %s: %w", s.ln.Addr(), err)
}

func (s *Salve) listen(ctx context.Context) error {
	host, _, err := net.SplitHostPort(s.cfg.Listen)
	if err != nil {
		return err
	}
	if s.web, err = net.Listen("tcp", s.cfg.Listen); err != nil {
		return fmt.Errorf("listen: %w; change `listen` in the configuration, or stop what uses that address", err)
	}
	if s.socket, err = listenUnix(s.Socket()); err != nil {
		return err
	}
	anonymous := local(s.cfg)
	api, err := control.New(s.controlPorts(), control.Options{
		Log: s.log, OwnerUID: uint32(os.Getuid()), AnonymousRead: anonymous, ConsoleURL: s.URL(), ResumeGroup: s.cfg.People.ResumeGroup,
	})
	if err != nil {
		return err
	}
	ports := s.consolePorts()
	if ports.SignOn, err = s.makeSignOn(ctx); err != nil {
		return err
	}
	pages, err := console.New(ports, console.Options{Log: s.log, PublicURL: s.cfg.PublicURL, AnonymousRead: anonymous})
	if err != nil {
		return err
	}
	mux, err := s.doors(ctx, api, pages)
	if err != nil {
		return err
	}
	web, err := s.webServer(host, mux)
	if err != nil {
		return err
	}
	web.RegisterOnShutdown(pages.Drain)
	web.RegisterOnShutdown(api.Drain)
	socket := s.newServer(api)
	socket.ConnContext = control.ConnContext
	s.servers = []*server{{http: web, ln: s.web}, {http: socket, ln: s.socket}}
	return nil
}

// local reports whether whoever reaches the web listener sits at this machine:
// it is on loopback, and no public address leads to it through a proxy.
func local(cfg config.Config) bool {
	host, _, err := net.SplitHostPort(cfg.Listen)
	return err == nil && config.IsLoopback(host) && cfg.PublicURL == ""
}

// doors is everything that the web listener answers.
func (s *Salve) doors(ctx context.Context, api, pages http.Handler) (http.Handler, error) {
	mux := http.NewServeMux()
	for _, src := range s.cfg.Sources {
		h, err := hook(ctx, s.cfg, src, listener{s.door, s.heard}, deps{log: s.log, secrets: s.opts.Secrets})
		if err != nil {
			return nil, err
		}
		mux.Handle("/v1/hooks/"+src.Name, s.metrics.Source(src.Name, s.linked(h)))
	}
	mux.HandleFunc("GET "+livePath, s.live)
	mux.HandleFunc("GET "+readyPath, s.ready)
	shown, err := s.metricsDoor(ctx)
	if err != nil {
		return nil, err
	}
	mux.Handle("GET "+metricsPath, shown)
	for path, door := range s.chat.doors {
		mux.Handle("POST "+path, door)
	}
	mux.Handle("/v1/", api)
	mux.Handle("/", pages)
	return mux, nil
}

func (s *Salve) webServer(host string, doors http.Handler) (*http.Server, error) {
	h, err := gated(s.cfg, host, doors, s.log)
	if err != nil {
		return nil, err
	}
	web := s.newServer(h)
	if s.cfg.TLS.Cert != "" {
		cert, err := loadCertificate(s.cfg.TLS, s.log)
		if err != nil {
			return nil, err
		}
		web.TLSConfig = cert.config()
		s.doctor.cert = cert
	}
	return web, nil
}

func (s *Salve) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
}

// listenUnix makes the socket for the owner alone. One that a dead process left
// is replaced: the lock on the data directory says that nobody lives there.
func listenUnix(path string) (net.Listener, error) {
	if len(path) > 100 {
		return nil, fmt.Errorf("the data directory's path is too long for a unix socket: %s; use a shorter data_dir", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replace the old socket: %w", err)
	}
	mask := syscall.Umask(0o077) // nobody gets in between making it and closing it
	ln, err := net.Listen("unix", path)
	syscall.Umask(mask)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("close the socket to others: %w", err), ln.Close())
	}
	return ln, nil
}
