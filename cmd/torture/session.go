package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"salve/cmd/internal/trial"
)

// Options of one session.
type Options struct {
	Binary string
	Dir    string // an empty folder
	Kills  int
	Seed   uint64
	Log    io.Writer
}

const config = `sources:
  - {name: torture, type: alertmanager, anonymous: true, group_by: [fingerprint]}
playbooks: {dirs: [%s], library: false}
egress: {allow: [%q]}
log: {level: warn}
`

// Two playbooks that differ in one word: whether the far end honours a key.
const playbook = `name: torture-%[1]s
owner: torture
match: alert.labels["kind"] == "%[1]s"
target: alert.labels["uid"]
mode: auto
auto_below: high
approvers: [torture]
steps:
  - id: call
    uses: http
    repeat: %[2]s
    with:
      url: %[3]s/%[1]s
      text: ${{ alert.labels["uid"] }}
`

// Torture runs one session and checks it. An error is a broken promise, or a
// session that could not be held.
func Torture(ctx context.Context, o Options) (Report, error) {
	fmt.Fprintf(o.Log, "seed %d, %d kills\n", o.Seed, o.Kills)
	far, err := startFarEnd(o.Seed)
	if err != nil {
		return Report{}, err
	}
	defer far.close()
	s, err := prepare(o, far)
	if err != nil {
		return Report{}, err
	}
	senders := newSenders(far)
	rng := rand.New(rand.NewPCG(o.Seed, 1))
	for k := range o.Kills {
		if err := s.round(ctx, senders, rng); err != nil {
			return Report{}, fmt.Errorf("kill %d of seed %d: %w", k+1, o.Seed, err)
		}
	}
	p, err := trial.Start(ctx, s.setting)
	if err != nil {
		return Report{}, err
	}
	return s.settle(ctx, p, senders, far)
}

// session is what stays the same from kill to kill.
type session struct {
	o       Options
	setting trial.Setting
}

func prepare(o Options, far *farEnd) (*session, error) {
	books := filepath.Join(o.Dir, "playbooks")
	err := os.MkdirAll(books, 0o700)
	for kind, repeat := range map[string]string{"keyed": "keyed", "unsafe": "never"} {
		text := fmt.Appendf(nil, playbook, kind, repeat, far.url)
		err = errors.Join(err, os.WriteFile(filepath.Join(books, kind+".yaml"), text, 0o600))
	}
	if err != nil {
		return nil, err
	}
	addr, err := trial.FreeAddress()
	if err != nil {
		return nil, err
	}
	return &session{o: o, setting: trial.Setting{
		Binary: o.Binary, Dir: o.Dir, Listen: addr, Config: fmt.Sprintf(config, books, far.address),
	}}, nil
}

// round starts the process, sends for a random while, and kills it while the
// senders go on.
func (s *session) round(ctx context.Context, send *senders, rng *rand.Rand) error {
	p, err := trial.Start(ctx, s.setting)
	if err != nil {
		return err
	}
	sending, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { send.keepSending(sending, p.URL+"/v1/hooks/torture") })
	}
	time.Sleep(time.Duration(5+rng.IntN(150)) * time.Millisecond)
	p.Kill()
	stop()
	wg.Wait()
	return ctx.Err()
}
