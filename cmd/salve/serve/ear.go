package serve

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/flow/hear"
	"salve/bot/people"
)

// makeEar makes the leg that hears people in chats, and the doors of those that
// call Salve.
func (s *Salve) makeEar(ctx context.Context) error {
	venues := map[string]hear.Venue{}
	for _, v := range s.chat.venues {
		venues[v.name] = hear.Venue{Surface: v.client, Directory: v.client, Brief: v.brief(s.cfg.PublicURL), Admits: v.admits, Mapping: v.maps}
	}
	var err error
	s.chat.hear, err = hear.New(hear.House{Store: s.rows, Desk: s.desk, Window: s.tell, People: s.people}, venues, hear.Options{
		Log: s.log, Playbooks: s.opts.Library.Playbooks, ResumeGroup: s.cfg.People.ResumeGroup, Turned: s.beats.of("hear"),
	})
	if err != nil {
		return err
	}
	s.chat.doors = map[string]http.Handler{}
	for _, v := range s.chat.venues {
		if v.door == nil {
			continue
		}
		if s.chat.doors[v.path], err = v.door(ctx, s.chat.hear); err != nil {
			return err
		}
	}
	return nil
}

// listenTo keeps a line to a chat while Salve listens to anybody; after that
// nothing new is heard, and what was heard is worked on.
func (s *Salve) listenTo(v venue, listening context.Context) func(context.Context) error {
	return func(working context.Context) error {
		if err := v.listen(listening, s.chat.hear); err != nil && listening.Err() == nil {
			return err
		}
		<-working.Done()
		return nil
	}
}

// known is who people are, with the groups that chats say they are in: the same
// person has the same rights on the console and on the command line.
type known struct {
	*people.People
	chat   *chat
	silent *sync.Map // surface -> time until which it is not asked: it was too slow
}

func (s *Salve) known() known {
	return known{People: s.people, chat: &s.chat, silent: new(sync.Map)}
}

// How long anybody waits for a chat to say which groups somebody is in, and for
// how long it is then not asked: who halts or decides elsewhere because the chat
// is down must not wait for it.
const (
	groupsWithin = 1500 * time.Millisecond
	groupsRest   = 15 * time.Second
)

var errChatSlow = errors.New("the chat did not answer in time")

// Authenticate names the person of a secret.
func (k known) Authenticate(ctx context.Context, secret string, kind bot.TokenKind) (bot.Person, error) {
	p, err := k.People.Authenticate(ctx, secret, kind)
	if err != nil {
		return p, err
	}
	return k.grouped(ctx, p), nil
}

// ByIdentity names the person whom a surface knows by an identity.
func (k known) ByIdentity(ctx context.Context, id bot.Identity) (bot.Person, bool, error) {
	p, found, err := k.People.ByIdentity(ctx, id)
	if err != nil || !found {
		return p, found, err
	}
	return k.grouped(ctx, p), true, nil
}

// grouped adds the groups that chats vouch for now; where one does not answer
// soon there are none.
func (k known) grouped(ctx context.Context, p bot.Person) bot.Person {
	for _, id := range p.Identities {
		m, err := k.member(ctx, id)
		if err != nil || m.Why != "" {
			continue
		}
		for _, g := range m.Groups {
			if !slices.Contains(p.Groups, g) {
				p.Groups = append(slices.Clone(p.Groups), g)
			}
		}
	}
	return p
}

// member is what a chat knows about one of a person's identities.
func (k known) member(ctx context.Context, id bot.Identity) (bot.Member, error) {
	v, on := k.chat.on(id.Surface)
	if !on {
		return bot.Member{}, nil
	}
	if until, ok := k.silent.Load(id.Surface); ok && time.Now().Before(until.(time.Time)) {
		return bot.Member{}, errChatSlow
	}
	ctx, cancel := context.WithTimeoutCause(ctx, groupsWithin, errChatSlow)
	defer cancel()
	m, err := v.client.Member(ctx, bot.ChatUser{ID: id.ID})
	if errors.Is(context.Cause(ctx), errChatSlow) { // also where it told who somebody is and not which groups they are in
		k.silent.Store(id.Surface, time.Now().Add(groupsRest))
	}
	return m, err
}
