package serve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"salve/bot"
	"salve/bot/audit"
	"salve/bot/flow/notary"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/heads"
)

// headsFile is a copy of the signed heads in the data directory. Nobody trusts
// it: it tells which head to look for at a place that cannot list what it has.
const headsFile = "heads.log"

// makeNotary makes the leg that signs heads of the audit log, if there is a key.
func (s *Salve) makeNotary(ctx context.Context) error {
	cfg := s.cfg.Audit
	if cfg.Key == "" {
		return nil
	}
	signer, err := s.auditKey(ctx, cfg.Key)
	if err != nil {
		return fmt.Errorf("audit.key: %w", err)
	}
	keys, err := audit.ParseKeys(append([]string{signer.Public()}, cfg.Keys...)...)
	if err != nil {
		return fmt.Errorf("audit.keys: %w", err)
	}
	s.auditKeys = keys
	own, err := heads.NewFile(filepath.Join(s.dir, headsFile))
	if err != nil {
		return err
	}
	places := []notary.Place{own}
	for i, p := range cfg.Places {
		place, err := s.auditPlace(ctx, p)
		if err != nil {
			return fmt.Errorf("audit.places[%d]: %w", i, err)
		}
		places = append(places, place)
	}
	s.notary, err = notary.New(s.store, signer, places, notary.Options{
		Log: s.log, Keys: keys, Every: cfg.Every.Std(), Events: cfg.Events, Keep: cfg.Keep.Std(), Pruner: s.store,
	})
	return err
}

// auditKey reads the key; a file of it must be for its owner alone.
func (s *Salve) auditKey(ctx context.Context, text string) (*audit.Signer, error) {
	ref, err := secret.ParseRef(text)
	if err != nil {
		return nil, err
	}
	if ref.Scheme() == secret.File {
		st, err := os.Stat(ref.Name())
		if err != nil {
			return nil, fmt.Errorf("%w; make it: salve audit key new %s", err, ref.Name())
		}
		if st.Mode().Perm()&0o077 != 0 {
			return nil, fmt.Errorf("others can read %s; run: chmod 600 %s", ref.Name(), ref.Name())
		}
		if config.Within(s.dir, ref.Name()) {
			s.log.WarnContext(ctx, "the audit key is in the data directory: a backup of one holds the other", "file", ref.Name(), "fix", "move it elsewhere")
		}
	}
	value, err := s.opts.Secrets.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	return audit.NewSigner(value.Reveal())
}

func (s *Salve) auditPlace(ctx context.Context, p config.Place) (notary.Place, error) {
	if p.File != "" {
		return s.auditFile(p.File)
	}
	opts := heads.URLOptions{Allow: s.cfg.Egress.Allow}
	if p.Bearer != "" {
		ref, err := secret.ParseRef(p.Bearer)
		if err != nil {
			return nil, err
		}
		if opts.Bearer, err = s.opts.Secrets.Resolve(ctx, ref); err != nil {
			return nil, err
		}
	}
	place, err := heads.NewURL(p.URL, opts)
	if err != nil {
		return nil, err
	}
	s.onClose = append(s.onClose, place.Close)
	return place, nil
}

// auditFile refuses a file that is in the data directory by another name.
func (s *Salve) auditFile(path string) (notary.Place, error) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%w; make the directory, for the user that runs salve alone", err)
	}
	own, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return nil, err
	}
	if config.Within(own, filepath.Join(dir, filepath.Base(path))) {
		return nil, fmt.Errorf("%s is in the data directory: who can alter the log can alter it too; name a file elsewhere", path)
	}
	return heads.NewFile(path)
}

// AuditLag is how far the signed heads of the audit log and each place are
// behind it; nil when heads are not signed.
func (s *Salve) AuditLag() *notary.Status {
	if s.notary == nil {
		return nil
	}
	st := s.notary.Status(time.Now())
	return &st
}

// headLags are the lags of all places, in the words of metrics.
func (s *Salve) headLags() []bot.HeadLag {
	st := s.AuditLag()
	if st == nil {
		return nil
	}
	all := make([]bot.HeadLag, len(st.Places))
	for i, p := range st.Places {
		all[i] = bot.HeadLag{Place: p.Place, Events: p.Events, For: p.For()}
	}
	return all
}

// headsLate is how many times the usual a place may be behind before people are
// told.
const headsLate = 10

// headConditions tells of places that heads of the audit log do not reach.
func (s *Salve) headConditions(context.Context) []bot.Condition {
	st := s.AuditLag()
	if st == nil {
		return nil
	}
	var all []bot.Condition
	for _, p := range st.Places {
		if p.For() < headsLate*s.cfg.Audit.Every.Std() {
			continue
		}
		all = append(all, bot.Condition{
			Name: "audit-heads", Subject: filepath.Base(p.Place), Severity: bot.SeverityHigh,
			Says:   "Signed heads of the audit log do not reach a place where they should be written.",
			Do:     "Look at `salve status --json`: it names the place and the reason. Nothing is lost; heads follow when it is reachable.",
			Detail: p.Place + ": " + p.Err, Since: time.Now().Add(-p.For()),
		})
	}
	return all
}
