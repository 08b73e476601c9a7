package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/lmittmann/tint"

	"salve/bot/secret"
	"salve/cmd/salve/cli"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
)

// serveCmd runs Salve.
type serveCmd struct {
	Config string `help:"The configuration." default:"salve.yaml" type:"path"`
}

// Help is shown by --help.
func (serveCmd) Help() string {
	return "Examples:\n  salve config check salve.yaml\n  salve serve --config salve.yaml"
}

// Run serves until it is told to stop.
func (c serveCmd) Run(ctx context.Context, secrets secret.Resolver) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	tuneMemory()
	log := logger(cfg.Log)
	lib, err := serve.Load(cfg, secrets, redactor)
	if err != nil {
		return err
	}
	for _, w := range lib.Warnings() {
		log.WarnContext(ctx, "playbook", "warning", w)
	}
	for _, text := range lib.LeftOut() {
		log.InfoContext(ctx, "library", "left_out", text)
	}
	s, err := c.start(ctx, cfg, serve.Options{Log: log, Version: version(), Library: lib, Secrets: secrets})
	if err != nil {
		return err
	}
	welcome(ctx, s, log)
	return s.Run(ctx)
}

// start makes everything ready. After an upgrade or a crash the database may take
// its time, and whoever looks is told.
func (serveCmd) start(ctx context.Context, cfg config.Config, opts serve.Options) (*serve.Salve, error) {
	if isTerminal(os.Stderr) {
		defer cli.Slowly(os.Stderr, func() string { return "the database in " + cfg.DataDir + " is being opened" })()
	}
	return serve.Start(ctx, cfg, opts)
}

// tuneMemory lets garbage grow to three times what is in use before it is
// collected: what is in use is small, and collecting it often costs a tenth of
// the processor under load. GOGC in the environment wins.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
}

// welcome prints a login link, or how to get one. It is for a person who is
// looking: a log that is kept is no place for a link.
func welcome(ctx context.Context, s *serve.Salve, log *slog.Logger) {
	if !isTerminal(os.Stderr) {
		return
	}
	link, err := s.WelcomeLink(ctx)
	switch {
	case err != nil:
		log.WarnContext(ctx, "no login link could be made", "err", err)
	case link == "":
		fmt.Fprintf(os.Stderr, "\n  Console: %s\n  Salve does not know you yet. In a second terminal:\n    salve user add NAME --role responder --group oncall --uid %d\n    salve user login-link NAME\n\n", s.URL(), os.Getuid())
	default:
		fmt.Fprintf(os.Stderr, "\n  Console, signed in as you (works once): %s\n\n", link)
	}
}

// redactor knows every secret that this process has resolved.
var redactor = secret.NewRedactor()

// resolver resolves references in the environment and files of this process.
func resolver() secret.Resolver {
	r, err := secret.NewEnvFile(os.LookupEnv, readSecretFile, redactor)
	if err != nil {
		panic(err) // all three are given
	}
	return r
}

const maxSecretBytes = 64 << 10

// readSecretFile reads a secret that others cannot write.
func readSecretFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxSecretBytes {
		return nil, fmt.Errorf("%s is not a file of at most %d KiB", path, maxSecretBytes>>10)
	}
	if st.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s can be written by others; chmod go-w it", path)
	}
	return os.ReadFile(path)
}

// logger writes to standard error: for people on a terminal, as JSON elsewhere.
func logger(cfg config.Log) *slog.Logger {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[cfg.Level]
	out := secretless(os.Stderr)
	switch {
	case cfg.Format == "text", cfg.Format == "auto" && isTerminal(os.Stderr):
		return slog.New(tint.NewTextHandler(out, &tint.Options{Level: level, NoColor: !isTerminal(os.Stderr)}))
	default:
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level}))
	}
}

func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

// version is the module's, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value
		}
	}
	if v == "" {
		return "(devel)"
	}
	return v
}

// versionCmd prints the version.
type versionCmd struct{}

// Run prints it.
func (versionCmd) Run() error {
	fmt.Println("salve", version())
	return nil
}

// loadPlaybooks is what `config check` checks beside the file itself.
func loadPlaybooks(cfg config.Config) (int, []string, error) {
	lib, err := serve.Load(cfg, resolver(), redactor)
	if err != nil {
		return 0, nil, err
	}
	return len(lib.Playbooks), append(lib.Warnings(), lib.LeftOut()...), nil
}

// demoDir is where the demo of this user keeps its things, so that a second
// terminal finds it.
func demoDir() string { return filepath.Join(os.TempDir(), fmt.Sprintf("salve-demo-%d", os.Getuid())) }
