package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // reads what the process left

	"salve/cmd/internal/trial"
)

// Report is what a session found. All promises held when there is one.
type Report struct {
	Kills    int
	Acked    int
	Calls    int // calls at the far end
	Repeated int // keyed calls made again after a kill
	Unknown  int // steps that are left to a person: a kill took the outcome of an unsafe one
	CutOff   int // of these, keyed ones that kills cut off again and again
}

func (r Report) String() string {
	return fmt.Sprintf("%d kills: %d alerts acknowledged, 0 lost; %d calls, of which %d repeats under the same key; 0 unsafe steps done twice, %d steps left to a person, %d of them keyed and cut off again and again; audit proves",
		r.Kills, r.Acked, r.Calls, r.Repeated, r.Unknown, r.CutOff)
}

// settle waits until nothing goes on by itself any more, stops the process, and
// checks what is on disk against what was acknowledged and what was called.
func (s *session) settle(ctx context.Context, p *trial.Process, send *senders, far *farEnd) (Report, error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.Dir, "salve.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		p.Kill()
		return Report{}, err
	}
	defer db.Close()
	err = quiet(ctx, db)
	if err = errors.Join(err, p.Stop()); err != nil {
		return Report{}, err
	}
	rep := Report{Kills: s.o.Kills, Acked: len(send.acked)}
	if rep.Acked == 0 {
		return rep, errors.New("nothing was acknowledged; the session says nothing")
	}
	waiting, err := rows(ctx, db, `SELECT target FROM runs WHERE state = 'waiting'`)
	if err != nil {
		return rep, err
	}
	known, err := rows(ctx, db, `SELECT fingerprint FROM alerts`)
	if err != nil {
		return rep, err
	}
	if err := rep.check(send.acked, known, waiting, far); err != nil {
		return rep, err
	}
	out, err := exec.CommandContext(ctx, s.o.Binary, "audit", "verify", "--data-dir", p.Dir).CombinedOutput()
	if err != nil {
		return rep, fmt.Errorf("the audit does not prove: %w\n%s", err, out)
	}
	return rep, nil
}

// quiet waits until no run goes on by itself and no incident is due.
func quiet(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 60*time.Second, errors.New("work is stuck: runs or incidents are still due after 60 s"))
	defer cancel()
	for calm := 0; calm < 3; {
		var busy int
		err := db.QueryRowContext(ctx, `SELECT
			(SELECT COUNT(*) FROM runs WHERE active = 1 AND state != 'waiting') +
			(SELECT COUNT(*) FROM incidents WHERE due_at > 0 AND due_at <= $1)`, time.Now().UnixMilli()).Scan(&busy)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		calm++
		if busy > 0 {
			calm = 0
		}
		time.Sleep(200 * time.Millisecond)
	}
	return nil
}

func rows(ctx context.Context, db *sql.DB, q string) (map[string]bool, error) {
	rs, err := db.QueryContext(ctx, q)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	out := map[string]bool{}
	for rs.Next() {
		var v string
		if err := rs.Scan(&v); err != nil {
			return nil, err
		}
		out[v] = true
	}
	return out, rs.Err()
}

// check holds the promises against what happened, alert by alert.
func (r *Report) check(acked map[string]string, known, waiting map[string]bool, far *farEnd) error {
	var broken []error
	for uid, kind := range acked {
		calls, keys := far.total(uid)
		r.Calls += calls
		switch {
		case !known[uid]:
			broken = append(broken, fmt.Errorf("alert %s was acknowledged and is lost", uid))
		case keys > 1 || keys == 1 && far.calls[uid][""] > 0:
			broken = append(broken, fmt.Errorf("alert %s: %d calls under %d keys", uid, calls, keys))
		case kind == "none" && calls > 0:
			broken = append(broken, fmt.Errorf("alert %s: acted on without a playbook", uid))
		case kind == "keyed" && calls == 0 && !waiting[uid]: // a person is asked after several attempts that a kill cut off
			broken = append(broken, fmt.Errorf("alert %s: its keyed step was never taken and nobody is asked", uid))
		case kind == "unsafe" && calls > 1:
			broken = append(broken, fmt.Errorf("alert %s: its unsafe step was done %d times", uid, calls))
		case kind == "unsafe" && calls == 0 && !waiting[uid]:
			broken = append(broken, fmt.Errorf("alert %s: its unsafe step was never taken and nobody is asked", uid))
		}
		if kind == "keyed" {
			r.Repeated += max(0, calls-1)
		}
		if waiting[uid] {
			r.Unknown++
		}
		if waiting[uid] && kind == "keyed" {
			r.CutOff++
		}
	}
	if len(broken) > 10 {
		broken = append(broken[:10], fmt.Errorf("and %d more", len(broken)-10))
	}
	return errors.Join(broken...)
}
