// Command salve is the whole product in one binary: `salve serve` runs it,
// `salve demo` shows it, and every other command talks to a running one.
//
// It promises that flags, environment and files are read here and in its
// subpackages and nowhere else, that exit codes mean something (0 done, 1
// refused or failed, 2 a wrong command line, 3 not checked or not up to date), and
// that an error says what to do next. Secrets never stand on the command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"salve/bot/secret"
	"salve/cmd/salve/cli"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
)

// grammar is the command line.
type grammar struct {
	Socket string `help:"Unix socket of a running Salve; found by itself on the same machine." env:"SALVE_SOCKET" placeholder:"PATH"`
	Server string `help:"Address of a Salve elsewhere; needs SALVE_TOKEN." env:"SALVE_SERVER" placeholder:"URL"`
	JSON   bool   `help:"Print JSON for programs." name:"json"`

	Demo        demoCmd    `cmd:"" group:"Run" help:"Watch a real service break, be diagnosed and be healed, on this machine alone."`
	Serve       serveCmd   `cmd:"" group:"Run" help:"Run Salve."`
	Version     versionCmd `cmd:"" group:"Run" help:"Print the version."`
	DemoService shopCmd    `cmd:"" hidden:"" name:"demo-service" help:"The service that breaks in the demo."`

	cli.Commands
}

func main() { os.Exit(run(os.Args[1:])) }

// run is main with an exit code.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // who asks a second time is not made to wait
	var g grammar
	parser, err := newParser(ctx, &g)
	if err != nil {
		panic(err) // the grammar itself is wrong
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		misunderstood(os.Stderr, err)
		return exitUsage
	}
	env := &cli.Env{Out: os.Stdout, Err: os.Stderr, JSON: g.JSON, Dial: g.dial, Version: version()}
	secrets := resolver()
	kctx.BindTo(secrets, (*secret.Resolver)(nil))
	kctx.Bind(env, cli.Loader(loadPlaybooks), cli.Examiner(func(ctx context.Context, cfg config.Config, x serve.Examination) {
		serve.Examine(ctx, cfg, secrets, x)
	}))
	err = kctx.Run()
	cli.Report(os.Stderr, err)
	return cli.ExitCode(err)
}

func newParser(ctx context.Context, g *grammar) (*kong.Kong, error) {
	return kong.New(g,
		kong.Name("salve"),
		kong.Description("Salve takes alerts in, shows what is wrong and why, heals by playbook below a severity or after an approval, verifies, and keeps everything on record."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
}

// exitUsage is the exit code of a command line that cannot be understood.
const exitUsage = 2

// misunderstood says what is wrong with a command line and where its help is.
func misunderstood(w io.Writer, err error) {
	command := "salve"
	if p, ok := errors.AsType[*kong.ParseError](err); ok && p.Context != nil {
		if node := p.Context.Selected(); node != nil {
			command = node.FullPath()
		}
	}
	fmt.Fprintf(w, "salve: %s\nSee: %s --help\n", err, command)
}
