package slack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"salve/bot"
)

// The bounds of what is read out of a payload.
const (
	maxSaid   = 4000 // runes of what somebody typed
	maxHandle = 2048 // bytes of a handle
	maxID     = 64
	maxToken  = maxPressed
	maxFields = maxViewBlocks
)

// decoder makes Gestures of payloads. It is pure.
type decoder struct {
	me        identity
	ours      func(id string) bool
	transport string
	now       time.Time
}

// refused is a payload that is not taken; its text says nothing of what was in it.
type refused struct{ why string }

func (r *refused) Error() string { return r.why }

func refuse(format string, args ...any) error { return &refused{fmt.Sprintf(format, args...)} }

var errForeign error = &refused{"it comes from a workspace that is not ours"}

// origin is where a payload says that it comes from.
type origin struct {
	team, enterprise string // where the app is installed
	userTeam         string // where the user is at home
	user, name       string
}

// from judges who it was. People of an organisation are known by it; that its
// members are none of another organisation is for users.info to say.
func (d decoder) from(o origin) (bot.ChatUser, error) {
	if !d.ours(o.team) && !d.ours(o.enterprise) {
		return bot.ChatUser{}, errForeign
	}
	if !userID.MatchString(o.user) {
		return bot.ChatUser{}, refuse("it does not say who it was")
	}
	user := bot.ChatUser{ID: d.me.home() + "/" + o.user, Name: cut(o.name, 80)}
	if o.userTeam != "" && !d.ours(o.userTeam) && d.me.enterprise == "" {
		user.ID, user.Tenant = cut(o.userTeam, maxID)+"/"+o.user, cut(d.me.home(), maxID)
	}
	return user, nil
}

// gesture begins one. What names it is the same however often it comes.
func (d decoder) gesture(kind bot.GestureKind, o origin, names ...string) (bot.Gesture, error) {
	user, err := d.from(o)
	if err != nil {
		return bot.Gesture{}, err
	}
	return bot.Gesture{
		Key: key(append([]string{string(kind), o.user}, names...)...), Surface: Surface, Transport: d.transport,
		Kind: kind, User: user, ReceivedAt: d.now,
	}, nil
}

func key(names ...string) string {
	h := sha256.New()
	for _, n := range names {
		fmt.Fprintf(h, "%d:%s", len(n), n)
	}
	return Surface + "/" + hex.EncodeToString(h.Sum(nil)[:16])
}

// handles keeps what is there and not too long.
func handles(pairs ...string) map[string]string {
	var out map[string]string
	for i := 0; i+1 < len(pairs); i += 2 {
		if v := pairs[i+1]; v != "" && len(v) <= maxHandle {
			if out == nil {
				out = map[string]string{}
			}
			out[pairs[i]] = v
		}
	}
	return out
}

var (
	placeID = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,63}$`)
	stampID = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{1,9}$`)
)

func place(s string) string {
	if placeID.MatchString(s) {
		return s
	}
	return ""
}

func ref(s string) string {
	if stampID.MatchString(s) {
		return s
	}
	return ""
}

// said bounds what somebody typed.
func said(s string) string { return short(strings.ToValidUTF8(typed(s), "�"), maxSaid) }

// spoken is a slash command, as a form or as JSON.
type spoken struct {
	Team       string `json:"team_id"`
	Enterprise string `json:"enterprise_id"`
	Channel    string `json:"channel_id"`
	User       string `json:"user_id"`
	Name       string `json:"user_name"`
	Command    string `json:"command"`
	Text       string `json:"text"`
	Response   string `json:"response_url"`
	Trigger    string `json:"trigger_id"`
}

// command decodes a slash command; seen names the delivery where no trigger does.
func (d decoder) command(s spoken, seen string) (bot.Gesture, error) {
	if !strings.HasPrefix(s.Command, "/") {
		return bot.Gesture{}, refuse("it is no slash command")
	}
	names := []string{"trigger", s.Trigger}
	if s.Trigger == "" {
		names = []string{"delivery", seen}
	}
	g, err := d.gesture(bot.GestureSaid, origin{team: s.Team, enterprise: s.Enterprise, user: s.User, name: s.Name}, names...)
	if err != nil {
		return bot.Gesture{}, err
	}
	g.Place, g.Text = place(s.Channel), said(s.Text)
	g.Handles = handles(handleResponse, s.Response, handleTrigger, s.Trigger)
	return g, nil
}

// outer is the envelope of an event.
type outer struct {
	Type       string          `json:"type"`
	Challenge  string          `json:"challenge"`
	Team       string          `json:"team_id"`
	Enterprise string          `json:"enterprise_id"`
	ID         string          `json:"event_id"`
	Event      json.RawMessage `json:"event"`
	For        []struct {
		Team       string `json:"team_id"`
		Enterprise string `json:"enterprise_id"`
	} `json:"authorizations"`
}

// happened is an event as far as Salve listens to it.
type happened struct {
	Type    string `json:"type"`
	Subtype string `json:"subtype"`
	User    string `json:"user"`
	Bot     string `json:"bot_id"`
	Team    string `json:"team"`
	Home    string `json:"user_team"`
	Source  string `json:"source_team"`
	Channel string `json:"channel"`
	Tab     string `json:"tab"`
	Text    string `json:"text"`
	TS      string `json:"ts"`
	Thread  string `json:"thread_ts"`
}

// event decodes an event; false: it is none that Salve listens to.
func (d decoder) event(o outer) (bot.Gesture, bool, error) {
	var h happened
	if o.Type != "event_callback" {
		return bot.Gesture{}, false, nil
	}
	if o.ID == "" || json.Unmarshal(o.Event, &h) != nil {
		return bot.Gesture{}, false, refuse("it is no event")
	}
	from := origin{team: o.Team, enterprise: o.Enterprise, user: h.User}
	for _, f := range o.For {
		if !d.ours(from.team) && (d.ours(f.Team) || d.ours(f.Enterprise)) {
			from.team, from.enterprise = f.Team, f.Enterprise
		}
	}
	for _, home := range []string{h.Home, h.Source, h.Team} {
		if from.userTeam == "" {
			from.userTeam = home
		}
	}
	kind := bot.GestureKind("")
	switch {
	case h.Bot != "" || h.Subtype != "" || h.User == d.me.user: // what bots say is not listened to, least of all our own
	case h.Type == "app_mention":
		kind = bot.GestureSaid
	case h.Type == "app_home_opened" && h.Tab == "home":
		kind = bot.GestureOpened
	}
	if kind == "" {
		return bot.Gesture{}, false, nil
	}
	g, err := d.gesture(kind, from, "event", o.ID)
	if err != nil {
		return bot.Gesture{}, false, err
	}
	if kind == bot.GestureSaid {
		g.Place, g.Thread, g.Message = place(h.Channel), ref(h.Thread), ref(h.TS)
		g.Text = said(withoutMention(h.Text, d.me.user))
	}
	return g, true, nil
}

// field bounds what was filled in.
func field(s string) string {
	if utf8.ValidString(s) {
		return short(s, maxInput)
	}
	return short(strings.ToValidUTF8(s, "�"), maxInput)
}
