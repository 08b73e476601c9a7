package httpcall

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"salve/bot/secret"
)

// methods are those that may be used.
var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// request is a call, checked.
type request struct {
	method    string
	url       string
	header    http.Header
	body      []byte
	expect    int // 0: 200 to 299
	bearer    secret.Ref
	keyHeader string
}

// forbidden are headers that are not the playbook's to set: they carry
// credentials, which are references only, or frame the request.
var forbidden = []string{
	"Authorization", "Proxy-Authorization", "Cookie", "Host", "Content-Length", "Transfer-Encoding",
	"Connection", "Te", "Trailer", "Upgrade", "Expect", "Proxy-Connection", "Keep-Alive",
}

// parse reads the arguments of a step or check. Unknown ones are errors.
func parse(args map[string]any) (request, error) {
	r := request{header: http.Header{}, keyHeader: "Idempotency-Key"}
	var text, body any
	for _, k := range slices.Sorted(maps.Keys(args)) {
		var err error
		switch v := args[k]; k {
		case "url":
			r.url, err = words(k, v)
		case "method":
			r.method, err = words(k, v)
		case "headers":
			err = r.headers(v)
		case "body":
			body = v
		case "text":
			text = v
		case "expect_status":
			r.expect, err = status(v)
		case "bearer":
			r.bearer, err = reference(v)
		case "key_header":
			r.keyHeader, err = words(k, v)
		default:
			err = fmt.Errorf("there is no argument %q; the arguments are url, method, headers, body, text, expect_status, bearer and key_header", k)
		}
		if err != nil {
			return request{}, err
		}
	}
	_, hasBody := args["body"]
	if err := r.content(text, body, hasBody); err != nil {
		return request{}, err
	}
	return r, r.check()
}

func words(name string, v any) (string, error) {
	s, ok := v.(string)
	if !ok || s == "" {
		return "", fmt.Errorf("%s must be text", name)
	}
	return s, nil
}

// headers takes names and values that HTTP can carry and a playbook may set.
func (r *request) headers(v any) error {
	given := map[string]string{}
	switch m := v.(type) {
	case map[string]string:
		given = m
	case map[string]any:
		for k, w := range m {
			s, ok := w.(string)
			if !ok {
				return fmt.Errorf("headers: %s is not text; put it into quotes", k)
			}
			given[k] = s
		}
	default:
		return errors.New("headers must map names to text")
	}
	for k, s := range given {
		name := http.CanonicalHeaderKey(k)
		switch {
		case !token(k):
			return fmt.Errorf("headers: %q is not the name of a header", k)
		case slices.Contains(forbidden, name):
			return fmt.Errorf("headers: %s cannot be set here; a credential is given as a reference by bearer", name)
		case strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }):
			return fmt.Errorf("headers: the value of %s has a control character in it", name)
		}
		r.header.Set(name, s)
	}
	return nil
}

// token reports whether s is a name that HTTP allows.
func token(s string) bool {
	const others = "!#$%&'*+-.^_`|~"
	bad := func(c rune) bool {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		return !letter && !strings.ContainsRune(others, c)
	}
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, bad)
}

// content takes the body: JSON, text or none.
func (r *request) content(text, body any, hasBody bool) error {
	kind := "text/plain; charset=utf-8"
	switch {
	case text != nil && hasBody:
		return errors.New("body and text do not go together; give one of them")
	case text != nil:
		s, ok := text.(string)
		if !ok {
			return errors.New("text must be text; give typed data as body")
		}
		r.body = []byte(s)
	case hasBody:
		b, err := json.Marshal(body)
		if err != nil {
			return errors.New("body cannot be written as JSON")
		}
		r.body, kind = b, "application/json"
	default:
		return nil
	}
	if r.header.Get("Content-Type") == "" {
		r.header.Set("Content-Type", kind)
	}
	return nil
}

func reference(v any) (secret.Ref, error) {
	s, ok := v.(string)
	if !ok {
		return secret.Ref{}, errors.New("bearer must be a secret reference: env:NAME or file:/path")
	}
	ref, err := secret.ParseRef(s)
	if err != nil {
		return secret.Ref{}, fmt.Errorf("bearer: %w", err)
	}
	return ref, nil
}

// status reads a number as any decoder may have left it.
func status(v any) (int, error) {
	n := 0
	switch v := v.(type) {
	case int:
		n = v
	case int64:
		n = int(v)
	case float64:
		if v == math.Trunc(v) {
			n = int(v)
		}
	case json.Number:
		n, _ = strconv.Atoi(v.String())
	}
	if n < 100 || n > 599 {
		return 0, errors.New("expect_status must be a status code, 100 to 599")
	}
	return n, nil
}

// check looks at the request as a whole.
func (r *request) check() error {
	if r.method == "" {
		r.method = http.MethodGet
		if r.body != nil {
			r.method = http.MethodPost
		}
	}
	u, err := url.Parse(r.url)
	switch {
	case r.url == "":
		return errors.New("url is missing")
	case err != nil:
		return errors.New("url cannot be understood")
	case u.User != nil:
		return errors.New("url holds a user name or password; give a secret reference by bearer")
	case !slices.Contains(methods, r.method):
		return fmt.Errorf("method must be one of %s", strings.Join(methods, ", "))
	case r.body != nil && (r.method == http.MethodGet || r.method == http.MethodHead):
		return fmt.Errorf("%s has no body; use another method", r.method)
	case !token(r.keyHeader):
		return fmt.Errorf("key_header: %q is not the name of a header", r.keyHeader)
	case slices.Contains(forbidden, http.CanonicalHeaderKey(r.keyHeader)):
		return fmt.Errorf("key_header: %s is taken", r.keyHeader)
	}
	if !r.bearer.IsZero() && r.header.Get("Authorization") != "" {
		return errors.New("bearer and an Authorization header do not go together")
	}
	return nil
}

// key puts the idempotency key in.
func (r *request) key(key string) {
	if key != "" {
		r.header.Set(r.keyHeader, key)
	}
}

func (r *request) expected(status int) bool {
	if r.expect == 0 {
		return status >= 200 && status < 300
	}
	return status == r.expect
}

func (r *request) wants() string {
	if r.expect == 0 {
		return "200 to 299"
	}
	return strconv.Itoa(r.expect)
}

// host is what an error may say of the URL.
func (r *request) host() string {
	if u, err := url.Parse(r.url); err == nil {
		return u.Scheme + "://" + u.Host
	}
	return "the host"
}
