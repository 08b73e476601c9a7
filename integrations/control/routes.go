package control

import (
	"context"
	"net/http"

	"salve/bot"
)

// need is who may use a route.
type need int

const (
	reader  need = iota // whoever may read
	speaker             // whoever may give commands; the Commander judges each
	manager             // an admin, or the user that runs Salve, on the socket
)

// livePath is where callers wait for a change.
const livePath = "/v1/live"

// call is one request with who makes it.
type call struct {
	*http.Request
	who caller
}

// handler answers a call with a value for JSON, or with text.
type handler func(ctx context.Context, c call) (any, error)

// text is an answer that is not JSON.
type text string

// Route is one row of the table of routes.
type Route struct {
	Method, Path string
	need         need
	do           handler
}

// Routes is every route of the door, for the tests that hold each against each
// kind of caller.
func (s *Server) Routes() []Route {
	return []Route{
		{"POST", "/v1/commands", speaker, s.command},
		{"GET", "/v1/incidents", reader, s.incidents},
		{"GET", "/v1/incidents/{id}", reader, s.incident},
		{"GET", "/v1/incidents/{id}/timeline", reader, s.timeline},
		{"GET", "/v1/incidents/{id}/why", reader, s.why},
		{"GET", "/v1/incidents/{id}/events", reader, s.incidentEvents},
		{"GET", "/v1/runs", reader, s.runs},
		{"GET", "/v1/runs/{id}", reader, s.oneRun},
		{"GET", "/v1/approvals", reader, s.approvals},
		{"GET", "/v1/events", reader, s.events},
		{"GET", "/v1/audit/verify", reader, s.verifyAudit},
		{"GET", "/v1/quarantine", reader, s.quarantine},
		{"GET", "/v1/quarantine/{id}", reader, s.payload},
		{"GET", "/v1/playbooks", reader, s.playbooks},
		{"GET", "/v1/halts", reader, s.halts},
		{"GET", "/v1/claims", reader, s.claims},
		{"GET", "/v1/status", reader, s.status},
		{"GET", "/v1/oncall", reader, s.onCall},
		{"POST", "/v1/pages/test", manager, s.testPage},
		{"GET", "/v1/whoami", reader, s.whoami},
		{"GET", livePath, reader, s.live},
		{"GET", "/v1/people", reader, s.people},
		{"GET", "/v1/people/{id}", reader, s.person},
		{"POST", "/v1/people", manager, s.addPerson},
		{"PUT", "/v1/people/{id}", manager, s.updatePerson},
		{"POST", "/v1/people/{id}/disable", manager, s.disablePerson},
		{"POST", "/v1/people/{id}/enable", manager, s.enablePerson},
		{"POST", "/v1/people/{id}/login-link", manager, s.loginLink},
		{"POST", "/v1/people/{id}/tokens", manager, s.issueToken},
		{"GET", "/v1/people/{id}/tokens", manager, s.listTokens},
		{"DELETE", "/v1/people/{id}/tokens/{hash}", manager, s.revokeToken},
	}
}

func (s *Server) routes() {
	for _, r := range s.Routes() {
		s.mux.HandleFunc(r.Method+" "+r.Path, func(w http.ResponseWriter, req *http.Request) { s.serve(w, req, r) })
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, bot.Refuse(bot.RefusedUnknown, "There is nothing at "+r.Method+" of that path.", "The command line uses it: salve --help."))
	})
}

// serve finds out who calls, whether they may, and writes the answer.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, route Route) {
	who, refusal := s.identify(r)
	if refusal == nil {
		refusal = who.may(route.need)
	}
	if refusal != nil {
		s.refuse(w, r, refusal)
		return
	}
	out, err := route.do(r.Context(), call{Request: r, who: who})
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.answer(w, r, out)
}
