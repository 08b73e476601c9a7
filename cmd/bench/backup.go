package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"salve/cmd/internal/trial"
)

const backupRate = 500 // alerts a second while backups are made and while not

// backup: what a sender notices of a backup.
func (b *bench) backup(ctx context.Context, p *trial.Process) error {
	quiet := load{url: hook(p), run: b.runName(), alerts: b.sc.Rated * 8, perPost: 1, match: "none", rate: backupRate}
	without, err := quiet.do(ctx)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	defer stop()
	failed, took := make(chan error, 1), time.Duration(0)
	go func() { failed <- b.backups(working, p.Dir, &took) }()
	quiet.run = b.runName()
	with, err := quiet.do(ctx)
	stop()
	if err := <-failed; err != nil {
		return err
	}
	if err != nil {
		return err
	}
	open := fmt.Sprintf("%d/s, %d open", backupRate, b.sc.Open)
	b.add(figure{"p99 to the durable 2xx, " + open, "ms", ms(quantile(without.Latency, .99)), 0, "", true})
	b.add(figure{"p99 to the durable 2xx while backups are made, " + open, "ms", ms(quantile(with.Latency, .99)), 0, "", true})
	if took > 0 {
		b.add(figure{"a backup meanwhile, made and proved", "ms", ms(took), 0, "", true})
	}
	return nil
}

// backups makes one after the other until ctx ends; took is how long a whole one
// took.
func (b *bench) backups(ctx context.Context, dataDir string, took *time.Duration) error {
	to := filepath.Join(b.dir, "backup.db")
	defer os.Remove(to)
	for ctx.Err() == nil {
		began := time.Now()
		out, err := exec.CommandContext(ctx, b.binary, "backup", "--data-dir", dataDir, "--to", to, "--force").CombinedOutput()
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("backup: %w\n%s", err, out)
		}
		if err == nil {
			*took = time.Since(began)
		}
	}
	return nil
}
