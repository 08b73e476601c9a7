package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"salve/bot/audit"
)

// AuditKey is everything about the key.
type AuditKey struct {
	New  AuditKeyNew  `cmd:"" help:"Make a key, and print its public half to keep."`
	Show AuditKeyShow `cmd:"" help:"Print the public half of a key."`
}

// AuditKeyNew makes a key.
type AuditKeyNew struct {
	File string `arg:"" help:"Where the key goes; a new file, outside the data directory." type:"path"`
	Name string `help:"Name of the log, without spaces; heads begin with it." placeholder:"salve.example.com/audit"`
}

// Help is shown by --help.
func (AuditKeyNew) Help() string {
	return "The file is for its owner alone. The public line that is printed is no secret: give it to whoever will verify the log, and keep it for as long as heads that this key signed.\n\nTo change the key: make a new one, put its file into audit.key and the public line of the old one into audit.keys, and start Salve again.\n\nExample:\n  salve audit key new /etc/salve/audit.key --name salve.example.com/audit"
}

// Run makes it.
func (c AuditKeyNew) Run(e *Env) error {
	name := c.Name
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			return usage("this machine has no name; give the log one: --name")
		}
		name = strings.Map(nameless, host) + "/audit"
	}
	secret, public, err := audit.NewKey(rand.Reader, name)
	if err != nil {
		return err
	}
	if err := writeKey(c.File, secret); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(map[string]string{"file": c.File, "public": public})
	}
	s.line("%s", public)
	fmt.Fprintf(e.Err, "The key is in %s. The line above is its public half: keep it where whoever verifies finds it.\n", plain(c.File))
	return nil
}

func nameless(r rune) rune {
	if r <= ' ' || r == '+' || r == 0x7f {
		return '-'
	}
	return r
}

// writeKey makes the file; one that is there stays as it is.
func writeKey(path, secret string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already, and a key is never written over: heads that it signed need it; name another file", path)
	}
	if err != nil {
		return fmt.Errorf("make the key: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write the key: %w", err), os.Remove(path))
		}
	}()
	_, err = f.WriteString(secret + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// AuditKeyShow prints the public half.
type AuditKeyShow struct {
	File string `arg:"" help:"The key." type:"existingfile"`
}

// Run prints it.
func (c AuditKeyShow) Run(e *Env) error {
	b, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	signer, err := audit.NewSigner(strings.TrimSpace(string(b)))
	if err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(map[string]string{"file": c.File, "public": signer.Public()})
	}
	s.line("%s", signer.Public())
	return nil
}
