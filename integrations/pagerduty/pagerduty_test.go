package pagerduty_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/paging/pagingtest"
	"salve/integrations/pagerduty"
)

const yes = `{"status":"success","message":"Event processed","dedup_key":"k"}`

func open(t *testing.T, address string, allow ...string) pagingtest.Pager {
	t.Helper()
	p, err := pagerduty.New(secret.New(pagingtest.Secret), pagerduty.Options{URL: address, Allow: allow, Client: "https://salve.example.com"})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func TestEveryWayToFail(t *testing.T) {
	t.Parallel()
	pagingtest.Run(t, yes, true, open)
}

func sent(t *testing.T, far *pagingtest.Far) map[string]any {
	t.Helper()
	call := far.Last(t)
	require.Equal(t, http.MethodPost, call.Method)
	require.Equal(t, "application/json", call.Header.Get("Content-Type"))
	var out map[string]any
	require.NoError(t, json.Unmarshal(call.Body, &out))
	return out
}

func TestAPageIsAnEventWithItsKey(t *testing.T) {
	t.Parallel()
	far := pagingtest.NewFar(t, yes)
	mark, err := open(t, far.URL, far.Host()).Post(t.Context(), pagingtest.Parcel())
	require.NoError(t, err)
	require.Equal(t, bot.Mark{Place: "pager", Ref: "page/pager/I-142"}, mark)
	require.Equal(t, map[string]any{
		"routing_key": pagingtest.Secret, "event_action": "trigger", "dedup_key": "page/pager/I-142",
		"client": "Salve", "client_url": "https://salve.example.com",
		"payload": map[string]any{
			"summary": "CRITICAL db-3: the undo failed, I-142", "source": "salve", "severity": "critical",
			"custom_details": map[string]any{"details": "I-142 (https://salve.example.com/i/142) the undo failed\ngrow-disk left db-3 half done"},
		},
		"links": []any{map[string]any{"href": "https://salve.example.com/i/142", "text": "I-142"}},
	}, sent(t, far))
}

func TestGoodNewsResolveTheSameKey(t *testing.T) {
	t.Parallel()
	far := pagingtest.NewFar(t, yes)
	p := open(t, far.URL, far.Host())
	parcel := pagingtest.Parcel()
	mark, err := p.Post(t.Context(), parcel)
	require.NoError(t, err)
	for tone, want := range map[bot.Tone]string{bot.ToneAsking: "error", bot.ToneBusy: "warning", bot.ToneQuiet: "info", "": "critical"} {
		parcel.Message.Tone = tone
		require.NoError(t, p.Edit(t.Context(), mark, parcel))
		e := sent(t, far)
		require.Equal(t, "trigger", e["event_action"])
		require.Equal(t, want, e["payload"].(map[string]any)["severity"])
	}
	parcel.Message.Tone = bot.ToneGood
	require.NoError(t, p.Edit(t.Context(), mark, parcel))
	require.Equal(t, map[string]any{"routing_key": pagingtest.Secret, "event_action": "resolve", "dedup_key": mark.Ref}, sent(t, far))
}

func TestHostileTextStaysWithinTheLimits(t *testing.T) {
	t.Parallel()
	far := pagingtest.NewFar(t, yes)
	parcel := pagingtest.Parcel()
	parcel.Key = strings.Repeat("k", 1000)
	parcel.Message.Alone = strings.Repeat("ä\n\u202e", 5000)
	parcel.Message.Lines = []bot.Line{{Spans: []bot.Span{{Text: strings.Repeat("x", 1<<20)}}}}
	_, err := open(t, far.URL, far.Host()).Post(t.Context(), parcel)
	require.NoError(t, err)
	e := sent(t, far)
	summary := e["payload"].(map[string]any)["summary"].(string)
	require.Equal(t, 1024, utf8.RuneCountInString(summary))
	require.NotContains(t, summary, "\n")
	require.LessOrEqual(t, len(e["dedup_key"].(string)), 255)
	require.Less(t, len(far.Last(t).Body), 64<<10)

	parcel.Message = bot.Message{}
	_, err = open(t, far.URL, far.Host()).Post(t.Context(), parcel)
	require.NoError(t, err)
	require.NotEmpty(t, sent(t, far)["payload"].(map[string]any)["summary"])
}

func TestAKeyThatIsNotKnownIsToldFromAPageThatIsNotTaken(t *testing.T) {
	t.Parallel()
	far := pagingtest.NewFar(t, yes)
	far.Answer(pagingtest.Answers(400, `{"status":"invalid event","message":"Event object is invalid","errors":["Invalid routing key `+pagingtest.Secret+`"]}`))
	_, err := open(t, far.URL, far.Host()).Post(t.Context(), pagingtest.Parcel())
	var failed *bot.SendError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, bot.SendDenied, failed.Fault)
	require.NotContains(t, err.Error(), pagingtest.Secret)
}

func TestNewWantsWhatItCannotLiveWithout(t *testing.T) {
	t.Parallel()
	_, err := pagerduty.New(secret.Secret{}, pagerduty.Options{})
	require.ErrorContains(t, err, "routing key is empty")
	_, err = pagerduty.New(secret.New("abcd"), pagerduty.Options{URL: "pagerduty"})
	require.ErrorContains(t, err, "not an http or https address")
	_, err = pagerduty.NewOnCall(secret.New("abcd"), pagerduty.OnCallOptions{})
	require.ErrorContains(t, err, "one of schedule and policy")
	_, err = pagerduty.NewOnCall(secret.Secret{}, pagerduty.OnCallOptions{Schedule: "P1"})
	require.ErrorContains(t, err, "token is empty")
}

func TestWhoIsOnCall(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)
	far := pagingtest.NewFar(t, yes)
	far.Answer(pagingtest.Answers(200, `{"oncalls":[
		{"user":{"summary":"Second","email":"second@example.com"},"escalation_level":2,"start":null,"end":null},
		{"user":{"name":"Ann","email":"ann@example.com"},"escalation_level":1,"start":"2026-05-04T00:00:00Z","end":"2026-05-04T08:00:00+00:00"},
		{"user":{"name":"Ann","email":"ann@example.com"},"escalation_level":1,"start":null,"end":null},
		{"user":{"name":"Over","email":"over@example.com"},"escalation_level":1,"start":"2026-05-03T00:00:00Z","end":"2026-05-04T03:00:00Z"},
		{"user":{"name":"Next","email":"next@example.com"},"escalation_level":1,"start":"2026-05-04T03:00:30Z","end":null},
		{"user":{},"escalation_level":1}
	],"limit":100,"offset":0,"more":false}`))
	o, err := pagerduty.NewOnCall(secret.New(pagingtest.Secret), pagerduty.OnCallOptions{URL: far.URL + "/", Schedule: "PSCHED", Allow: []string{far.Host()}})
	require.NoError(t, err)
	t.Cleanup(o.Close)
	got, err := o.OnCall(t.Context(), at)
	require.NoError(t, err)
	require.Equal(t, []bot.Contact{{Name: "Ann", Email: "ann@example.com", Until: time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)}}, got)
	call := far.Last(t)
	require.Equal(t, "/oncalls", call.URL.Path)
	require.Equal(t, "PSCHED", call.URL.Query().Get("schedule_ids[]"))
	require.Equal(t, "2026-05-04T03:00:00Z", call.URL.Query().Get("since"))
	require.Equal(t, "Token token="+pagingtest.Secret, call.Header.Get("Authorization"))

	far.Answer(pagingtest.Answers(200, `{"oncalls":[]}`))
	got, err = o.OnCall(t.Context(), at)
	require.NoError(t, err)
	require.Empty(t, got)

	for _, answer := range []func(http.ResponseWriter){
		pagingtest.Answers(401, pagingtest.Secret), pagingtest.Answers(500, ""), pagingtest.Answers(200, "<html>"), pagingtest.Answers(200, `{}`), pagingtest.Lost,
	} {
		far.Answer(answer)
		_, err = o.OnCall(t.Context(), at)
		require.ErrorContains(t, err, "ask PagerDuty who is on call")
		require.NotContains(t, err.Error(), pagingtest.Secret)
		require.NotContains(t, err.Error(), "PSCHED")
	}

	policy, err := pagerduty.NewOnCall(secret.New(pagingtest.Secret), pagerduty.OnCallOptions{URL: far.URL, Policy: "PPOL", Allow: []string{far.Host()}})
	require.NoError(t, err)
	far.Answer(pagingtest.Answers(200, `{"oncalls":[]}`))
	_, err = policy.OnCall(t.Context(), at)
	require.NoError(t, err)
	require.Equal(t, "PPOL", far.Last(t).URL.Query().Get("escalation_policy_ids[]"))
}
