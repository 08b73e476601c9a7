package pagehook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/paging/pagingtest"
	"salve/integrations/pagehook"
)

func open(t *testing.T, address string, allow ...string) pagingtest.Pager {
	t.Helper()
	p, err := pagehook.New(secret.New(address), secret.New(pagingtest.Secret), pagehook.Options{Allow: allow})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func TestEveryWayToFail(t *testing.T) {
	t.Parallel()
	pagingtest.Run(t, "", false, open)
}

func TestTheBodyIsAsDocumentedAndSigned(t *testing.T) {
	t.Parallel()
	far := pagingtest.NewFar(t, "")
	p := open(t, far.URL+"/hook?x=1", far.Host())
	parcel := pagingtest.Parcel()
	mark, err := p.Post(t.Context(), parcel)
	require.NoError(t, err)
	require.Equal(t, bot.Mark{Place: "pager", Ref: "n-1"}, mark)
	call := far.Last(t)
	require.Equal(t, "/hook?x=1", call.URL.String())
	require.JSONEq(t, `{"version":1,"action":"trigger","key":"page/pager/I-142","nonce":"n-1","tone":"urgent",
		"summary":"CRITICAL db-3: the undo failed, I-142",
		"text":"I-142 (https://salve.example.com/i/142) the undo failed\ngrow-disk left db-3 half done",
		"links":[{"text":"I-142","url":"https://salve.example.com/i/142"}]}`, string(call.Body))
	require.Equal(t, "n-1", call.Header.Get("Idempotency-Key"))

	stamp, sum, ok := strings.Cut(strings.TrimPrefix(call.Header.Get("Salve-Signature"), "t="), ",v1=")
	require.True(t, ok)
	mac := hmac.New(sha256.New, []byte(pagingtest.Secret))
	mac.Write([]byte(stamp + "." + string(call.Body)))
	require.Equal(t, hex.EncodeToString(mac.Sum(nil)), sum)

	var got map[string]any
	for tone, want := range map[bot.Tone]string{bot.ToneBusy: "update", bot.ToneGood: "resolve"} {
		parcel.Message.Tone = tone
		require.NoError(t, p.Edit(t.Context(), mark, parcel))
		require.NoError(t, json.Unmarshal(far.Last(t).Body, &got))
		require.Equal(t, want, got["action"])
		key := far.Last(t).Header.Get("Idempotency-Key")
		require.NotEqual(t, "n-1", key, "a change is no repeat")
		require.NoError(t, p.Edit(t.Context(), mark, parcel))
		require.Equal(t, key, far.Last(t).Header.Get("Idempotency-Key"), "but the same change is")
	}
}

// The vector lets people check their own receiver.
func TestASignatureToTestAgainst(t *testing.T) {
	t.Parallel()
	require.Equal(t, "t=1777863600,v1=18d5cedbd9e474de888a82ced459e0eb4f34e1eab9bc8c354121da885300398a", pagehook.Sign(secret.New("correct horse"), time.Unix(1777863600, 0), []byte(`{"version":1}`)))
}

func TestNewWantsWhatItCannotLiveWithout(t *testing.T) {
	t.Parallel()
	_, err := pagehook.New(secret.New("not an address "+pagingtest.Secret), secret.New("abcd"), pagehook.Options{})
	require.ErrorContains(t, err, "not an http or https address")
	require.NotContains(t, err.Error(), pagingtest.Secret)
	_, err = pagehook.New(secret.New("https://a.example"), secret.Secret{}, pagehook.Options{})
	require.ErrorContains(t, err, "secret that signs is empty")
}
