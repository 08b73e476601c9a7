package slacktest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed methods.json
var methodsJSON []byte

// reference is what Slack's documents say about a method.
type reference struct {
	Args     []string `json:"args"`
	Required []string `json:"required"`
	Errors   []string `json:"errors"`
	Scopes   []string `json:"scopes"` // of which one is enough
	Tier     string   `json:"tier"`
}

var references = sync.OnceValue(func() map[string]reference {
	var out map[string]reference
	if err := json.Unmarshal(methodsJSON, &out); err != nil {
		panic("slacktest: read methods.json: " + err.Error())
	}
	return out
})

// everywhere are the errors that any method may answer with.
var everywhere = []string{
	"access_denied", "accesslimited", "account_inactive", "ekm_access_denied", "enterprise_is_restricted", "fatal_error", "internal_error",
	"invalid_arguments", "invalid_auth", "invalid_form_data", "invalid_json", "method_deprecated", "missing_scope", "no_permission",
	"not_allowed_token_type", "not_authed", "org_login_required", "rate_limited", "ratelimited", "request_timeout",
	"service_unavailable", "team_access_not_granted", "team_added_to_org", "token_expired", "token_revoked", "unknown_method",
}

// mayAnswer tells whether the method has the error.
func mayAnswer(method, code string) bool {
	return slices.Contains(everywhere, code) || slices.Contains(references()[method].Errors, code)
}

// Call is a request to the Web API and what came of it.
type Call struct {
	Method string
	Args   map[string]string // without the token
	Header bool              // the token came in the Authorization header
	At     time.Time         // by the workspace's clock
	Error  string            // what was answered; "": ok
	Status int               // 0: the connection was cut
	Done   bool              // it took effect, whatever was answered
}

// refusal is an error of the Web API.
type refusal struct {
	code     string
	messages []string
	extra    map[string]any
}

func (r *refusal) Error() string { return r.code + " " + strings.Join(r.messages, "; ") }

func refuse(code string, messages ...string) *refusal {
	return &refusal{code: code, messages: messages}
}

// request is a call being carried out, with the lock held.
type request struct {
	method string
	ref    reference
	args   map[string]string
}

func (r *request) flag(name string) bool { return r.args[name] == "true" || r.args[name] == "1" }

type answer = map[string]any

type handler func(*Slack, *request) (answer, *refusal)

const maxRequest = 2 << 20 // bytes

func (s *Slack) serveMethod(w http.ResponseWriter, r *http.Request) {
	args, err := readArgs(r)
	if err != nil {
		http.Error(w, "unreadable request", http.StatusBadRequest)
		return
	}
	token, inHeader := args["token"], false
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		token, inHeader = bearer, true
	}
	delete(args, "token")
	call := Call{Method: r.PathValue("method"), Args: args, Header: inHeader}
	fault := s.takeFault(call)
	if !s.hold(r, fault) {
		return
	}
	if fault.before() {
		s.record(call, fault)
		fault.answer(w)
		return
	}
	result, no := s.carryOut(&call, token)
	s.record(call, fault)
	if fault.CutAfter {
		cut(w)
		return
	}
	s.reply(w, result, no)
}

// carryOut does what the call asks for, if it may.
func (s *Slack) carryOut(call *Call, token string) (answer, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	req := &request{method: call.Method, args: call.Args}
	result, no := s.judge(req, token)
	if no == nil {
		result, no = handlers()[call.Method](s, req)
	}
	call.Status, call.Done = http.StatusOK, no == nil
	if no != nil {
		call.Error = no.code
		if no.code == "ratelimited" {
			call.Status = http.StatusTooManyRequests
		}
		if !mayAnswer(call.Method, no.code) {
			s.tb.Errorf("slacktest: %s answers %s, which its reference does not list", call.Method, no.code)
		}
	}
	s.touch()
	return result, no
}

// judge refuses what no handler should see.
func (s *Slack) judge(req *request, token string) (answer, *refusal) {
	ref, ok := references()[req.method]
	if !ok || handlers()[req.method] == nil {
		return nil, refuse("unknown_method")
	}
	req.ref = ref
	if no := s.judgeToken(req, token); no != nil {
		return nil, no
	}
	if no := judgeArgs(req); no != nil {
		return nil, no
	}
	return nil, s.judgeRate(req)
}

func (s *Slack) judgeToken(req *request, token string) *refusal {
	want := BotToken
	if req.method == "apps.connections.open" {
		want = AppToken
	}
	switch {
	case token == "":
		return refuse("not_authed")
	case token != BotToken && token != AppToken:
		return refuse("invalid_auth")
	case token != want:
		return refuse("not_allowed_token_type")
	}
	if len(req.ref.Scopes) > 0 && !slices.ContainsFunc(req.ref.Scopes, s.may) {
		return s.lacks(req.ref.Scopes[0])
	}
	return nil
}

func (s *Slack) lacks(scope string) *refusal {
	return &refusal{code: "missing_scope", extra: map[string]any{"needed": scope, "provided": strings.Join(s.opts.Scopes, ",")}}
}

func judgeArgs(req *request) *refusal {
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(req.args)) {
		if !slices.Contains(req.ref.Args, name) {
			wrong = append(wrong, "[ERROR] unknown argument: "+name)
		}
	}
	for _, name := range req.ref.Required {
		if name != "token" && req.args[name] == "" {
			wrong = append(wrong, "[ERROR] missing required field: "+name)
		}
	}
	if len(wrong) > 0 {
		return refuse("invalid_arguments", wrong...)
	}
	return nil
}

func (s *Slack) reply(w http.ResponseWriter, result answer, no *refusal) {
	body := map[string]any{"ok": no == nil}
	maps.Copy(body, result)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-OAuth-Scopes", strings.Join(s.opts.Scopes, ","))
	if no != nil {
		body = map[string]any{"ok": false, "error": no.code}
		maps.Copy(body, no.extra)
		if len(no.messages) > 0 {
			body["response_metadata"] = map[string]any{"messages": no.messages}
		}
		if after, ok := no.extra["retry_after"]; ok {
			delete(body, "retry_after")
			w.Header().Set("Retry-After", fmt.Sprint(after))
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	_ = json.NewEncoder(w).Encode(body) // the other side is gone
}

// readArgs reads the arguments from the query, a form or JSON; what is not a
// string in JSON stays JSON.
func readArgs(r *http.Request) (map[string]string, error) {
	args := map[string]string{}
	for name, values := range r.URL.Query() {
		args[name] = values[0]
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return nil, fmt.Errorf("read the body: %w", err)
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/json" {
		if len(body) == 0 {
			return args, nil
		}
		return args, addJSON(args, body)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fmt.Errorf("read the form: %w", err)
	}
	for name, values := range form {
		args[name] = values[0]
	}
	return args, nil
}

func addJSON(args map[string]string, body []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return fmt.Errorf("read the JSON: %w", err)
	}
	for name, raw := range fields {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		if text != "null" {
			args[name] = text
		}
	}
	return nil
}

func (s *Slack) record(call Call, fault *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	call.At = s.now()
	if fault.before() {
		call.Status, call.Error = fault.Status, fault.Error
		if call.Status == 0 && !fault.CutBefore {
			call.Status = http.StatusOK
		}
	}
	if fault.CutAfter {
		call.Status = 0
	}
	s.log = append(s.log, call)
	s.touch()
}

// Calls are the requests so far to the method, oldest first; "" means all.
func (s *Slack) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.log {
		if method == "" || c.Method == method {
			out = append(out, c)
		}
	}
	return out
}

// Count is how many requests to the method were answered with the error; "" is
// those that were ok.
func (s *Slack) Count(method, code string) int {
	n := 0
	for _, c := range s.Calls(method) {
		if c.Error == code && (code != "" || c.Done) {
			n++
		}
	}
	return n
}
