package opsgenie_test

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
	"salve/integrations/opsgenie"
)

const yes = `{"result":"Request will be processed","took":0.1,"requestId":"43a2"}`

func open(t *testing.T, address string, allow ...string) pagingtest.Pager {
	t.Helper()
	address, _, _ = strings.Cut(address, "/?") // the address of an API has no query
	p, err := opsgenie.New(secret.New(pagingtest.Secret), opsgenie.Options{URL: address, Allow: allow})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func TestEveryWayToFail(t *testing.T) {
	t.Parallel()
	pagingtest.Run(t, yes, true, open)
}

func TestAPageIsAnAlertWithItsAlias(t *testing.T) {
	t.Parallel()
	far := pagingtest.NewFar(t, yes)
	p := open(t, far.URL, far.Host())
	parcel := pagingtest.Parcel()
	parcel.Message.Alone = strings.Repeat("ö", 500)
	mark, err := p.Post(t.Context(), parcel)
	require.NoError(t, err)
	require.Equal(t, bot.Mark{Place: "pager", Ref: "page/pager/I-142"}, mark)
	call := far.Last(t)
	require.Equal(t, "/v2/alerts", call.URL.Path)
	require.Equal(t, "GenieKey "+pagingtest.Secret, call.Header.Get("Authorization"))
	var got map[string]string
	require.NoError(t, json.Unmarshal(call.Body, &got))
	require.Equal(t, 130, utf8.RuneCountInString(got["message"]))
	delete(got, "message")
	require.Equal(t, map[string]string{
		"alias": "page/pager/I-142", "source": "salve", "priority": "P1",
		"description": "I-142 (https://salve.example.com/i/142) the undo failed\ngrow-disk left db-3 half done",
	}, got)
	for tone, want := range map[bot.Tone]string{bot.ToneAsking: "P2", bot.ToneBusy: "P3", bot.ToneQuiet: "P5", "": "P1"} {
		parcel.Message.Tone = tone
		require.NoError(t, p.Edit(t.Context(), mark, parcel))
		require.NoError(t, json.Unmarshal(far.Last(t).Body, &got))
		require.Equal(t, want, got["priority"])
		require.Equal(t, mark.Ref, got["alias"])
	}
}

func TestGoodNewsCloseTheAlert(t *testing.T) {
	t.Parallel()
	far := pagingtest.NewFar(t, yes)
	p := open(t, far.URL, far.Host())
	parcel := pagingtest.Parcel()
	parcel.Message.Tone = bot.ToneGood
	require.NoError(t, p.Edit(t.Context(), bot.Mark{Ref: "page/pager/I-142"}, parcel))
	call := far.Last(t)
	require.Equal(t, "/v2/alerts/page%2Fpager%2FI-142/close", call.URL.EscapedPath())
	require.Equal(t, "alias", call.URL.Query().Get("identifierType"))

	far.Answer(pagingtest.Answers(404, `{"message":"Alert with [x] identifier does not exist","took":0,"requestId":"r"}`))
	require.NoError(t, p.Edit(t.Context(), bot.Mark{}, parcel), "what is gone is closed")
	far.Answer(pagingtest.Answers(404, "<html>"))
	require.Error(t, p.Edit(t.Context(), bot.Mark{}, parcel), "but that is not Opsgenie")
}

func TestWhoIsOnCall(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)
	far := pagingtest.NewFar(t, yes)
	far.Answer(pagingtest.Answers(200, `{"data":{"_parent":{"id":"d","name":"ops","enabled":true},"onCallRecipients":["ann@example.com","Team lead",""]},"took":0.1,"requestId":"r"}`))
	opts := opsgenie.Options{URL: far.URL, Allow: []string{far.Host()}}
	o, err := opsgenie.NewOnCall(secret.New(pagingtest.Secret), "ops / night", opts)
	require.NoError(t, err)
	t.Cleanup(o.Close)
	got, err := o.OnCall(t.Context(), at)
	require.NoError(t, err)
	require.Equal(t, []bot.Contact{{Name: "ann@example.com", Email: "ann@example.com"}, {Name: "Team lead"}}, got)
	call := far.Last(t)
	require.Equal(t, "/v2/schedules/ops%20%2F%20night/on-calls", call.URL.EscapedPath())
	require.Equal(t, "name", call.URL.Query().Get("scheduleIdentifierType"))
	require.Equal(t, "2026-05-04T03:00:00Z", call.URL.Query().Get("date"))
	require.Equal(t, "true", call.URL.Query().Get("flat"))

	byID, err := opsgenie.NewOnCall(secret.New(pagingtest.Secret), "d875e654-9b4e-4219-a803-0c26936d18de", opts)
	require.NoError(t, err)
	_, err = byID.OnCall(t.Context(), at)
	require.NoError(t, err)
	require.Equal(t, "id", far.Last(t).URL.Query().Get("scheduleIdentifierType"))

	for want, answer := range map[string]func(http.ResponseWriter){
		"no such schedule": pagingtest.Answers(404, "{}"), "read configuration": pagingtest.Answers(403, pagingtest.Secret), "answers 500": pagingtest.Answers(500, ""),
		"not its own": pagingtest.Answers(200, "<html>"), "who is on call": pagingtest.Lost,
	} {
		far.Answer(answer)
		_, err = o.OnCall(t.Context(), at)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), pagingtest.Secret)
	}
}

func TestNewWantsWhatItCannotLiveWithout(t *testing.T) {
	t.Parallel()
	_, err := opsgenie.New(secret.Secret{}, opsgenie.Options{})
	require.ErrorContains(t, err, "API key is empty")
	_, err = opsgenie.New(secret.New("abcd"), opsgenie.Options{URL: "x"})
	require.ErrorContains(t, err, "not an http or https address")
	_, err = opsgenie.NewOnCall(secret.New("abcd"), "", opsgenie.Options{})
	require.ErrorContains(t, err, "name the schedule")
}
