package control_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/control"
)

// commander answers every command with one error.
type commander struct{ err error }

func (c commander) Do(context.Context, bot.Command) (bot.Answer, error) { return bot.Answer{}, c.err }

func TestEveryRefusalArrivesAsItWasMeant(t *testing.T) {
	t.Parallel()
	tests := map[bot.RefusalCode]int{
		bot.RefusedUnknown: 404, bot.RefusedForbidden: 403, bot.RefusedIdentity: 401, bot.RefusedMoved: 409,
		bot.RefusedState: 409, bot.RefusedInput: 400, bot.RefusedLater: 503, "one_of_the_future": 500,
	}
	for code, status := range tests {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			want := bot.Refuse(code, "No: \u201cx\u201d \x1b <b>.", "Do y.")
			ports := newWorld().ports()
			ports.Commander = commander{fmt.Errorf("carried: %w", want)}
			door, err := control.New(ports, control.Options{})
			require.NoError(t, err)
			req := request("POST", "/v1/commands", `{"verb":"take"}`)
			req.Header.Set("Authorization", "Bearer salve_api_rita")
			rec := httptest.NewRecorder()
			door.ServeHTTP(rec, req)
			require.Equal(t, status, rec.Code)
			require.Equal(t, status == 503, rec.Header().Get("Retry-After") != "")
			require.Equal(t, status == 401, rec.Header().Get("WWW-Authenticate") != "")
			require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
			require.Equal(t, "application/json", rec.Header().Get("Content-Type"))

			srv := httptest.NewServer(door)
			t.Cleanup(srv.Close)
			c, err := control.NewHTTPClient(srv.URL, secret.New("salve_api_rita"))
			require.NoError(t, err)
			_, err = c.Do(t.Context(), bot.Command{Verb: bot.VerbTake})
			got, ok := errors.AsType[*bot.Refusal](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, want, got)
		})
	}
}

func TestWhatIsNoRefusalTellsNothingInside(t *testing.T) {
	t.Parallel()
	for _, inner := range []error{errDown, bot.ErrUnavailable, bot.ErrOverloaded, bot.ErrConflict, context.DeadlineExceeded} {
		ports := newWorld().ports()
		ports.Commander = commander{fmt.Errorf("secret detail: %w", inner)}
		door, err := control.New(ports, control.Options{})
		require.NoError(t, err)
		req := request("POST", "/v1/commands", `{"verb":"take"}`)
		req.Header.Set("Authorization", "Bearer salve_api_rita")
		code, body := exchange(door, req)
		require.Equal(t, 503, code)
		require.NotContains(t, body, "detail")
	}
}

// What ends before its answer must not look like a success.
func TestARequestThatIsBrokenOffIsNoSuccess(t *testing.T) {
	t.Parallel()
	ports := newWorld().ports()
	ports.Commander = commander{context.Canceled}
	door, err := control.New(ports, control.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req := request("POST", "/v1/commands", `{"verb":"take"}`).WithContext(ctx)
	req.Header.Set("Authorization", "Bearer salve_api_rita")
	code, _ := exchange(door, req)
	require.Equal(t, 503, code)
}

// fill sets everything in v to something that is not zero and survives JSON.
func fillIn(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)))
		return
	case bot.Duration:
		v.SetInt(int64(90 * time.Second))
		return
	case bot.Severity:
		v.Set(reflect.ValueOf(bot.SeverityHigh))
		return
	case map[string]any:
		v.Set(reflect.ValueOf(map[string]any{"s": "a\u202eb", "n": 1.5, "b": true, "l": []any{"x", nil}, "o": map[string]any{"k": "v"}}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text \u201c<&>\u201d\x1b\n")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(int64(1) << 40)
	case reflect.Float64:
		v.SetFloat(0.25)
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fillIn(v.Elem(), depth-1)
		}
	case reflect.Slice:
		if depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			for i := range 2 {
				fillIn(v.Index(i), depth-1)
			}
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillIn(key, depth-1)
		fillIn(value, depth-1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Tag.Get("json") != "-" {
				fillIn(v.Field(i), depth)
			}
		}
	default:
		panic("a kind that no noun has had so far: " + v.Kind().String())
	}
}

func filled[T any]() T {
	var out T
	fillIn(reflect.ValueOf(&out).Elem(), 3)
	return out
}

// rich gives one of each noun with everything in it.
type rich struct{ *world }

func (rich) Card(context.Context, bot.IncidentID, bot.Person) (bot.Card, error) {
	return filled[bot.Card](), nil
}

func (rich) Incidents(context.Context, bot.IncidentQuery) ([]bot.Incident, error) {
	return []bot.Incident{filled[bot.Incident]()}, nil
}

func (rich) Runs(context.Context, bot.RunQuery) ([]bot.Run, error) {
	return []bot.Run{filled[bot.Run]()}, nil
}
func (rich) Run(context.Context, bot.RunID) (bot.Run, error)    { return filled[bot.Run](), nil }
func (rich) Plan(context.Context, bot.PlanID) (bot.Plan, error) { return filled[bot.Plan](), nil }
func (rich) Approvals(context.Context, bot.ApprovalQuery) ([]bot.Approval, error) {
	return []bot.Approval{filled[bot.Approval]()}, nil
}

func (rich) Events(context.Context, bot.EventQuery) ([]bot.Event, error) {
	return []bot.Event{filled[bot.Event]()}, nil
}

func (rich) QuarantineList(context.Context, bot.QuarantineQuery) ([]bot.Quarantined, error) {
	return []bot.Quarantined{filled[bot.Quarantined]()}, nil
}
func (rich) People(context.Context) ([]bot.Person, error) {
	return []bot.Person{filled[bot.Person]()}, nil
}
func (rich) Tokens(context.Context, bot.PersonID) ([]bot.Token, error) {
	return []bot.Token{filled[bot.Token]()}, nil
}
func (rich) Halts(context.Context) ([]bot.Halt, error) { return []bot.Halt{filled[bot.Halt]()}, nil }
func (rich) Playbooks() []bot.Playbook                 { return []bot.Playbook{filled[bot.Playbook]()} }

func arrives[T any](t *testing.T, c *control.Client, path string, want T) {
	t.Helper()
	var got T
	require.NoError(t, c.Get(t.Context(), path, nil, &got), path)
	require.Equal(t, want, got, path)
}

// The server and the client use two libraries for JSON; every noun means the same
// to both.
func TestEveryNounArrivesWhole(t *testing.T) {
	t.Parallel()
	w := newWorld()
	r := rich{w}
	ports := w.ports()
	ports.Cards, ports.Rows, ports.Records, ports.Insight, ports.Tokens = r, r, r, r, r
	door, err := control.New(ports, control.Options{OwnerUID: uint32(os.Getuid())})
	require.NoError(t, err)
	c := onSocket(t, door)
	arrives(t, c, "/v1/incidents", []bot.Incident{filled[bot.Incident]()})
	arrives(t, c, "/v1/incidents/I-1", filled[bot.Card]())
	arrives(t, c, "/v1/incidents/I-1/events", []bot.Event{filled[bot.Event]()})
	arrives(t, c, "/v1/runs", []bot.Run{filled[bot.Run]()})
	arrives(t, c, "/v1/runs/R-1", bot.CardRun{Run: filled[bot.Run](), Plan: filled[bot.Plan]()})
	arrives(t, c, "/v1/approvals", []bot.Approval{filled[bot.Approval]()})
	arrives(t, c, "/v1/quarantine", []bot.Quarantined{filled[bot.Quarantined]()})
	arrives(t, c, "/v1/playbooks", []bot.Playbook{filled[bot.Playbook]()})
	arrives(t, c, "/v1/halts", []bot.Halt{filled[bot.Halt]()})
	arrives(t, c, "/v1/people", []bot.Person{filled[bot.Person]()})
	arrives(t, c, "/v1/people/rita/tokens", []bot.Token{filled[bot.Token]()})

	want := filled[bot.Command]()
	w.people["me"] = bot.Person{ID: "me", Roles: []bot.Role{bot.RoleResponder}, Identities: []bot.Identity{{Surface: "unix", ID: fmt.Sprint(os.Getuid())}}}
	_, err = c.Do(t.Context(), want)
	require.NoError(t, err)
	got := w.commands[0]
	require.Equal(t, "cli", got.Basis.Transport)
	require.Equal(t, fmt.Sprintf("unix:%d", os.Getuid()), got.Basis.Identity)
	got.By, got.Surface, got.Caller, got.Basis = bot.Person{}, "", "", bot.Basis{}
	require.Equal(t, want, got)
}

func TestAListOfNothingIsAList(t *testing.T) {
	t.Parallel()
	door := newDoor(t, newWorld(), control.Options{})
	for _, path := range []string{"/v1/incidents", "/v1/runs", "/v1/approvals", "/v1/quarantine", "/v1/playbooks", "/v1/halts", "/v1/people/rita/tokens"} {
		req := request("GET", path, "")
		req.Header.Set("Authorization", "Bearer salve_api_adam")
		code, body := exchange(door, req)
		require.Equal(t, 200, code)
		require.Equal(t, "[]\n", body, path)
	}
}

// A secret is in the answer that makes it, and in no other answer of any route.
func TestASecretIsShownOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	door := newDoor(t, w, control.Options{LongPoll: 1})
	shown := map[string]int{}
	for range 2 {
		for _, route := range door.Routes() {
			req := fill(route)
			req.Header.Set("Authorization", "Bearer salve_api_adam")
			rec := httptest.NewRecorder()
			door.ServeHTTP(rec, req)
			require.Equal(t, 200, rec.Code, rec.Body)
			require.Equal(t, "no-store", rec.Header().Get("Cache-Control"), route.Path)
			require.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"), route.Path)
			require.NotContains(t, rec.Body.String(), "salve_api_adam")
			for _, s := range []string{"salve_api_fresh", "salve_login_fresh"} {
				shown[route.Path] += strings.Count(rec.Body.String(), s)
			}
		}
	}
	for path, n := range shown {
		want := 0
		if path == "/v1/people/{id}/tokens" || path == "/v1/people/{id}/login-link" {
			want = 2
		}
		require.Equal(t, want, n, path)
	}
}

func TestAWaitEndsByItselfAndAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ask := func(door *control.Server, query string) (int, string) {
		req := request("GET", "/v1/live"+query, "")
		req.Header.Set("Authorization", "Bearer salve_api_vera")
		return exchange(door, req)
	}
	code, body := ask(newDoor(t, w, control.Options{LongPoll: time.Millisecond}), "?after=7")
	require.Equal(t, 200, code)
	require.JSONEq(t, `{"revision":7}`, body)

	long := newDoor(t, w, control.Options{LongPoll: time.Hour})
	code, body = ask(long, "?after=6")
	require.Equal(t, 200, code)
	require.JSONEq(t, `{"revision":7}`, body, "something has changed already")
	code, _ = ask(long, "?after=9")
	require.Equal(t, 200, code, "a revision of another Salve is no reason to wait")
	done := make(chan string, 1)
	go func() {
		_, body := ask(long, "?after=7")
		done <- body
	}()
	long.Drain()
	long.Drain()
	require.JSONEq(t, `{"revision":7}`, <-done)
	code, _ = ask(long, "?after=7")
	require.Equal(t, 200, code, "nobody is kept any more")
}

func TestWhyNobodyAnswersIsSaid(t *testing.T) {
	t.Parallel()
	c := control.NewUnixClient("/var/lib/salve/salve.sock")
	for want, err := range map[string]error{
		"/var/lib/salve/salve.sock is for the user that runs Salve": &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.EACCES)},
		"did not answer within 1m0s":                                &url.Error{Op: "Get", Err: context.DeadlineExceeded},
		"start it with `salve serve`":                               &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
	} {
		require.ErrorContains(t, control.Unreachable(t.Context(), c, err), want)
	}
}

func TestAnAnswerThatIsNotSalvesIsAnError(t *testing.T) {
	t.Parallel()
	answer, code := "{}", http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(srv.Close)
	c, err := control.NewHTTPClient(srv.URL, secret.New("salve_api_vera"))
	require.NoError(t, err)
	var out []bot.Incident
	require.Error(t, c.Get(t.Context(), "/v1/incidents", nil, &out))
	answer = "<html>sign in</html>"
	require.Error(t, c.Get(t.Context(), "/v1/incidents", nil, &out))
	code = http.StatusBadGateway
	require.ErrorContains(t, c.Get(t.Context(), "/v1/incidents", nil, &out), "502 Bad Gateway; is that a Salve?")
	answer = `{"error":"no"}`
	require.ErrorContains(t, c.Get(t.Context(), "/v1/incidents", nil, &out), "is that a Salve?")
}
