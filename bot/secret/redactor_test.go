package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot/secret"
)

func redactor(t testing.TB, values ...string) *secret.Redactor {
	t.Helper()
	r := secret.NewRedactor()
	for _, v := range values {
		require.NoError(t, r.Add(secret.New(v)))
	}
	return r
}

// forms are the ways in which a value travels.
func forms(value string) map[string]string {
	b := []byte(value)
	quoted, _ := json.Marshal(value)
	out := map[string]string{
		"exact": value, "twice": value + value, "quoted": strconv.Quote(value), "json": string(quoted),
		"hex": hex.EncodeToString(b), "HEX": strings.ToUpper(hex.EncodeToString(b)),
		"query": url.QueryEscape(value), "path": url.PathEscape(value), "query, lower": strings.ToLower(url.QueryEscape("/")) + url.QueryEscape(value),
	}
	encodings := map[string]*base64.Encoding{
		"std": base64.StdEncoding, "raw std": base64.RawStdEncoding, "url": base64.URLEncoding, "raw url": base64.RawURLEncoding,
	}
	for name, enc := range encodings {
		for _, before := range []string{"", "u", "us", "user:"} {
			for _, after := range []string{"", "!", "!!"} {
				out[fmt.Sprintf("base64 %s %q %q", name, before, after)] = enc.EncodeToString([]byte(before + value + after))
			}
		}
	}
	return out
}

// leaks are pieces of a form that must not be left: everything of it but for
// the bits that base64 shares with neighbours.
func leaks(form string) []string {
	if len(form) < 12 {
		return []string{form}
	}
	var out []string
	for i := 4; i+8 <= len(form)-4; i++ {
		out = append(out, form[i:i+8])
	}
	return out
}

func TestARegisteredValueIsMaskedInEveryForm(t *testing.T) {
	t.Parallel()
	for _, value := range []string{canary, "correct horse battery", "hunter2hunter2x", "~~~~~~~~~~~~~~~ÿ"} {
		r := redactor(t, value)
		for name, form := range forms(value) {
			got := r.String("before (" + form + ") after")
			require.Contains(t, got, secret.Mask, name)
			require.True(t, strings.HasPrefix(got, "before ("), name)
			require.True(t, strings.HasSuffix(got, ") after"), name)
			for _, piece := range leaks(form) {
				require.NotContains(t, got, piece, "%s of %q in %q", name, value, got)
			}
		}
	}
}

func TestMasksThatTouchBecomeOne(t *testing.T) {
	t.Parallel()
	r := redactor(t, "abcdef", "defghi", "xxxx")
	require.Equal(t, "1[secret]2", r.String("1abcdefghi2"))
	require.Equal(t, "1[secret]2", r.String("1xxxxxxx2"))
	require.Equal(t, "1[secret]2[secret]", r.String("1abcdefabcdef2xxxx"))
	require.Equal(t, "plain text, abcde", r.String("plain text, abcde"))
	require.Empty(t, r.String(""))
}

func TestAddRefusesWhatItCannotMask(t *testing.T) {
	t.Parallel()
	r := secret.NewRedactor()
	require.ErrorContains(t, r.Add(secret.Secret{}), "empty")
	require.ErrorContains(t, r.Add(secret.New("long enough"), secret.New("abc")), "shorter than 4 bytes")
	require.ErrorContains(t, r.Add(secret.New(strings.Repeat("a", secret.MaxLen+1))), "longer than")
	require.Equal(t, "long enough abc", r.String("long enough abc"), "all or none")
	require.NoError(t, r.Add())
	require.NoError(t, r.Add(secret.New("four"), secret.New("four")))
	require.Equal(t, "[secret]", r.String("four"))
}

// key is a block that looks like a private key and is none.
func key(kind string, lines int) string {
	return "-----BEGIN " + kind + "PRIVATE KEY-----\n" + strings.Repeat("TUlJRXZRSUJBREFOQmdrcWhraUc5dzBCQVFFRkFBU0M\n", lines) +
		"-----END " + kind + "PRIVATE KEY-----\n"
}

// tokens are made up, each in the shape that its issuer gives.
var tokens = []struct{ name, text, want string }{
	{"AWS access key", "id AKIA" + "ABCDEFGHIJ234567 used", "id [secret] used"},
	{"AWS secret key", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = [secret]"},
	{"GitHub token", "push ghp_" + strings.Repeat("a1B2", 9) + ".", "push [secret]."},
	{"GitHub fine-grained token", "github_pat_" + strings.Repeat("a1B2_", 9), "[secret]"},
	{"GitLab token", "x glpat-" + strings.Repeat("a1B2", 5), "x [secret]"},
	{"Slack token", "xoxb-" + "1234567890-abcdefABCDEF ok", "[secret] ok"},
	{"Slack webhook", "https://hooks.slack.com/services/T0000/B0000/abcdefghijkl", "https://hooks.slack.com/services/[secret]"},
	{"Discord webhook", "https://discord.com/api/webhooks/123456/abcdefghijklmnop_-x", "https://discord.com/api/webhooks/123456/[secret]"},
	{"JSON web token", "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl!", "got [secret]!"},
	{"Google API key", "AIza" + strings.Repeat("a1B2_", 7), "[secret]"},
	{"Stripe key", "sk_live_" + strings.Repeat("a1B2", 5), "[secret]"},
	{"OpenAI key", "sk-" + strings.Repeat("a1B2", 8), "[secret]"},
	{"npm token", "npm_" + strings.Repeat("a1B2", 9), "[secret]"},
	{"SendGrid key", "SG." + strings.Repeat("a1B2", 5) + "." + strings.Repeat("a1B2", 9), "[secret]"},
	{"Vault token", "hvs." + strings.Repeat("a1B2", 6), "[secret]"},
	{"age key", "AGE-SECRET-KEY-1" + strings.Repeat("Q5", 29), "[secret]"},
	{"Bearer header", "Authorization: Bearer abc.def-ghi", "Authorization: Bearer [secret]"},
	{"Basic header in JSON", `{"authorization":"Basic dXNlcjpwYXNz","a":1}`, `{"authorization":"Basic [secret]","a":1}`},
	{"bare bearer", "sent bearer abcdefghijklmnop12 to it", "sent bearer [secret] to it"},
	{"password", "login user=bob password=hunter2 ok", "login user=bob password=[secret] ok"},
	{"quoted password", `{"db_password": "hunter 2", "n": 1}`, `{"db_password": [secret], "n": 1}`},
	{"password in nested JSON", `"{\"password\":\"hunter2\"}"`, `"{\"password\":[secret]}"`},
	{"URL with a password", "dial postgres://shop:hunter2@db:5432/shop", "dial postgres://shop:[secret]@db:5432/shop"},
	{"private key", "x\n" + key("RSA ", 2) + "y", "x\n[secret]\ny"},
	{"private key, cut off", "x\n" + key("", 2)[:60], "x\n[secret]"},
	{"certificate is no secret", "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\nTUlJ\n-----END CERTIFICATE-----"},
	{"ordinary text", "restarted shop-7 in 3s; 2 of 2 healthy at http://10.0.0.1:8080/healthz", "restarted shop-7 in 3s; 2 of 2 healthy at http://10.0.0.1:8080/healthz"},
}

func TestTheSecondNetKnowsTokensByTheirShape(t *testing.T) {
	t.Parallel()
	r := secret.NewRedactor()
	for _, tc := range tokens {
		got := r.String(tc.text)
		require.Equal(t, tc.want, got, tc.name)
		require.Equal(t, got, r.String(got), "masking twice changes nothing: %s", tc.name)
	}
}

func stream(t testing.TB, r *secret.Redactor, pieces ...string) string {
	t.Helper()
	var out bytes.Buffer
	w := r.Writer(&out)
	for _, p := range pieces {
		n, err := w.Write([]byte(p))
		require.NoError(t, err)
		require.Equal(t, len(p), n)
	}
	require.NoError(t, w.Close())
	return out.String()
}

func TestAStreamIsMaskedWhereverItIsSplit(t *testing.T) {
	t.Parallel()
	multi := "first line of it\nsecond line of it\nthird"
	r := redactor(t, canary, multi, "abab")
	texts := []string{
		"a " + canary + " b\n" + canary, "x\n" + multi + "\ny\n", "ababab\nababa", "\n\n\n", multi + multi,
		"first line of it\nsecond", "password=" + multi + "\nz", "p " + multi + " -----BEGIN PRIVATE KEY-----\nx\n",
	}
	for _, tc := range tokens {
		texts = append(texts, tc.text, tc.text+"\n"+canary+"\n")
	}
	for _, text := range texts {
		want := r.String(text)
		for i := range len(text) + 1 {
			require.Equal(t, want, stream(t, r, text[:i], text[i:]), "%q split at %d", text, i)
		}
		require.Equal(t, want, stream(t, r, strings.Split(text, "")...), "%q byte by byte", text)
	}
}

func TestAWholeLineIsPassedOnAtOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := redactor(t, canary, "two\nlines").Writer(&out)
	_, err := w.Write([]byte("one\ntw"))
	require.NoError(t, err)
	require.Equal(t, "one\n", out.String())
	_, err = w.Write([]byte("o\n"))
	require.NoError(t, err)
	require.Equal(t, "one\n", out.String(), "this may be the first half of a secret")
	_, err = w.Write([]byte("lines of it\n"))
	require.NoError(t, err)
	require.Equal(t, "one\n[secret] of it\n", out.String())
	_, err = w.Write([]byte("two\nliners\n"))
	require.NoError(t, err)
	require.Equal(t, "one\n[secret] of it\ntwo\nliners\n", out.String(), "it was not")
}

func TestLongLinesAndKeysAreBoundedAndMasked(t *testing.T) {
	t.Parallel()
	r := redactor(t, canary)
	fill := strings.Repeat("0123456789 ", 10_000)
	for name, text := range map[string]string{
		"a long line":              fill + canary + fill + "\nend\n",
		"a long token":             "password=" + strings.Repeat("hunter2", 40_000) + "\nend\n",
		"a long key":               key("EC ", 5_000) + "end\n",
		"a key that never ends":    "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("TUlJRXZR\n", 20_000),
		"canaries one after other": strings.Repeat(canary, 20_000) + "\nend\n",
		"a context far before":     strings.Repeat("x", 61_430) + " password=" + "hunter2hunter2 " + fill + "\nend\n",
	} {
		for _, size := range []int{1 << 20, 32 << 10, 4093} {
			var pieces []string
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				pieces, rest = append(pieces, rest[:n]), rest[n:]
			}
			got := stream(t, r, pieces...)
			for _, piece := range []string{"c4n4ry", "Zürich", "hunter2", "TUlJRXZR"} {
				require.NotContains(t, got, piece, "%s by %d", name, size)
			}
			require.Contains(t, got, secret.Mask, name)
			if strings.HasSuffix(text, "end\n") {
				require.True(t, strings.HasSuffix(got, "end\n"), "%s by %d: goes on after it", name, size)
			}
		}
	}
}

func TestValuesOfSeveralLinesAreMaskedLineByLine(t *testing.T) {
	t.Parallel()
	r := redactor(t, "-----BEGIN X-----\nTUlJRXZRSUJBREFOQmdrcWhr\nshort\n-----END X-----")
	require.Equal(t, "  [secret]\n  short", r.String("  TUlJRXZRSUJBREFOQmdrcWhr\n  short"))
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("pipe closed") }

func TestAWriterReportsTheErrorBelowIt(t *testing.T) {
	t.Parallel()
	w := secret.NewRedactor().Writer(broken{})
	_, err := w.Write([]byte("kept"))
	require.NoError(t, err)
	_, err = w.Write([]byte("line\n"))
	require.EqualError(t, err, "pipe closed")
}

func TestARedactorIsSafeForManyAtOnce(t *testing.T) {
	t.Parallel()
	r := redactor(t, canary)
	var out bytes.Buffer
	w := r.Writer(&out)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				_ = r.Add(secret.New("value-" + strconv.Itoa(i*1000+j)))
				_ = r.String("x " + canary)
				_, _ = w.Write([]byte(canary + "\n"))
			}
		})
	}
	all.Wait()
	require.NoError(t, w.Close())
	require.Equal(t, strings.Repeat("[secret]\n", 400), out.String())
	require.Equal(t, "[secret]", r.String("value-7049"))
}

// FuzzSplits: whatever the text and wherever it is split, the stream reads like
// the whole, and the canary is nowhere.
func FuzzSplits(f *testing.F) {
	for _, tc := range tokens {
		f.Add(tc.text, canary, uint64(len(tc.text)))
	}
	for _, form := range forms(canary) {
		f.Add("x"+form+"\ny", canary, uint64(len(form)))
	}
	for _, value := range awkward {
		for _, text := range spellings(value) {
			f.Add("x "+text+"\ny", value, uint64(len(text)))
		}
	}
	f.Add("a\nb\na\nb\na\n", "a\nb\na", uint64(1))
	f.Fuzz(func(t *testing.T, text, value string, seed uint64) {
		r := secret.NewRedactor()
		known := r.Add(secret.New(value)) == nil
		want := r.String(text)
		random := rand.New(rand.NewPCG(seed, 1))
		var pieces []string
		for rest := text; rest != ""; {
			n := 1 + random.IntN(min(len(rest), 9))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		require.Equal(t, want, stream(t, r, pieces...))
		if known && !strings.Contains(secret.Mask+secret.Mask, value) && !strings.Contains(value, "[secret]") {
			for _, part := range strings.Split(want, secret.Mask) {
				require.NotContains(t, part, value)
			}
		}
	})
}
