package discordtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// OverHTTP makes what people do go to the endpoint; "": over the gateway again.
func (d *Discord) OverHTTP(endpoint string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.endpoint = endpoint
}

// Forgery is what is wrong with a request that pretends to be Discord's.
type Forgery string

// The forgeries.
const (
	ForgeNothing   Forgery = ""
	ForgeOld       Forgery = "old"       // signed well, 6 minutes ago
	ForgeEarly     Forgery = "early"     // signed well, in 6 minutes
	ForgeAncient   Forgery = "ancient"   // signed well, in 1970
	ForgeKey       Forgery = "key"       // signed with another key
	ForgeBody      Forgery = "body"      // another body than was signed
	ForgeTimestamp Forgery = "timestamp" // another timestamp than was signed
	ForgeUnsigned  Forgery = "unsigned"  // without the headers
	ForgeShort     Forgery = "short"     // a signature that is cut off
	ForgeHex       Forgery = "hex"       // a signature that is not hexadecimal
)

// Forgeries are all of them.
var Forgeries = []Forgery{ForgeOld, ForgeEarly, ForgeAncient, ForgeKey, ForgeBody, ForgeTimestamp, ForgeUnsigned, ForgeShort, ForgeHex}

// Forge makes the next request over HTTP, and no other, wrong in this way.
func (d *Discord) Forge(f Forgery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgery = f
}

// signed is a request as it was sent.
type signed struct {
	body   []byte
	header map[string]string
}

// Sign makes the headers of a body that Discord sends at the time.
func Sign(key ed25519.PrivateKey, at time.Time, body []byte) map[string]string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return map[string]string{
		"X-Signature-Timestamp": stamp,
		"X-Signature-Ed25519":   hex.EncodeToString(ed25519.Sign(key, append([]byte(stamp), body...))),
	}
}

// sign makes the request, wrong if it is to be.
func (d *Discord) sign(h *Heard) *signed {
	body, _ := json.Marshal(h.payload) // it holds nothing but JSON
	d.mu.Lock()
	at, forgery := d.now(), d.forgery
	d.forgery = ForgeNothing
	d.mu.Unlock()
	h.forged = forgery
	key := signingKey
	switch forgery {
	case ForgeOld:
		at = at.Add(-6 * time.Minute)
	case ForgeEarly:
		at = at.Add(6 * time.Minute)
	case ForgeAncient:
		at = time.Unix(1, 0)
	case ForgeKey:
		key = ed25519.NewKeyFromSeed([]byte("the seed of somebody else's keys"))
	}
	out := &signed{body: body, header: Sign(key, at, body)}
	signature := out.header["X-Signature-Ed25519"]
	switch forgery {
	case ForgeBody:
		out.body = bytes.Replace(body, []byte(`"version":1`), []byte(`"version": 1`), 1)
	case ForgeTimestamp:
		out.header["X-Signature-Timestamp"] = strconv.FormatInt(at.Unix()+1, 10)
	case ForgeUnsigned:
		out.header = nil
	case ForgeShort:
		out.header["X-Signature-Ed25519"] = signature[:64]
	case ForgeHex:
		out.header["X-Signature-Ed25519"] = "zz" + signature[2:]
	}
	return out
}

// post sends it over HTTP and takes what is answered.
func (d *Discord) post(h *Heard) {
	if h.sent == nil {
		h.sent = d.sign(h)
	}
	status, kind, body, err := d.send(h.sent)
	if err != nil {
		return // the person sees that it failed
	}
	h.Status, h.Body = status, body
	if status != http.StatusOK || h.forged != ForgeNothing || len(body) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	i := d.interactions[h.Token]
	payload, files, no := unpack(kind, body)
	if no == nil {
		no = d.answer(i, payload, files)
	}
	i.refused = no
	d.touch()
}

func (d *Discord) send(s *signed) (status int, kind string, body []byte, err error) {
	d.mu.Lock()
	endpoint := d.endpoint
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), d.opts.AckWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(s.body))
	if err != nil {
		d.tb.Errorf("discordtest: make a request: %v", err)
		return 0, "", nil, fmt.Errorf("make a request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Discord-Interactions/1.0 (+https://discord.com)")
	for name, value := range s.header {
		r.Header.Set(name, value)
	}
	answer, err := d.server.Client().Do(r)
	if err != nil {
		return 0, "", nil, fmt.Errorf("send a request: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxRequest))
	if err != nil {
		return 0, "", nil, fmt.Errorf("read an answer: %w", err)
	}
	return answer.StatusCode, answer.Header.Get("Content-Type"), body, nil
}

// Again delivers the very same once more, over HTTP byte for byte with its
// signature; Heard tells what is seen of it by then.
func (d *Discord) Again(h Heard) Heard {
	d.tb.Helper()
	if h.payload == nil {
		d.tb.Fatal("discordtest: nothing was sent that could be sent again")
	}
	return d.deliver(h)
}

// Ping asks the endpoint whether it is there, as Discord does.
func (d *Discord) Ping() Heard {
	d.mu.Lock()
	_, h, payload := d.begin(kindPing, Owner, &Channel{ID: General})
	for name := range payload {
		switch name {
		case "id", "application_id", "type", "token", "version", "user", "authorizing_integration_owners", "entitlements":
		default:
			delete(payload, name)
		}
	}
	d.mu.Unlock()
	return d.deliver(h)
}

// Probe does what Discord does before it takes an endpoint: a ping, which must be
// answered, and one with a bad signature, which must be refused with 401. It says
// why Discord would not take it; "": it would.
func (d *Discord) Probe() string {
	if h := d.Ping(); h.Answer != AnswerPong {
		return fmt.Sprintf("a ping was answered with %d %q", h.Status, h.Body)
	}
	d.Forge(ForgeKey)
	if h := d.Ping(); h.Status != http.StatusUnauthorized {
		return fmt.Sprintf("a ping with a bad signature was answered with %d", h.Status)
	}
	return ""
}

// secret makes what nobody can guess.
func secret() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails
	return "aW50ZXJhY3Rpb24" + hex.EncodeToString(b)
}
