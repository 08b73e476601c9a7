package hear

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/phrase"
)

// show shows what a Press is about to whoever pressed.
func (t *turn) show(ctx context.Context, p bot.Press) string {
	formed := t.g.Kind == bot.GesturePressed && (p.Show == bot.ShowPlan || p.Show == bot.ShowMore)
	if formed {
		t.loading(ctx, "Salve")
	}
	w := t.identify(ctx, "")
	if p.Show == bot.ShowMine && w.person.ID == "" {
		return t.refuse(ctx, w.refusal(t.g)) // an empty list would say that nothing waits
	}
	m, f, err := t.view(ctx, p, w.person)
	switch {
	case err != nil:
		return t.refuse(ctx, err)
	case f != nil:
		t.put(ctx, *f)
	default:
		t.reply(ctx, m)
	}
	return strings.TrimSpace("shown: " + string(p.Show) + " " + p.Command.Incident.String())
}

// view makes what is shown: a Message, or a Form.
func (t *turn) view(ctx context.Context, p bot.Press, viewer bot.Person) (bot.Message, *bot.Form, error) {
	o, about := t.venue.Brief, p.Command
	switch p.Show {
	case bot.ShowCard, bot.ShowWhy, bot.ShowMore:
		c, err := t.card(ctx, about.Incident, viewer)
		switch {
		case err != nil:
			return bot.Message{}, nil, err
		case p.Show == bot.ShowWhy:
			return brief.Why(c, o), nil, nil
		case p.Show == bot.ShowMore && t.opened != "":
			f := brief.MoreForm(c)
			return bot.Message{}, &f, nil
		default:
			return brief.Full(c, o), nil, nil
		}
	case bot.ShowPlan:
		return t.plan(ctx, about, viewer)
	case bot.ShowOutput:
		m, err := t.output(ctx, about, viewer)
		return m, nil, err
	case bot.ShowList:
		if r := t.reads(ctx, 0); r != nil {
			return bot.Message{}, nil, r
		}
		cards, err := t.Window.Board(ctx, bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentOpen}, Limit: maxListed}, viewer)
		return brief.List(cards, o), nil, err
	case bot.ShowMine:
		ps, err := t.mine(ctx, about.Verb, viewer)
		return brief.Mine(ps, o), nil, err
	case bot.ShowWhoami:
		return brief.Whoami(t.whoami(), o), nil, nil
	case bot.ShowHelp:
		return brief.Help(about.Name, help(), o), nil, nil
	default:
		return bot.Message{}, nil, bot.Refuse(bot.RefusedInput, "There is nothing of that kind to show.", "salve help lists what can be said.")
	}
}

const maxListed = 200

// card is an Incident, if the person may read it here.
func (t *turn) card(ctx context.Context, id bot.IncidentID, viewer bot.Person) (bot.Card, error) {
	if r := t.reads(ctx, id); r != nil {
		return bot.Card{}, r
	}
	c, err := t.Window.Card(ctx, id, viewer)
	if errors.Is(err, bot.ErrNotFound) {
		return c, bot.Refuse(bot.RefusedUnknown, fmt.Sprintf("There is no incident %s.", id), "salve list shows what is open.")
	}
	return c, err
}

// plan shows a plan, with a way to confirm it for whoever may.
func (t *turn) plan(ctx context.Context, about bot.Command, viewer bot.Person) (bot.Message, *bot.Form, error) {
	ps, err := t.questions(ctx, about, viewer)
	if err != nil {
		return bot.Message{}, nil, err
	}
	if len(ps) > 1 {
		return brief.Mine(ps, t.venue.Brief), nil, nil
	}
	if t.opened != "" {
		f := brief.PlanForm(ps[0], t.venue.Brief)
		return bot.Message{}, &f, nil
	}
	return brief.Confirm(ps[0], t.venue.Brief), nil, nil
}

// questions are those that the Command names, decided or not; else the ones of
// its incident that wait. There is at least one, or an error.
func (t *turn) questions(ctx context.Context, about bot.Command, viewer bot.Person) ([]bot.CardProposal, error) {
	var all []bot.CardProposal
	if about.Incident != 0 {
		c, err := t.card(ctx, about.Incident, viewer)
		if err != nil {
			return nil, err
		}
		all = c.Proposals
	} else {
		if r := t.reads(ctx, 0); r != nil {
			return nil, r
		}
		var err error
		if all, err = t.Window.Proposals(ctx, viewer); err != nil {
			return nil, err
		}
	}
	named := func(p bot.CardProposal) bool {
		return about.Approval != 0 && p.Approval.ID == about.Approval || about.Approval == 0 && p.Approval.Digest.Matches(about.Digest)
	}
	var out []bot.CardProposal
	for _, p := range all {
		switch {
		case about.Approval != 0 || about.Digest != "":
			if named(p) {
				return []bot.CardProposal{p}, nil
			}
		case p.Approval.State == bot.ApprovalPending:
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		what := cmp.Or(about.Incident.String(), about.Approval.String())
		if about.Digest != "" {
			what += ", plan " + short(about.Digest, 8)
		}
		return nil, bot.Refuse(bot.RefusedState, "Nothing waits for an approval: "+what+".", "Look at it as it is now: "+looking(about.Incident))
	}
	return out, nil
}

func (t *turn) mine(ctx context.Context, verb bot.Verb, viewer bot.Person) ([]bot.CardProposal, error) {
	ps, err := t.Window.Proposals(ctx, viewer)
	return slices.DeleteFunc(ps, func(p bot.CardProposal) bool {
		if verb == bot.VerbDeny {
			return p.Approval.MayDeny(viewer, t.now) != nil
		}
		return p.MayVote != ""
	}), err
}

func (t *turn) output(ctx context.Context, about bot.Command, viewer bot.Person) (bot.Message, error) {
	r, err := t.Store.Run(ctx, about.Run)
	if errors.Is(err, bot.ErrNotFound) {
		return bot.Message{}, bot.Refuse(bot.RefusedUnknown, fmt.Sprintf("There is no run %s.", about.Run), "The card of its incident names the runs: salve list")
	}
	if err != nil {
		return bot.Message{}, err
	}
	c, err := t.card(ctx, r.Incident, viewer)
	if err != nil {
		return bot.Message{}, err
	}
	m, ok := brief.Progress(c, about.Run, t.now, t.venue.Brief)
	if !ok {
		return brief.Full(c, t.venue.Brief), nil
	}
	m.Kind, m.Broadcast, m.Files = bot.MessageReply, false, nil
	return m, nil
}

// whoami is who the person is, with what would grant them what they lack.
func (t *turn) whoami() brief.WhoamiState {
	w := t.who
	state := brief.WhoamiState{Surface: t.g.Surface, Member: w.member, Person: w.person}
	state.Member.User.ID = t.g.User.ID
	if w.unsure {
		state.Member.Why = t.g.Surface + " could not be asked just now who you are"
	}
	if w.person.ID == "" {
		if w.member.Why == "" && !w.unsure && w.err == nil {
			state.Grants = append(state.Grants, adding(t.g))
		}
		return state
	}
	state.Rights = bot.Rights(w.person, t.opts.Playbooks, t.opts.ResumeGroup)
	if t.venue.Mapping == nil {
		return state
	}
	for _, g := range t.groups() {
		if line := t.venue.Mapping(g); line != "" && !w.person.In([]string{g}) {
			state.Grants = append(state.Grants, line)
		}
	}
	return state
}

// groups are those whose yes some playbook wants.
func (l *Leg) groups() []string {
	var out []string
	for _, b := range l.opts.Playbooks {
		out = append(append(out, b.Approvers...), b.Also...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func help() []brief.Usage {
	var out []brief.Usage
	for _, u := range phrase.Usages() {
		out = append(out, brief.Usage{Word: u.Word, Args: u.Args, Says: u.Says, Example: u.Example})
	}
	return out
}

// homeState is what a person's own page shows.
func (t *turn) homeState(ctx context.Context, p bot.Person) (brief.HomeState, error) {
	h := brief.HomeState{Person: p, At: instant(t.now)}
	var errs [4]error
	h.Mine, errs[0] = t.mine(ctx, "", p)
	open, err := t.Window.Board(ctx, bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentOpen, bot.IncidentResolved}, Limit: maxListed}, p)
	errs[1] = err
	for _, c := range open {
		for _, r := range c.Runs {
			if r.Run.Active() {
				h.Running = append(h.Running, r)
			}
		}
	}
	h.Held, errs[2] = t.Window.Board(ctx, bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentOpen, bot.IncidentResolved}, Owner: p.ID, Limit: maxListed}, p)
	h.Halts, errs[3] = t.Store.Halts(ctx)
	return h, errors.Join(errs[:]...)
}
