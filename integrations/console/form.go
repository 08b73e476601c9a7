package console

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"salve/bot"
)

// What a form may hold.
const (
	maxFormBytes  = 64 << 10
	maxFieldRunes = 4000
	maxAlertsOut  = 500
)

// verbs are those that a form may say.
var verbs = map[bot.Verb]bool{
	bot.VerbApprove: true, bot.VerbDeny: true, bot.VerbTake: true, bot.VerbRelease: true, bot.VerbAssign: true,
	bot.VerbNote: true, bot.VerbClose: true, bot.VerbReopen: true, bot.VerbMerge: true, bot.VerbSplit: true,
	bot.VerbSnooze: true, bot.VerbHandover: true, bot.VerbRun: true, bot.VerbUndo: true, bot.VerbCancel: true,
	bot.VerbSettle: true, bot.VerbHalt: true, bot.VerbResume: true, bot.VerbReplay: true, bot.VerbDiscard: true,
	bot.VerbClaim: true, bot.VerbUnclaim: true, bot.VerbRaise: true,
}

// readForm reads an urlencoded body of bounded size into r.PostForm.
func readForm(w http.ResponseWriter, r *http.Request) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return &statusError{http.StatusUnsupportedMediaType, bot.Refuse(bot.RefusedInput, "That is not a form of this console.", "Press the button on the page.")}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
	if err := r.ParseForm(); err != nil {
		if _, big := errors.AsType[*http.MaxBytesError](err); big {
			return &statusError{http.StatusRequestEntityTooLarge, bot.Refuse(bot.RefusedInput, "That form is too large.", "Write less, and put long text where it can be linked to.")}
		}
		return bot.Refuse(bot.RefusedInput, "The form could not be read.", "Load the page again and repeat it.")
	}
	for name, values := range r.PostForm {
		for _, v := range values {
			if !utf8.ValidString(name) || !utf8.ValidString(v) {
				return bot.Refuse(bot.RefusedInput, "The form holds text that is not UTF-8.", "Type it again.")
			}
			if utf8.RuneCountInString(v) > maxFieldRunes {
				return bot.Refuse(bot.RefusedInput, "One of the fields is too long.", "Write less than 4000 characters.")
			}
		}
	}
	return nil
}

// command understands a form. It says nothing about who sent it.
func command(verb bot.Verb, form url.Values) (bot.Command, error) {
	if !verbs[verb] {
		return bot.Command{}, bot.Refuse(bot.RefusedInput, "Nobody knows that command.", "Press a button on the page.")
	}
	get := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	cmd := bot.Command{
		Verb: verb, Digest: get("digest"), Reason: get("reason"), To: get("to"), Playbook: get("playbook"),
		Scope: bot.HaltScope(get("scope")), Settle: bot.Settlement(get("settle")), Title: get("title"),
	}
	var errs [8]error
	cmd.Incident, errs[0] = bot.ParseIncidentID(get("incident"))
	cmd.Run, errs[1] = bot.ParseRunID(get("run"))
	cmd.Approval, errs[2] = bot.ParseApprovalID(get("approval"))
	cmd.Quarantine, errs[3] = bot.ParseQuarantineID(get("quarantine"))
	cmd.Into, errs[4] = bot.ParseIncidentID(get("into"))
	if d := get("for"); d != "" {
		errs[5] = cmd.For.UnmarshalText([]byte(d))
	}
	if v := get("seen"); v != "" {
		cmd.Seen, errs[6] = strconv.ParseInt(v, 10, 64)
	}
	if v := get("severity"); v != "" {
		errs[7] = cmd.Severity.UnmarshalText([]byte(v))
	}
	for _, err := range errs {
		if err != nil {
			return bot.Command{}, bot.Refuse(bot.RefusedInput, sentence(err.Error()), "Go back and correct it.")
		}
	}
	return cmd, fillNames(&cmd, form)
}

// fillNames takes what may hold any characters. The forms of a page carry such
// names escaped, so that making invisible characters visible cannot change what
// is meant; a person types them as they are.
func fillNames(cmd *bot.Command, form url.Values) error {
	cmd.Name = strings.TrimSpace(form.Get("name"))
	if escaped := form.Get("name_escaped"); escaped != "" {
		name, err := url.QueryUnescape(escaped)
		if err != nil {
			return bot.Refuse(bot.RefusedInput, "The name in the form is broken.", "Load the page again.")
		}
		cmd.Name = name
	}
	list := form["alert_escaped"]
	if len(list) > maxAlertsOut {
		return bot.Refuse(bot.RefusedInput, "Too many alerts at once.", "Split off at most 500.")
	}
	for _, escaped := range list {
		fingerprint, err := url.QueryUnescape(escaped)
		if err != nil {
			return bot.Refuse(bot.RefusedInput, "An alert in the form is broken.", "Load the page again.")
		}
		cmd.Alerts = append(cmd.Alerts, fingerprint)
	}
	for field, values := range form {
		name, ok := strings.CutPrefix(field, "param.")
		if !ok || len(values) == 0 || values[0] == "" {
			continue
		}
		if cmd.Params == nil {
			cmd.Params = map[string]string{}
		}
		cmd.Params[name] = values[0]
	}
	return nil
}

// sentence makes an error one: with a capital and a full stop.
func sentence(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	return strings.ToUpper(string(r)) + strings.TrimSuffix(text[n:], ".") + "."
}
