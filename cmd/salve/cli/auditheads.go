package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"salve/bot/audit"
	"salve/bot/secret"
	"salve/integrations/heads"
)

// signedBy names signed heads and who may have signed them.
type signedBy struct {
	Against []string `help:"Signed heads: a file of them, a directory of files, an https address of one file, or - for standard input. May be repeated." placeholder:"HEADS" sep:"none"`
	Key     []string `help:"A public key that is trusted, or a file with one on each line. May be repeated; without it those of the configuration are." placeholder:"KEY" sep:"none"`
	Bearer  string   `help:"Secret reference of the token for the address: env:NAME or file:/path." placeholder:"REF"`
}

// keys are the trusted public keys.
func (c signedBy) keys(l logAt) (audit.Keys, error) {
	var lines []string
	for _, k := range c.Key {
		if _, err := audit.ParseKeys(k); err == nil {
			lines = append(lines, k)
			continue
		}
		b, err := os.ReadFile(k)
		if err != nil {
			return audit.Keys{}, fmt.Errorf("--key %s is neither a public key nor a file of them: %w", k, err)
		}
		lines = append(lines, strings.Split(string(b), "\n")...)
	}
	if len(c.Key) == 0 {
		cfg, err := l.config()
		if err != nil {
			return audit.Keys{}, errors.New("no key is named by which signed heads are checked: --key KEY (`salve audit key new` printed it)")
		}
		lines = cfg.Audit.Keys
		if own, err := publicOf(cfg.Audit.Key); err == nil {
			lines = append(lines, own)
		} else if len(lines) == 0 {
			return audit.Keys{}, fmt.Errorf("no key is named by which signed heads are checked (--key KEY), and that of the configuration cannot be read: %w", err)
		}
	}
	keys, err := audit.ParseKeys(lines...)
	if err == nil && keys.None() {
		err = errors.New("no key is named by which signed heads are checked: --key KEY")
	}
	return keys, err
}

// publicOf reads the public half of the key that a configuration names.
func publicOf(text string) (string, error) {
	ref, err := secret.ParseRef(text)
	if err != nil {
		return "", err
	}
	value, err := localSecret(ref)
	if err != nil {
		return "", err
	}
	s, err := audit.NewSigner(value)
	if err != nil {
		return "", err
	}
	return s.Public(), nil
}

func localSecret(ref secret.Ref) (string, error) {
	if ref.Scheme() == secret.Env {
		v, ok := os.LookupEnv(ref.Name())
		if !ok {
			return "", fmt.Errorf("the environment has no %s", ref.Name())
		}
		return v, nil
	}
	b, err := os.ReadFile(ref.Name())
	return strings.TrimSpace(string(b)), err
}

// heads reads all signed heads that were named. That none of them is signed by a
// trusted key is an error: nothing could be compared.
func (c signedBy) heads(ctx context.Context, l logAt) (audit.Heads, error) {
	keys, err := c.keys(l)
	if err != nil {
		return audit.Heads{}, err
	}
	var all audit.Heads
	for _, name := range c.Against {
		h, err := c.from(ctx, name, keys)
		if err != nil {
			return audit.Heads{}, fmt.Errorf("read signed heads: %w", err)
		}
		if h.Read == 0 {
			why := "there is no signed head in it"
			if len(h.Foreign) > 0 {
				why = h.Foreign[0]
			}
			return audit.Heads{}, fmt.Errorf("nothing can be compared with %s: %s", name, why)
		}
		all = all.Merge(h)
	}
	return all, nil
}

func (c signedBy) from(ctx context.Context, name string, keys audit.Keys) (audit.Heads, error) {
	switch {
	case name == "-":
		return audit.ReadHeads(os.Stdin, keys)
	case strings.HasPrefix(name, "https://"), strings.HasPrefix(name, "http://"):
		return c.fetch(ctx, name, keys)
	}
	st, err := os.Stat(name)
	if err != nil {
		return audit.Heads{}, err
	}
	if !st.IsDir() {
		return fromFile(name, keys)
	}
	files, err := filepath.Glob(filepath.Join(name, "*"))
	if err != nil {
		return audit.Heads{}, err
	}
	var all audit.Heads
	for _, f := range files {
		h, err := fromFile(f, keys)
		if err != nil {
			return all, err
		}
		all = all.Merge(h)
	}
	return all, nil
}

func fromFile(name string, keys audit.Keys) (audit.Heads, error) {
	f, err := os.Open(name)
	if err != nil {
		return audit.Heads{}, err
	}
	defer f.Close()
	h, err := audit.ReadHeads(io.Reader(f), keys)
	if err != nil {
		return h, fmt.Errorf("%s: %w", name, err)
	}
	return h, nil
}

// fetch reads what is behind an address. The person who names it may reach
// whatever this machine does.
func (c signedBy) fetch(ctx context.Context, address string, keys audit.Keys) (audit.Heads, error) {
	opts := heads.URLOptions{Allow: []string{"0.0.0.0/0", "::/0"}, MaxBody: 64 << 20}
	if c.Bearer != "" {
		ref, err := secret.ParseRef(c.Bearer)
		if err != nil {
			return audit.Heads{}, usage("--bearer: %s", err)
		}
		token, err := localSecret(ref)
		if err != nil {
			return audit.Heads{}, err
		}
		opts.Bearer = secret.New(token)
	}
	u, err := heads.NewURL(address, opts)
	if err != nil {
		return audit.Heads{}, err
	}
	defer u.Close()
	b, err := u.Read(ctx)
	if err != nil {
		return audit.Heads{}, err
	}
	return audit.ReadHeads(bytes.NewReader(b), keys)
}
