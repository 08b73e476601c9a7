// Command torture kills the salve binary with SIGKILL at random points of a
// stream of alerts and runs, starts it again, and afterwards asks whether every
// promise held: no acknowledged alert lost, no step that may not be repeated
// done twice, every repeat under the same key, nothing stuck, the audit chain
// whole.
//
// It prints its seed; the same seed draws the same points. All traffic stays on
// loopback. It exits 1 when a promise was broken and leaves the data directory
// behind for a look.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"

	"salve/cmd/internal/trial"
)

func main() {
	kills := flag.Int("kills", 100, "how often to kill")
	seed := flag.Uint64("seed", rand.Uint64(), "draws the points; printed, to repeat a run")
	binary := flag.String("salve", "", "torture this binary instead of building one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *kills, *seed, *binary); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kills int, seed uint64, binary string) error {
	dir, err := os.MkdirTemp("", "salve-torture-")
	if err != nil {
		return err
	}
	if binary == "" {
		if binary, err = trial.Build(ctx, dir); err != nil {
			return err
		}
	}
	rep, err := Torture(ctx, Options{Binary: binary, Dir: dir, Kills: kills, Seed: seed, Log: os.Stdout})
	if err != nil {
		return fmt.Errorf("%w (data left in %s)", err, dir)
	}
	fmt.Println(rep)
	return os.RemoveAll(dir)
}
