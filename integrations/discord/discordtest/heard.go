package discordtest

import (
	"encoding/json"
	"time"
)

// Heard is what became of something that a person did: what they saw of it at
// once. What comes later is found by its methods.
type Heard struct {
	ID        string        // of the interaction
	Token     string        // that answers it
	Answer    int           // the type of the first answer; AnswerNone: the person saw "This interaction failed"
	Ephemeral bool          // the answer is for this person alone
	Modal     *Modal        // that opened; nil: none
	Choices   []Choice      // that were suggested
	Took      time.Duration // until it was answered
	Status    int           // of the answer over HTTP; 0 over the gateway
	Body      []byte        // of the answer over HTTP
	Refused   string        // why Discord did not take the answer over HTTP; "": it did
	Blocked   string        // why the person's client did not send it; "": it did

	discord *Discord
	user    string
	since   int // how many ephemeral messages there had been
	payload object
	sent    *signed
	forged  Forgery
}

// Original is what the answer says now; ok is false when it says nothing yet.
func (h Heard) Original() (m Message, ok bool) {
	h.discord.mu.Lock()
	defer h.discord.mu.Unlock()
	i := h.discord.interactions[h.Token]
	if i == nil || i.original == nil || i.original.Waiting || i.original.gone {
		return Message{}, false
	}
	return *i.original, true
}

// FollowUps are what was said after the first answer.
func (h Heard) FollowUps() []Message {
	h.discord.mu.Lock()
	defer h.discord.mu.Unlock()
	var out []Message
	if i := h.discord.interactions[h.Token]; i != nil {
		for _, m := range i.followUps {
			out = append(out, *m)
		}
	}
	return out
}

// Ephemerals are what the person alone was shown since.
func (h Heard) Ephemerals() []Message {
	h.discord.mu.Lock()
	defer h.discord.mu.Unlock()
	var out []Message
	for _, m := range h.discord.seen[min(h.since, len(h.discord.seen)):] {
		if m.To == h.user && !m.Waiting && !m.gone {
			out = append(out, *m)
		}
	}
	return out
}

// Whispered waits for the first message that the person alone was shown since;
// ok is false when none came within 5 s.
func (h Heard) Whispered() (m Message, ok bool) {
	if h.discord == nil || !h.discord.Await(5*time.Second, func() bool { return len(h.Ephemerals()) > 0 }) {
		return Message{}, false
	}
	return h.Ephemerals()[0], true
}

// Replied waits until the answer says something, however late; ok is false when
// it did not within 5 s.
func (h Heard) Replied() (m Message, ok bool) {
	if h.discord == nil || !h.discord.Await(5*time.Second, func() bool { _, said := h.Original(); return said }) {
		return Message{}, false
	}
	return h.Original()
}

// begin makes an interaction of the kind. The lock is held.
func (d *Discord) begin(kind int, user string, where *Channel) (*interaction, Heard, object) {
	u := d.who(user)
	i := &interaction{id: d.id(), token: secret(), kind: kind, user: user, channel: where.ID, born: d.now()}
	d.interactions[i.token] = i
	locale := u.Locale
	if locale == "" {
		locale = "en-US"
	}
	payload := object{
		"id": i.id, "application_id": AppID, "type": kind, "token": i.token, "version": 1, "channel_id": where.ID, "channel": d.channelJSON(where),
		"locale": locale, "app_permissions": decimal(d.mine(where)), "entitlements": []object{}, "context": 0,
		"authorizing_integration_owners": object{"0": GuildID}, "attachment_size_limit": maxFile,
	}
	if where.With != "" {
		payload["user"], payload["context"] = u.json(), 1
		payload["authorizing_integration_owners"] = object{"0": "0"}
	} else {
		payload["guild_id"], payload["member"], payload["guild_locale"] = GuildID, d.member(u, true), "en-US"
		payload["guild"] = object{"id": GuildID, "locale": "en-US", "features": []string{}}
	}
	return i, Heard{ID: i.id, Token: i.token, discord: d, user: user, since: len(d.seen), payload: payload}, payload
}

// deliver brings it to the app and waits for the first answer.
func (d *Discord) deliver(h Heard) Heard {
	started := time.Now()
	d.mu.Lock()
	overHTTP := d.endpoint != ""
	d.mu.Unlock()
	if overHTTP {
		d.post(&h)
	} else {
		d.dispatchInteraction(h.payload)
	}
	if !overHTTP || h.Status/100 == 2 && len(h.Body) == 0 && h.forged == "" {
		d.Await(d.opts.AckWithin-time.Since(started), func() bool { return d.firstAnswer(h.Token) != 0 })
	}
	return d.look(h, started)
}

func (d *Discord) firstAnswer(token string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := d.interactions[token]; i != nil {
		return i.first
	}
	return 0
}

// look fills in what the person sees by now.
func (d *Discord) look(h Heard, started time.Time) Heard {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.interactions[h.Token]
	h.Answer, h.Modal, h.Choices = i.first, i.modal, i.choices
	h.Took = i.answered.Sub(started)
	if i.first == 0 {
		h.Took = time.Since(started)
	}
	if i.original != nil {
		h.Ephemeral = i.original.To != ""
	}
	if i.refused != nil {
		raw, _ := json.Marshal(i.refused.errors) // it holds nothing but text
		h.Refused = i.refused.Error() + " " + string(raw)
	}
	return h
}
