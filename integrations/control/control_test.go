package control_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/control"
)

// fill makes a request that a route can carry out.
func fill(r control.Route) *http.Request {
	path := r.Path
	id := "1"
	if strings.HasPrefix(path, "/v1/people/") {
		id = "rita"
	}
	path = strings.NewReplacer("{id}", id, "{hash}", "abcdef01").Replace(path)
	body := ""
	switch r.Method + " " + r.Path {
	case "POST /v1/commands":
		body = `{"verb":"take","incident":"I-1"}`
	case "POST /v1/pages/test":
		body = `{"pager":"pd"}`
	case "POST /v1/people":
		body = `{"id":"bob","name":"Bob","roles":["viewer"]}`
	case "PUT /v1/people/{id}":
		body = `{"name":"Rita R","roles":["responder"]}`
	case "POST /v1/people/{id}/tokens":
		body = `{"label":"laptop","ttl":"1h"}`
	}
	return request(r.Method, path, body)
}

func TestEveryRouteMeetsEveryKindOfCaller(t *testing.T) {
	t.Parallel()
	w := newWorld()
	door := newDoor(t, w, control.Options{LongPoll: 1})
	open := newDoor(t, w, control.Options{LongPoll: 1, AnonymousRead: true})
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	both := func(fs ...func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) {
			for _, f := range fs {
				f(r)
			}
		}
	}
	none := func(*http.Request) {}
	unix := func(uid uint32) func(*http.Request) {
		return func(r *http.Request) { *r = *r.WithContext(control.WithPeer(r.Context(), uid)) }
	}
	// what each caller gets for reading, for a command, and for managing people
	callers := []struct {
		name                    string
		door                    *control.Server
		as                      func(*http.Request)
		reads, commands, people int
	}{
		{"nobody, where a token is needed", door, none, 401, 401, 401},
		{"nobody, from elsewhere", open, func(r *http.Request) { r.RemoteAddr = "192.0.2.7:99" }, 401, 401, 401},
		{"nobody, through a proxy", open, header("X-Forwarded-For", "192.0.2.7"), 401, 401, 401},
		{"nobody, by a name that only looks local", open, func(r *http.Request) { r.Host = "localhost.evil.example" }, 403, 403, 403},
		{"nobody, from a page in a browser", open, header("Origin", "https://evil.example"), 403, 403, 403},
		{"nobody, from a page of another site", open, header("Sec-Fetch-Site", "cross-site"), 403, 403, 403},
		{"nobody, on loopback", open, none, 200, 401, 401},
		{"a token that is wrong", open, bearer("salve_api_x"), 401, 401, 401},
		{"a token that is empty", open, header("Authorization", "Bearer "), 401, 401, 401},
		{"a password", open, header("Authorization", "Basic YTpi"), 401, 401, 401},
		{"two tokens", open, both(bearer("salve_api_adam"), func(r *http.Request) { r.Header.Add("Authorization", "Bearer salve_api_vera") }), 401, 401, 401},
		{"the token of somebody disabled", door, bearer("salve_api_dora"), 401, 401, 401},
		{"a viewer", door, bearer("salve_api_vera"), 200, 200, 403},
		{"a responder", door, bearer("salve_api_rita"), 200, 200, 403},
		{"an admin", door, bearer("salve_api_adam"), 200, 200, 200},
		{"on the socket, the user that runs Salve", door, unix(ownerUID), 200, 401, 200},
		{"on the socket, a responder", door, unix(1000), 200, 200, 403},
		{"on the socket, somebody disabled", door, unix(1001), 200, 401, 401},
		{"on the socket, a stranger", door, unix(9), 200, 401, 401},
		{"on the socket, a stranger with somebody's token", door, both(unix(9), bearer("salve_api_adam")), 200, 401, 401},
		{"on the socket, root", door, unix(0), 200, 401, 401},
		{"an admin, from elsewhere", door, both(bearer("salve_api_adam"), func(r *http.Request) { r.RemoteAddr = "192.0.2.7:99" }), 200, 200, 200},
	}
	for _, c := range callers {
		w.reset()
		for _, route := range door.Routes() {
			req := fill(route)
			c.as(req)
			code, body := exchange(c.door, req)
			want := c.reads
			switch {
			case route.Path == "/v1/commands":
				want = c.commands
			case strings.HasPrefix(route.Path, "/v1/people/{id}/") || route.Method != http.MethodGet:
				want = c.people
			}
			require.Equal(t, want, code, "%s: %s %s: %s", c.name, route.Method, route.Path, body)
			if code != 200 {
				var no struct{ Code, Why, Next string }
				require.NoError(t, json.Unmarshal([]byte(body), &no), body)
				require.NotEmpty(t, no.Code)
				require.NotEmpty(t, no.Why)
				require.NotEmpty(t, no.Next)
			}
		}
	}
}

func TestSomebodyUnknownMayHalt(t *testing.T) {
	t.Parallel()
	w := newWorld()
	open := newDoor(t, w, control.Options{AnonymousRead: true})
	code, _ := exchange(open, request("POST", "/v1/commands", `{"verb":"halt","reason":"smoke"}`))
	require.Equal(t, 200, code)
	require.Equal(t, bot.Person{}, w.commands[0].By)
	require.NotEmpty(t, w.commands[0].Caller)
	require.Equal(t, "cli", w.commands[0].Surface)
}

// Who asks is never said by the request itself.
func TestACommandCannotNameItsGiver(t *testing.T) {
	t.Parallel()
	w := newWorld()
	door := newDoor(t, w, control.Options{})
	for _, body := range []string{`{"verb":"halt","By":{"id":"adam"}}`, `{"verb":"halt","by":{"id":"adam"}}`, `{"verb":"halt","Surface":"console"}`, `{"verb":"halt","caller":"x"}`} {
		req := request("POST", "/v1/commands", body)
		req.Header.Set("Authorization", "Bearer salve_api_rita")
		code, answer := exchange(door, req)
		require.Equal(t, 400, code, answer)
	}
	require.Empty(t, w.commands)
}

func TestASettlementSaysWhatItHasSeen(t *testing.T) {
	t.Parallel()
	w := newWorld()
	door := newDoor(t, w, control.Options{})
	settle := func(body string) (int, string) {
		req := request("POST", "/v1/commands", body)
		req.Header.Set("Authorization", "Bearer salve_api_rita")
		return exchange(door, req)
	}
	code, body := settle(`{"verb":"settle","run":"R-9","settle":"done"}`)
	require.Equal(t, 400, code)
	require.Contains(t, body, "GET /v1/runs/R-9")
	require.Contains(t, body, "seen")
	require.Empty(t, w.commands, "nothing was said")
	code, body = settle(`{"verb":"settle","run":"R-9","settle":"done","seen":4}`)
	require.Equal(t, 200, code, body)
	require.Equal(t, int64(4), w.commands[0].Seen)
}

func TestABodyIsReadStrictly(t *testing.T) {
	t.Parallel()
	door := newDoor(t, newWorld(), control.Options{})
	send := func(body string, change func(*http.Request)) (int, string) {
		req := request("POST", "/v1/commands", body)
		req.Header.Set("Authorization", "Bearer salve_api_rita")
		if change != nil {
			change(req)
		}
		return exchange(door, req)
	}
	const good = `{"verb":"note","incident":"I-1","reason":"x"}`
	code, _ := send(good, nil)
	require.Equal(t, 200, code)
	code, _ = send(good, func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=UTF-8") })
	require.Equal(t, 200, code)
	for name, body := range map[string]string{
		"nothing": "", "no JSON": "verb=note", "a doubled field": `{"verb":"note","verb":"halt"}`, "an unknown field": `{"verb":"note","sudo":true}`,
		"a field in the wrong case": `{"Verb":"note"}`, "two values": good + good, "a list": "[" + good + "]", "bytes": "{\"verb\":\"note\",\"reason\":\"\xff\"}",
		"a bad id": `{"verb":"note","incident":"X-1"}`, "a deep one": strings.Repeat(`{"params":`, 20_000), "a bad time": `{"verb":"snooze","for":"-1h"}`,
		"a large one": `{"verb":"note","reason":"` + strings.Repeat("x", 2<<20) + `"}`,
	} {
		code, answer := send(body, nil)
		require.Equal(t, 400, code, "%s: %s", name, answer)
		require.Less(t, len(answer), 600, name)
	}
	for name, change := range map[string]func(*http.Request){
		"no media type":   func(r *http.Request) { r.Header.Del("Content-Type") },
		"a form":          func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") },
		"plain text":      func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"another charset": func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=utf-16") },
		"an encoding":     func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") },
	} {
		code, answer := send(good, change)
		require.Equal(t, 400, code, "%s: %s", name, answer)
	}
	_, answer := send(`{"verb":"note","sudo":true}`, nil)
	require.Contains(t, answer, "/sudo")
}

func TestQueriesAreReadStrictly(t *testing.T) {
	t.Parallel()
	door := newDoor(t, newWorld(), control.Options{})
	get := func(path string) (int, string) {
		req := request("GET", path, "")
		req.Header.Set("Authorization", "Bearer salve_api_rita")
		return exchange(door, req)
	}
	for _, path := range []string{
		"/v1/incidents?limit=0", "/v1/incidents?limit=x", "/v1/incidents?limit=1001", "/v1/incidents?state=odd", "/v1/incidents?before=R-1", "/v1/incidents/R-1",
		"/v1/runs?incident=x", "/v1/runs?before=x", "/v1/runs/I-1", "/v1/approvals?state=open", "/v1/events?run=x", "/v1/quarantine?state=x", "/v1/quarantine/x", "/v1/live?after=x",
	} {
		code, body := get(path)
		require.Equal(t, 400, code, "%s: %s", path, body)
	}
	for _, path := range []string{"/v1/incidents/I-2", "/v1/incidents/I-2/timeline", "/v1/incidents/I-2/why", "/v1/runs/R-2", "/v1/quarantine/Q-2", "/v1/people/nobody", "/v1/nothing", "/nothing"} {
		code, body := get(path)
		require.Equal(t, 404, code, "%s: %s", path, body)
	}
	for _, path := range []string{"/v1/incidents", "/v1/runs?active=true&incident=I-1", "/v1/approvals?state=pending&state=denied", "/v1/quarantine", "/v1/halts", "/v1/playbooks", "/v1/people/rita"} {
		code, body := get(path)
		require.Equal(t, 200, code, "%s: %s", path, body)
		require.NotContains(t, body, "null", "%s: a list of nothing is []", path)
	}
	code, body := get("/v1/incidents?owner=me")
	require.Equal(t, 200, code)
	require.Contains(t, body, `"owner":"rita"`)
	_, body = get("/v1/quarantine/Q-1")
	require.Contains(t, body, `"body":"{`)
	code, body = get("/v1/incidents/I-1/timeline")
	require.Equal(t, 200, code)
	require.Equal(t, "# I-1 <script>", body)
	_, body = get("/v1/incidents/I-1")
	require.Contains(t, body, `"owner":"Rita"`, "the card is made for who asks")
	_, body = get("/v1/whoami")
	require.Contains(t, body, `"id":"rita"`)
}

func TestAStoreThatIsDownIsNeverShownAsSuccess(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.fail = errDown
	for _, route := range newDoor(t, w, control.Options{}).Routes() {
		if route.Path == "/v1/whoami" || route.Path == "/v1/playbooks" {
			continue
		}
		req := fill(route)
		req = req.WithContext(control.WithPeer(req.Context(), ownerUID))
		code, body := exchange(newDoor(t, w, control.Options{LongPoll: 1}), req)
		want := 503
		if route.Path == "/v1/commands" {
			want = 401 // who asks could not be told
		}
		require.Equal(t, want, code, "%s %s: %s", route.Method, route.Path, body)
		require.NotContains(t, body, "/var/lib", "no inner words")
		require.NotContains(t, body, "salve_api_adam")
	}
	req := request("GET", "/v1/incidents", "")
	req.Header.Set("Authorization", "Bearer salve_api_adam")
	code, body := exchange(newDoor(t, w, control.Options{}), req)
	require.Equal(t, 503, code)
	require.NotContains(t, body, "salve_api_adam")
}

func TestTheUserThatRunsSalveManagesPeopleAndNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld()
	door := newDoor(t, w, control.Options{})
	as := func(uid uint32, method, path, body string) (int, string) {
		req := request(method, path, body)
		return exchange(door, req.WithContext(control.WithPeer(context.Background(), uid)))
	}
	code, _ := as(ownerUID, "POST", "/v1/people", `{"id":"bob","name":"Bob","roles":["viewer"],"version":0,"created_at":"0001-01-01T00:00:00Z"}`)
	require.Equal(t, 200, code)
	code, body := as(ownerUID, "POST", "/v1/people/bob/login-link", "")
	require.Equal(t, 200, code)
	require.Contains(t, body, "https://salve.example.org/login")
	code, body = as(ownerUID, "POST", "/v1/people/bob/tokens", `{"label":"laptop","ttl":"1h"}`)
	require.Equal(t, 200, code)
	require.Contains(t, body, "salve_api_fresh")
	code, _ = as(ownerUID, "DELETE", "/v1/people/bob/tokens/abcdef01", "")
	require.Equal(t, 200, code)
	require.Equal(t, []string{"uid 4242 added bob", "uid 4242 issued login login link for bob", "uid 4242 issued api laptop for bob", "uid 4242 revoked abcdef01 of bob"}, w.did)

	code, _ = as(ownerUID, "POST", "/v1/commands", `{"verb":"take","incident":"I-1"}`)
	require.Equal(t, 401, code)
	for _, uid := range []uint32{1000, 1001, 9} { // a responder, somebody disabled, a stranger
		code, _ = as(uid, "POST", "/v1/people", `{"id":"eve","name":"Eve","roles":["admin"]}`)
		require.Contains(t, []int{401, 403}, code)
	}
	code, _ = as(1000, "POST", "/v1/commands", `{"verb":"take","incident":"I-1"}`)
	require.Equal(t, 200, code)
	require.Equal(t, bot.PersonID("rita"), w.commands[0].By.ID)
	code, _ = as(1001, "POST", "/v1/commands", `{"verb":"take","incident":"I-1"}`)
	require.Equal(t, 401, code, "somebody disabled is unknown")
}

func TestADoorNeedsAllOfItsPorts(t *testing.T) {
	t.Parallel()
	_, err := control.New(control.Ports{}, control.Options{})
	require.ErrorContains(t, err, "required")
}

func FuzzCommand(f *testing.F) {
	w := newWorld()
	door, err := control.New(w.ports(), control.Options{})
	require.NoError(f, err)
	for _, seed := range []string{
		`{"verb":"approve","incident":"I-1","digest":"3fa9c1d2"}`, `{"verb":"snooze","incident":"1","for":"30m"}`, `{"verb":"run","params":{"a":"b"},"playbook":"x"}`,
		`{"verb":"split","alerts":["a","b"]}`, `{"verb":"halt","scope":"target","name":"db"}`, `{"verb":"settle","run":"r-8","settle":"done"}`, `{}`, `null`, `[`, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		req := request("POST", "/v1/commands", body)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer salve_api_rita")
		w.mu.Lock()
		w.commands = nil
		w.mu.Unlock()
		code, answer := exchange(door, req)
		require.Contains(t, []int{200, 400}, code, answer)
		if code != 200 {
			return
		}
		c := w.commands[0]
		again, err := json.Marshal(c)
		require.NoError(t, err)
		req = request("POST", "/v1/commands", string(again))
		req.Header.Set("Authorization", "Bearer salve_api_rita")
		code, answer = exchange(door, req)
		require.Equal(t, 200, code, answer)
		twice, err := json.Marshal(w.commands[1])
		require.NoError(t, err)
		require.Equal(t, string(again), string(twice))
	})
}
