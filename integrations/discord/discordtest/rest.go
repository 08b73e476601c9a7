package discordtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/integrations/discord/legal"
)

// Call is a request to the REST API and what came of it.
type Call struct {
	Route   string // as in "POST /channels/{channel}/messages"
	Path    string // below the version
	Channel string // that it is about; "": none
	Reason  string // X-Audit-Log-Reason
	Body    json.RawMessage
	Files   int
	At      time.Time // by Discord's clock
	Status  int       // 0: the connection was cut
	Code    int       // of the error
	Scope   string    // of a 429
	Done    bool      // it took effect, whatever was answered
}

// refusal is an error of the REST API.
type refusal struct {
	status  int
	code    int
	message string
	errors  object // of code 50035
	after   time.Duration
	scope   string // of a 429
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %d %s", r.status, r.code, r.message) }

// The errors that are answered.
var (
	errUnauthorized   = &refusal{status: 401, code: 0, message: "401: Unauthorized"}
	errNotFound       = &refusal{status: 404, code: 0, message: "404: Not Found"}
	errMethod         = &refusal{status: 405, code: 0, message: "405: Method Not Allowed"}
	errUnknownChannel = &refusal{status: 404, code: 10003, message: "Unknown Channel"}
	errUnknownGuild   = &refusal{status: 404, code: 10004, message: "Unknown Guild"}
	errUnknownMember  = &refusal{status: 404, code: 10007, message: "Unknown Member"}
	errUnknownMessage = &refusal{status: 404, code: 10008, message: "Unknown Message"}
	errUnknownUser    = &refusal{status: 404, code: 10013, message: "Unknown User"}
	errUnknownWebhook = &refusal{status: 404, code: 10015, message: "Unknown Webhook"}
	errUnknownAnswer  = &refusal{status: 404, code: 10062, message: "Unknown interaction"}
	errTwice          = &refusal{status: 400, code: 40060, message: "Interaction has already been acknowledged."}
	errNoAccess       = &refusal{status: 403, code: 50001, message: "Missing Access"}
	errNotAuthor      = &refusal{status: 403, code: 50005, message: "Cannot edit a message authored by another user"}
	errEmpty          = &refusal{status: 400, code: 50006, message: "Cannot send an empty message"}
	errClosed         = &refusal{status: 403, code: 50007, message: "Cannot send messages to this user"}
	errNoPermission   = &refusal{status: 403, code: 50013, message: "Missing Permissions"}
	errWebhookToken   = &refusal{status: 401, code: 50027, message: "Invalid Webhook Token"}
	errNotJSON        = &refusal{status: 400, code: 50109, message: "The request body contains invalid JSON."}
	errArchived       = &refusal{status: 400, code: 50083, message: "Thread is archived"}
	errThreadThere    = &refusal{status: 400, code: 160004, message: "A thread has already been created for this message"}
	errThreadLocked   = &refusal{status: 400, code: 160005, message: "Thread is locked"}
	errTooLarge       = &refusal{status: 413, code: 40005, message: "Request entity too large"}
)

// request is a call being carried out, with the lock held.
type request struct {
	*http.Request
	body  json.RawMessage
	files []Attachment
}

type handler func(*Discord, *request) (any, *refusal)

// route is an operation. Those of interactions need no token of the bot's, and
// do not count to the global rate.
type route struct {
	pattern string // method and path below the version
	free    bool   // an operation of interactions, or one that anybody may ask
	do      handler
}

func routes() []route {
	return []route{
		{"GET /gateway", true, (*Discord).getGateway},
		{"GET /gateway/bot", false, (*Discord).getGatewayBot},
		{"GET /users/@me", false, (*Discord).getMe},
		{"GET /users/{user}", false, (*Discord).getUser},
		{"POST /users/@me/channels", false, (*Discord).openDirect},
		{"GET /applications/@me", false, (*Discord).getApplication},
		{"GET /oauth2/applications/@me", false, (*Discord).getApplication},
		{"GET /channels/{channel}", false, (*Discord).getChannel},
		{"PATCH /channels/{channel}", false, (*Discord).changeChannel},
		{"POST /channels/{channel}/messages", false, (*Discord).createMessage},
		{"GET /channels/{channel}/messages", false, (*Discord).listMessages},
		{"GET /channels/{channel}/messages/{message}", false, (*Discord).getMessage},
		{"PATCH /channels/{channel}/messages/{message}", false, (*Discord).editMessage},
		{"DELETE /channels/{channel}/messages/{message}", false, (*Discord).deleteMessage},
		{"POST /channels/{channel}/messages/{message}/threads", false, (*Discord).startThread},
		{"GET /guilds/{guild}", false, (*Discord).getGuild},
		{"GET /guilds/{guild}/channels", false, (*Discord).listChannels},
		{"GET /guilds/{guild}/roles", false, (*Discord).listRoles},
		{"GET /guilds/{guild}/threads/active", false, (*Discord).listThreads},
		{"GET /guilds/{guild}/members/{user}", false, (*Discord).getMember},
		{"GET /applications/{app}/commands", false, (*Discord).listCommands},
		{"PUT /applications/{app}/commands", false, (*Discord).putCommands},
		{"GET /applications/{app}/guilds/{guild}/commands", false, (*Discord).listCommands},
		{"PUT /applications/{app}/guilds/{guild}/commands", false, (*Discord).putCommands},
		{"POST /interactions/{interaction}/{token}/callback", true, (*Discord).callback},
		{"POST /webhooks/{app}/{token}", true, (*Discord).followUp},
		{"GET /webhooks/{app}/{token}/messages/{message}", true, (*Discord).getAnswer},
		{"PATCH /webhooks/{app}/{token}/messages/{message}", true, (*Discord).editAnswer},
		{"DELETE /webhooks/{app}/{token}/messages/{message}", true, (*Discord).deleteAnswer},
	}
}

func (d *Discord) mux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, r := range routes() {
		method, path, _ := strings.Cut(r.pattern, " ")
		mux.HandleFunc(method+" /api/{version}"+path, func(w http.ResponseWriter, req *http.Request) { d.serve(w, req, r) })
	}
	mux.HandleFunc("GET /link", d.serveLink)
	mux.HandleFunc("GET /link/{$}", d.serveLink) // discordgo adds a slash
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		d.serve(w, req, route{pattern: req.Method + " ?", do: func(*Discord, *request) (any, *refusal) { return nil, d.lacking(mux, req) }})
	})
	return mux
}

// lacking tells a path that there is not from a method that it does not have.
func (d *Discord) lacking(mux *http.ServeMux, req *http.Request) *refusal {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := req.Clone(req.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" {
			return errMethod
		}
	}
	return errNotFound
}

func (d *Discord) serve(w http.ResponseWriter, r *http.Request, to route) {
	version := r.PathValue("version")
	call := Call{Route: to.pattern, Path: strings.TrimPrefix(r.URL.Path, "/api/"+version), Channel: r.PathValue("channel"), Reason: r.Header.Get("X-Audit-Log-Reason")}
	if version != "" && version != "v9" && version != "v10" {
		d.finish(w, &call, nil, errNotFound)
		return
	}
	req := &request{Request: r}
	no := req.read()
	call.Body, call.Files = req.body, len(req.files)
	fault := d.takeFault(call)
	if !hold(r, fault) {
		return
	}
	if !strings.HasPrefix(r.UserAgent(), "DiscordBot (") {
		fault = &Fault{Status: http.StatusForbidden, Body: strings.Replace(HTMLPage, "rate limited", "blocked: no User-Agent of a bot", 1)}
	} else if d.isBanned() {
		fault = &Fault{Status: http.StatusTooManyRequests, Body: HTMLPage, RetryAfter: "3600"}
	}
	if fault.before() {
		d.answerFault(w, &call, fault)
		return
	}
	var out any
	if no == nil {
		out, no = d.carryOut(w, req, to)
	}
	call.Done = no == nil
	if fault.CutAfter {
		d.record(call)
		cut(w)
		return
	}
	d.finish(w, &call, out, no)
}

// carryOut does what the call asks for, if it may.
func (d *Discord) carryOut(w http.ResponseWriter, req *request, to route) (any, *refusal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.touch()
	if !to.free && req.Header.Get("Authorization") != "Bot "+BotToken {
		return nil, errUnauthorized
	}
	if no := d.judgeRate(w, req, to); no != nil {
		return nil, no
	}
	return to.do(d, req)
}

// finish answers, and writes down what was answered.
func (d *Discord) finish(w http.ResponseWriter, call *Call, out any, no *refusal) {
	call.Status = http.StatusOK
	var body any = out
	switch {
	case no != nil:
		call.Status, call.Code, call.Scope = no.status, no.code, no.scope
		body = no.body()
		if no.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", strconv.Itoa(seconds(no.after)))
			w.Header().Set("X-RateLimit-Scope", no.scope)
			if no.scope == scopeGlobal {
				w.Header().Set("X-RateLimit-Global", "true")
			}
		}
	case out == nil:
		call.Status = http.StatusNoContent
	}
	d.record(*call)
	if call.Status != http.StatusNoContent {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(call.Status)
	if call.Status != http.StatusNoContent {
		_ = json.NewEncoder(w).Encode(body) // the other side is gone
	}
}

func (r *refusal) body() object {
	if r.status == http.StatusTooManyRequests {
		return object{"message": "You are being rate limited.", "retry_after": r.after.Seconds(), "global": r.scope == scopeGlobal}
	}
	out := object{"code": r.code, "message": r.message}
	if r.errors != nil {
		out["errors"] = r.errors
	}
	return out
}

func (d *Discord) record(call Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	call.At = d.now()
	d.log = append(d.log, call)
	d.countInvalid(call)
	d.touch()
}

// judge refuses a payload by what package legal says of it.
func (d *Discord) judge(kind legal.Kind, body json.RawMessage) *refusal {
	if !json.Valid(body) {
		return errNotJSON
	}
	problems := legal.Check(kind, body)
	if d.opts.Lenient {
		problems = slices.DeleteFunc(problems, legal.Problem.Ours)
	}
	if len(problems) == 0 {
		return nil
	}
	if len(problems) == 1 && problems[0].Rule == "empty" && problems[0].Pointer == "" {
		return errEmpty
	}
	out := &refusal{status: http.StatusBadRequest, code: 50035, message: "Invalid Form Body", errors: object{}}
	for _, p := range problems {
		place := out.errors
		for part := range strings.SplitSeq(strings.TrimPrefix(p.Pointer, "/"), "/") {
			inner, ok := place[part].(object)
			if !ok {
				inner = object{}
				place[part] = inner
			}
			place = inner
		}
		list, _ := place["_errors"].([]object)
		place["_errors"] = append(list, object{"code": strings.ToUpper(p.Rule), "message": p.Text})
	}
	return out
}

// Calls are the requests so far to the route, oldest first; "" means all.
func (d *Discord) Calls(route string) []Call {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []Call
	for _, c := range d.log {
		if route == "" || c.Route == route {
			out = append(out, c)
		}
	}
	return out
}

// Count is how many requests to the route were answered with the status; 0 means
// any.
func (d *Discord) Count(route string, status int) int {
	n := 0
	for _, c := range d.Calls(route) {
		if status == 0 || c.Status == status {
			n++
		}
	}
	return n
}
