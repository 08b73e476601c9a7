package serve

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/backstage"
	"salve/integrations/mail"
	"salve/integrations/oncall"
	"salve/integrations/opsgenie"
	"salve/integrations/pagehook"
	"salve/integrations/pagerduty"
)

// pager wakes people by other means than chat.
type pager interface {
	Reach(ctx context.Context) error
	Post(ctx context.Context, p bot.Parcel) (bot.Mark, error)
	Edit(ctx context.Context, m bot.Mark, p bot.Parcel) error
	Find(ctx context.Context, p bot.Parcel, since time.Time) (bot.Mark, bool, error)
}

// mailboxes finds the user of a chat by e-mail address.
type mailboxes interface {
	ByEmail(ctx context.Context, email string) (id string, ok bool, err error)
}

// paging is who is woken, who is on call, and what belongs to whom, as the
// configuration says. It is a surface whose places are the names of pagers.
type paging struct {
	log       *slog.Logger
	by        map[string]pager
	names     []string // in the order of the configuration
	duty      *oncall.Rota
	chats     map[string]mailboxes
	catalogue *backstage.Catalog
	said      []string // of the catalogue, in the log
}

// openPaging opens what pages, once; it calls nobody but to read the catalogue's
// files.
func (s *Salve) openPaging(ctx context.Context) (*paging, error) {
	if s.paging != nil {
		return s.paging, nil
	}
	p := &paging{log: s.log, by: map[string]pager{}, chats: map[string]mailboxes{}}
	for i, c := range s.cfg.Page {
		one, err := s.openPager(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("page[%d]: %w", i, err)
		}
		p.by[c.Title()] = one
		p.names = append(p.names, c.Title())
	}
	var err error
	if p.duty, err = s.openDuty(ctx, p.lookup); err != nil {
		return nil, err
	}
	if p.catalogue, err = backstage.New(s.cfg.Catalog.Files); err != nil {
		return nil, fmt.Errorf("catalog.files: %w", err)
	}
	p.load(ctx)
	s.paging = p
	return p, nil
}

func (s *Salve) makePaging(ctx context.Context) error {
	_, err := s.openPaging(ctx)
	return err
}

// openPager opens one. What the operator names may be called, wherever it is.
func (s *Salve) openPager(ctx context.Context, c config.Pager) (pager, error) {
	switch c.Type {
	case config.TypePagerDuty:
		key, err := s.value(ctx, "routing_key", c.RoutingKey)
		if err != nil {
			return nil, err
		}
		p, err := pagerduty.New(key, pagerduty.Options{URL: c.URL, Client: s.cfg.PublicURL, Allow: s.allow(c.URL)})
		return closing(s, p, err)
	case config.TypeOpsgenie:
		key, err := s.value(ctx, "api_key", c.APIKey)
		if err != nil {
			return nil, err
		}
		p, err := opsgenie.New(key, opsgenie.Options{URL: c.URL, Allow: s.allow(c.URL)})
		return closing(s, p, err)
	case config.TypeMail:
		password, err := s.value(ctx, "password", c.Password)
		if err != nil {
			return nil, err
		}
		server := mail.Server{Addr: c.SMTP, User: c.User, Password: password, Plain: c.Plain}
		p, err := mail.New(server, c.From, c.To, mail.Options{Log: s.log, Allow: append([]string{c.SMTP}, s.cfg.Egress.Allow...)})
		return closing(s, p, err)
	case config.TypeWebhook:
		address, err := s.address(ctx, c.URL)
		if err != nil {
			return nil, err
		}
		key, err := s.value(ctx, "secret", c.Secret)
		if err != nil {
			return nil, err
		}
		p, err := pagehook.New(address, key, pagehook.Options{Allow: s.allow(address.Reveal())})
		return closing(s, p, err)
	default:
		return nil, fmt.Errorf("%q is not a type of pager", c.Type)
	}
}

// closing gives back what was opened and closes it when Salve ends.
func closing[T interface {
	pager
	Close()
}](s *Salve, p T, err error) (pager, error) {
	if err != nil {
		return nil, err
	}
	s.onClose = append(s.onClose, p.Close)
	return p, nil
}

// value resolves a reference; "" is no secret.
func (s *Salve) value(ctx context.Context, key, ref string) (secret.Secret, error) {
	if ref == "" {
		return secret.Secret{}, nil
	}
	v, err := resolve(ctx, s.opts.Secrets, ref)
	if err != nil {
		return v, fmt.Errorf("%s: %w", key, err)
	}
	return v, nil
}

// address is one that may stand in the configuration or be a secret.
func (s *Salve) address(ctx context.Context, text string) (secret.Secret, error) {
	if _, err := secret.ParseRef(text); err != nil {
		return secret.New(text), nil
	}
	return s.value(ctx, "url", text)
}

// allow is where a part may connect whose address the operator names; "" names
// none.
func (s *Salve) allow(address string) []string {
	if rest, ok := strings.CutPrefix(address, "webcal://"); ok {
		address = "https://" + rest
	}
	return append(namedHost(address), s.cfg.Egress.Allow...)
}

// Post hands a page to the pager that it is for.
func (p *paging) Post(ctx context.Context, parcel bot.Parcel) (bot.Mark, error) {
	one, err := p.at(parcel.Place)
	if err != nil {
		return bot.Mark{}, err
	}
	return one.Post(ctx, parcel)
}

// Edit hands on what a page says now, or that it is over.
func (p *paging) Edit(ctx context.Context, m bot.Mark, parcel bot.Parcel) error {
	one, err := p.at(cmp.Or(m.Place, parcel.Place))
	if err != nil {
		return err
	}
	return one.Edit(ctx, m, parcel)
}

// Find looks a page up.
func (p *paging) Find(ctx context.Context, parcel bot.Parcel, since time.Time) (bot.Mark, bool, error) {
	one, err := p.at(parcel.Place)
	if err != nil {
		return bot.Mark{}, false, err
	}
	return one.Find(ctx, parcel, since)
}

func (p *paging) at(place string) (pager, error) {
	one, ok := p.by[place]
	if !ok {
		return nil, &bot.SendError{Fault: bot.SendNoPlace, Why: fmt.Sprintf("the configuration has no pager %q", place)}
	}
	return one, nil
}

// pagers are those that are woken for an incident: all of them.
func (p *paging) pagers(bot.Incident) []string { return p.names }

// services is the catalogue as it is now.
func (p *paging) services() []bot.Service { return p.catalogue.Services() }

// rota is who is on call, found in a chat by e-mail address. Call it before
// anything runs.
func (p *paging) rota(surface string, chat mailboxes) *oncall.Rota {
	p.chats[surface] = chat
	return p.duty
}

func (p *paging) lookup(ctx context.Context, surface, email string) (string, bool, error) {
	chat := p.chats[surface]
	if chat == nil {
		return "", false, nil
	}
	return chat.ByEmail(ctx, email)
}

// reload is how often the catalogue's files are looked at.
const reload = time.Minute

// runCatalogue reads what of the catalogue has changed, until ctx ends.
func (p *paging) runCatalogue(ctx context.Context) error {
	tick := time.NewTicker(reload)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			p.load(ctx)
		}
	}
}

// load reads the catalogue and tells once of each thing that is wrong with it.
func (p *paging) load(ctx context.Context) {
	err := p.catalogue.Load(ctx)
	var said []string
	if err != nil && ctx.Err() == nil {
		said = append(said, err.Error())
	}
	for _, n := range p.catalogue.Notes() {
		said = append(said, n.String())
	}
	for _, text := range said {
		if !slices.Contains(p.said, text) {
			p.log.WarnContext(ctx, "something of the catalogue is left out", "what", text)
		}
	}
	p.said = said
}
