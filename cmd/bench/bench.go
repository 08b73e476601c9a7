// Command bench measures Salve beside what the same machine can do at all.
//
// It builds and starts the salve binary, loads it over HTTP, and prints each
// figure beside the floor: a bare net/http handler that decodes the same body
// and commits one row an alert by group commit, in a process of its own, in the
// same run. Ratios carry over to other machines, absolute figures do not. All
// traffic stays on loopback; everything is written to a temporary folder. With
// -storage postgres the same is measured on a PostgreSQL server of its own, and
// with several replicas; the floor stays what it is.
//
// It assumes Go on the PATH and a machine that has nothing else to do. It exits
// 1 when something could not be measured or an acknowledged alert is missing.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"salve/cmd/internal/trial"
	"salve/storage/postgres/cluster"
)

// scale is how much is sent; short is a smoke test.
type scale struct {
	Single  int // alerts posted one by one
	Batched int // alerts posted by 64
	Open    int // open incidents for the figures at scale
	Rated   int // alerts at 50/s
	Runs    int // alerts with an action, as fast as they go
	Rounds  int // of the paired figures; the median is shown
}

var (
	full  = scale{Single: 20000, Batched: 64 * 1000, Open: 100000, Rated: 500, Runs: 10000, Rounds: 3}
	brief = scale{Single: 1500, Batched: 64 * 50, Open: 3000, Rated: 100, Runs: 500, Rounds: 1}
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "floor" {
		exit(serveFloor(os.Args[2]))
	}
	short := flag.Bool("short", false, "a smoke test of a few seconds instead of figures")
	only := flag.String("only", "", "one part: ingest, scale, path, start or replicas")
	asJSON := flag.Bool("json", false, "print the figures as JSON")
	binary := flag.String("salve", "", "measure this binary instead of building one")
	storage := flag.String("storage", "sqlite", "sqlite, or postgres: on a server of its own, with 1, 2 and 3 replicas")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	sc := full
	if *short {
		sc = brief
	}
	exit(run(ctx, options{scale: sc, binary: *binary, storage: *storage, only: *only, asJSON: *asJSON}))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// part is some figures that are measured together.
type part struct {
	name    string
	measure func(context.Context) error
}

// options are what the command line says.
type options struct {
	scale
	binary  string
	storage string
	only    string // one of the parts; "": all
	asJSON  bool
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "salve-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, binary: o.binary, sc: o.scale}
	parts := []part{{"ingest", b.ingest}, {"scale", b.scale}, {"path", b.path}, {"start", b.start}}
	switch o.storage {
	case "sqlite":
	case "postgres":
		if b.server, err = cluster.Start(ctx, filepath.Join(dir, "postgres"), cluster.Options{}); err != nil {
			return err
		}
		defer b.server.Stop()
		parts = append(parts, part{"replicas", b.replicas})
	default:
		return fmt.Errorf("-storage is sqlite or postgres, not %q", o.storage)
	}
	if b.binary == "" {
		if b.binary, err = trial.Build(ctx, dir); err != nil {
			return err
		}
	}
	begun := time.Now()
	for _, p := range parts {
		if o.only != "" && o.only != p.name {
			continue
		}
		if err := p.measure(ctx); err != nil {
			return err
		}
	}
	if o.asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(b.figures)
	}
	b.print(os.Stdout)
	fmt.Printf("\nmeasured in %s on %s\n", time.Since(begun).Round(time.Second), machine())
	return nil
}
