package falco

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/bot"
	"salve/integrations/internal/tokens"
)

// priorities is what Falco's priorities mean. One that is not here is unknown,
// and unknown counts as critical.
var priorities = map[string]bot.Severity{
	"emergency": bot.SeverityCritical, "alert": bot.SeverityCritical, "critical": bot.SeverityCritical,
	"error": bot.SeverityHigh, "warning": bot.SeverityMedium, "notice": bot.SeverityLow,
	"informational": bot.SeverityInfo, "debug": bot.SeverityInfo,
}

// where are the fields that say where something happened: together with the rule
// they make the group.
var where = []string{"hostname", "k8s.ns.name", "k8s.pod.name", "container.id", "ka.target.namespace", "ka.target.resource", "ka.target.name"}

// who are the fields that say who did it to what: with the group they make the
// fingerprint.
var who = []string{"container.name", "proc.name", "proc.exepath", "user.name", "fd.name", "ka.user.name", "ka.verb", "ct.user", "ct.name"}

// own are names of labels that no output field may take: the first are of the
// event itself, and severity would speak for the priority.
var own = []string{"alertname", "priority", "hostname", "source", "tags", "severity"}

// event is one while it is read.
type event struct {
	rule, priority, output, hostname, source, tags string
	at                                             time.Time
	fields                                         map[string]string // output fields
	leftOut                                        []string          // those that are too long
}

// Decode reads one event into an Alert of the source. Its text is untrusted. The
// error carries nothing of it; then there is no alert.
func Decode(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error) {
	r := tokens.Borrow(body)
	defer r.GiveBack()
	e := event{fields: map[string]string{}}
	if err := r.Whole(func(name string) error { return e.member(r, name) }); err != nil {
		return nil, r.Broken(err)
	}
	switch {
	case e.rule == "":
		return nil, r.Broken(tokens.Form(`"rule" is missing, so this is no Falco event`))
	case e.at.IsZero():
		return nil, r.Broken(tokens.Form(`"time" is missing`))
	}
	a := e.alert()
	a.Source, a.ReceivedAt = source, receivedAt.UTC().Truncate(time.Millisecond)
	return []bot.Alert{a}, nil
}

func (e *event) member(r *tokens.Reader, name string) (err error) {
	switch name {
	case "rule":
		e.rule, err = short(r, name)
	case "priority":
		e.priority, err = short(r, name)
	case "hostname":
		e.hostname, err = short(r, name)
	case "source":
		e.source, err = short(r, name)
	case "output":
		e.output, err = r.Plain(name)
	case "time":
		e.at, err = r.Time(name)
	case "tags":
		e.tags, err = tags(r)
	case "output_fields":
		err = r.Object(name, func(field string) error { return e.field(r, field) })
	default:
		err = r.Skip()
	}
	return err
}

func short(r *tokens.Reader, member string) (string, error) {
	text, err := r.Plain(member)
	if err == nil && len(text) > tokens.MaxText {
		err = tokens.Form(strconv.Quote(member) + " has more than " + strconv.Itoa(tokens.MaxText) + " bytes")
	}
	return text, err
}

func (e *event) field(r *tokens.Reader, name string) error {
	if len(name) > tokens.MaxText || len(e.fields)+len(e.leftOut) == tokens.MaxLabels {
		return tokens.Form(`"output_fields" has more than ` + strconv.Itoa(tokens.MaxLabels) + " members, or a name of more than " + strconv.Itoa(tokens.MaxText) + " bytes")
	}
	if slices.Contains(own, name) {
		name = "output." + name
	}
	text, ok, err := r.Literal()
	switch {
	case err != nil || !ok:
		return err
	case len(text) > tokens.MaxText:
		e.leftOut = append(e.leftOut, name)
		if sum := sha256.Sum256([]byte(text)); slices.Contains(who, name) || slices.Contains(where, name) {
			e.fields[name] = "sha256=" + hex.EncodeToString(sum[:])
		}
	default:
		e.fields[name] = text
	}
	return nil
}

// tags joins a list of strings.
func tags(r *tokens.Reader) (string, error) {
	if r.Peek() == 'n' {
		return "", r.Next()
	}
	if err := r.Open('[', `"tags" is not a list`); err != nil {
		return "", err
	}
	var all []string
	for r.Peek() != ']' {
		tag, _, err := r.Literal()
		if err != nil {
			return "", err
		}
		all = append(all, tag)
	}
	text := strings.Join(all, ",")
	if len(text) > tokens.MaxText {
		return "", tokens.Form(`"tags" has more than ` + strconv.Itoa(tokens.MaxText) + " bytes")
	}
	return text, r.Next()
}

func (e *event) alert() bot.Alert {
	labels := make(map[string]string, len(e.fields)+5)
	maps.Copy(labels, e.fields)
	for name, value := range map[string]string{"priority": e.priority, "hostname": e.hostname, "source": e.source, "tags": e.tags} {
		if value != "" {
			labels[name] = value
		}
	}
	labels["alertname"] = e.rule
	notes := map[string]string{}
	if e.output != "" {
		notes["description"] = tokens.Cut(e.output)
	}
	if len(e.leftOut) > 0 {
		slices.Sort(e.leftOut)
		notes["left_out"] = tokens.Cut(strings.Join(e.leftOut, ", "))
	}
	group := pairs(labels, where)
	sum := sha256.Sum256([]byte(group + "\n" + pairs(labels, who) + "\n" + strconv.Quote(e.source)))
	return bot.Alert{
		AlertKey: bot.AlertKey{Fingerprint: hex.EncodeToString(sum[:16]), StartsAt: e.at},
		GroupKey: group, State: bot.AlertFiring, Severity: priorities[strings.ToLower(e.priority)],
		Title: title(labels), Labels: labels, Annotations: notes,
	}
}

// pairs are the rule and the labels of those names, so that different ones never
// read the same.
func pairs(labels map[string]string, names []string) string {
	var b strings.Builder
	b.WriteString("rule=" + strconv.Quote(labels["alertname"]))
	for _, name := range names {
		if value, ok := labels[name]; ok {
			b.WriteString("," + name + "=" + strconv.Quote(value))
		}
	}
	return b.String()
}

// title is the rule and where.
func title(labels map[string]string) string {
	ns, pod := labels["k8s.ns.name"], labels["k8s.pod.name"]
	switch {
	case ns != "" && pod != "":
		return labels["alertname"] + " in " + ns + "/" + pod
	case labels["hostname"] != "":
		return labels["alertname"] + " on " + labels["hostname"]
	default:
		return labels["alertname"]
	}
}
