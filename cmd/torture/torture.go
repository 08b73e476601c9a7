// Command torture does to running salves what happens to programs, in the middle
// of a stream of alerts, runs and approvals: it kills them with SIGKILL at random
// points, stops them past their lease, cuts them from their database, crashes the
// database under them. Afterwards it asks whether every promise held: no
// acknowledged alert lost, no step that may not be repeated done twice, every
// repeat under the same key, nothing done that the audit does not allow first,
// one decision and one run an approval, nothing stuck, the audit chain whole.
//
// On SQLite one process is killed; on PostgreSQL, which must be installed, as
// many replicas as wanted share a throwaway server. It prints its seed; the same
// seed draws the same points. All traffic stays on loopback. It exits 1 when a
// promise was broken and leaves data and logs behind for a look.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"

	"salve/cmd/internal/trial"
)

func main() {
	o := Options{Log: os.Stdout}
	flag.StringVar(&o.Storage, "storage", sqliteStorage, "sqlite or postgres")
	flag.IntVar(&o.Replicas, "replicas", 1, "how many processes share a postgres storage")
	flag.IntVar(&o.Kills, "kills", 100, "how often to kill at a random point, before the faults")
	faults := flag.String("faults", "", "all, or some of: "+strings.Join(faultNames(), ","))
	flag.Uint64Var(&o.Seed, "seed", rand.Uint64(), "draws the points; printed, to repeat a run")
	flag.StringVar(&o.Binary, "salve", "", "torture this binary instead of building one")
	flag.Parse()
	if *faults != "" {
		o.Faults = strings.Split(*faults, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o Options) (err error) {
	if o.Dir, err = os.MkdirTemp("", "salve-torture-"); err != nil {
		return err
	}
	if o.Binary == "" {
		if o.Binary, err = trial.Build(ctx, o.Dir); err != nil {
			return err
		}
	}
	rep, err := Torture(ctx, o)
	if err != nil {
		return fmt.Errorf("%w (data and logs left in %s)", err, o.Dir)
	}
	fmt.Print(rep)
	return os.RemoveAll(o.Dir)
}
