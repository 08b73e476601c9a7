package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/backstage"
	"salve/integrations/control"
	"salve/integrations/oncall"
)

// examineRunning asks a Salve that runs on the data directory how it is.
func examineRunning(ctx context.Context, cfg config.Config) (running bool, found []Finding) {
	const what = "salve"
	socket := filepath.Join(cfg.DataDir, SocketFile)
	ctx, cancel := context.WithTimeoutCause(ctx, 15*time.Second, errors.New("no answer within 15 s"))
	defer cancel()
	none := []Finding{{What: what, OK: true, Says: "none runs on " + cfg.DataDir + " now"}}
	closed := []Finding{{What: what, Says: "the socket " + socket + " of one is for the user that runs it", Mend: "become that user (sudo -u), so that more can be looked at"}}
	switch _, err := os.Stat(socket); {
	case errors.Is(err, os.ErrPermission):
		return true, closed
	case err != nil:
		return false, none
	}
	var now status
	switch err := control.NewUnixClient(socket).Get(ctx, "/v1/status", nil, &now); {
	case errors.Is(err, os.ErrPermission):
		return true, closed
	case errors.Is(err, syscall.ECONNREFUSED): // one that was killed leaves its socket
		return false, none
	case err != nil:
		return true, []Finding{{What: what, Says: "one runs and does not tell how it is: " + err.Error(), Mend: "look at its log"}}
	}
	if len(now.Conditions) == 0 {
		return true, []Finding{{What: what, OK: true, Says: fmt.Sprintf("one runs since %s, and is well", now.Since.UTC().Format(time.RFC3339))}}
	}
	for _, c := range now.Conditions {
		found = append(found, Finding{What: what, Says: c.Says, Mend: c.Do})
	}
	return true, found
}

// examineCertificate looks at the key pair of the web listener.
func examineCertificate(cfg config.Config, now time.Time) []Finding {
	const what = "tls.cert"
	if cfg.TLS.Cert == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(cfg.TLS.Cert, cfg.TLS.Key)
	if err != nil {
		return []Finding{{What: what, Says: err.Error(), Mend: "put a certificate and the key that belongs to it into tls.cert and tls.key, as PEM"}}
	}
	ends := pair.Leaf.NotAfter.UTC()
	const renew = "put a new one into the files of tls.cert and tls.key; it is used from the next connection on"
	switch day := ends.Format(time.DateOnly); {
	case !now.Before(ends):
		return []Finding{{What: what, Says: "it has ended on " + day, Mend: renew}}
	case now.Before(pair.Leaf.NotBefore):
		return []Finding{{What: what, Says: "it begins only on " + pair.Leaf.NotBefore.UTC().Format(time.DateOnly), Mend: "see whether the clock of this machine is right"}}
	case ends.Sub(now) < cfg.Watch.Certificate.Std():
		return []Finding{{What: what, Says: fmt.Sprintf("it ends on %s, in %d days", day, int(ends.Sub(now).Hours()/24)), Mend: renew}}
	default:
		return []Finding{{What: what, OK: true, Says: "good until " + day}}
	}
}

// examinePaging looks at pagers, at who is on call and at the catalogue. It opens
// connections to pagers and sends nothing over them.
func examinePaging(ctx context.Context, cfg config.Config, secrets secret.Resolver) []Finding {
	s := &Salve{cfg: cfg, opts: Options{Secrets: secrets}, log: slog.New(slog.DiscardHandler)}
	defer func() {
		for _, f := range s.onClose {
			f()
		}
	}()
	var out []Finding
	for _, c := range cfg.Page {
		out = append(out, s.examinePager(ctx, c))
	}
	for i, c := range cfg.OnCall.Sources {
		out = append(out, s.examineDuty(ctx, i, c))
	}
	return append(out, examineCatalogue(ctx, cfg)...)
}

func (s *Salve) examinePager(ctx context.Context, c config.Pager) Finding {
	what := "page " + c.Title()
	p, err := s.openPager(ctx, c)
	if err != nil {
		return Finding{What: what, Says: err.Error(), Mend: aboveSecrets}
	}
	if err := p.Reach(ctx); err != nil {
		return Finding{What: what, Says: err.Error(), Mend: "let this machine reach it: its name, its port, the firewall, and egress.allow where it is not a public address"}
	}
	return Finding{What: what, OK: true, Says: "can be reached, and nobody was woken; salve page test " + c.Title() + " sends a page that says that it is a test"}
}

// examineDuty asks one source who is on call now.
func (s *Salve) examineDuty(ctx context.Context, i int, c config.OnCallSource) Finding {
	what := fmt.Sprintf("oncall.sources[%d]", i)
	e, err := s.openSource(ctx, c)
	if err != nil {
		return Finding{What: what, Says: err.Error(), Mend: aboveSecrets}
	}
	rota, err := oncall.New(oncall.Options{Sources: []oncall.Entry{e}})
	if err != nil {
		return Finding{What: what, Says: err.Error(), Mend: "look at " + what}
	}
	what += " " + e.Name
	for _, d := range rota.Look(ctx) {
		switch {
		case d.Error != "":
			return Finding{What: what, Says: d.Error, Mend: "mend that, or take the source out; meanwhile the next source or oncall.fallback is asked"}
		case d.Group != "":
			return Finding{What: what, OK: true, Says: "mentions the user group " + d.Group}
		case len(d.People) == 0:
			return Finding{What: what, Says: "nobody is on call now", Mend: "look at the schedule there; meanwhile the next source or oncall.fallback is asked"}
		default:
			return Finding{What: what, OK: true, Says: "on call now: " + named(d.People)}
		}
	}
	return Finding{What: what, Says: "says nothing", Mend: "look at " + what}
}

// named is who they are, without addresses: what the doctor says is pasted into
// tickets.
func named(people []bot.Contact) string {
	var names []string
	for _, p := range people {
		name := p.Name
		if name == "" {
			name, _, _ = strings.Cut(p.Email, "@")
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func services(n int) string {
	if n == 1 {
		return "1 service"
	}
	return fmt.Sprintf("%d services", n)
}

func examineCatalogue(ctx context.Context, cfg config.Config) []Finding {
	const what = "catalog"
	if len(cfg.Catalog.Files) == 0 {
		return nil
	}
	c, err := backstage.New(cfg.Catalog.Files)
	if err == nil {
		err = c.Load(ctx)
	}
	var out []Finding
	if err != nil {
		out = append(out, Finding{What: what, Says: err.Error(), Mend: "see that catalog.files are there and can be read"})
	}
	if c == nil {
		return out
	}
	for _, n := range c.Notes() {
		out = append(out, Finding{What: what, Says: n.String(), Mend: "mend the file; the other services count"})
	}
	if n := len(c.Services()); len(out) == 0 && n == 0 {
		out = append(out, Finding{What: what, Says: "there is no service in catalog.files", Mend: "name files that hold components, as Backstage keeps them"})
	} else if len(out) == 0 {
		out = append(out, Finding{What: what, OK: true, Says: services(n)})
	}
	return out
}
