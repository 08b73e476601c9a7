package audit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is the state of a chain at one size: what a signed head says. The
// same log gives the same Checkpoint, to the byte, whoever writes it, so that
// writing one twice changes nothing.
type Checkpoint struct {
	Origin string    `json:"origin"` // the name of the key
	Size   int64     `json:"size"`   // number of Events; the Seq of the last one
	Root   tlog.Hash `json:"root"`   // of the Merkle tree over them
	Chain  string    `json:"chain"`
	Head   string    `json:"head"`          // hash of the last Event
	At     time.Time `json:"at"`            // of the last Event
	Key    string    `json:"key,omitempty"` // which key signed it, once that was checked

	note string // the signed head it was read from
}

// MaxNote bounds a signed head.
const MaxNote = 64 << 10

// What can be wrong with a signed head.
var (
	ErrNotSigned  = errors.New("is not a signed head")
	ErrUnknownKey = errors.New("is signed by none of the keys that are trusted")
)

const atLayout = "2006-01-02T15:04:05.000Z"

// Text is the Checkpoint in the shape of C2SP tlog-checkpoint: origin, size and
// root, then a line for the chain's head and one for its time.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\nchain %s %s\nat %s\n", c.Origin, c.Size, c.Root, c.Chain, c.Head, c.At.UTC().Format(atLayout))
}

// ParseCheckpoint reads a Text. Lines after the known ones are passed over: a
// later version may say more.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 6 || lines[0] == "" || lines[len(lines)-1] != "" {
		return Checkpoint{}, errors.New("a head has an origin, a size, a root, a chain and a time, one a line")
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if c.Size, err = parseSize(lines[1]); err != nil {
		return Checkpoint{}, err
	}
	if c.Root, err = parseHash(lines[2]); err != nil {
		return Checkpoint{}, err
	}
	if c.Chain, c.Head, err = parseChain(lines[3]); err != nil {
		return Checkpoint{}, err
	}
	at, ok := strings.CutPrefix(lines[4], "at ")
	if c.At, err = time.Parse(atLayout, at); err != nil || !ok || c.At.Format(atLayout) != at {
		return Checkpoint{}, fmt.Errorf("%.60q is not the time of a head", lines[4])
	}
	return c, nil
}

func parseChain(line string) (chain, head string, err error) {
	parts := strings.Split(line, " ")
	if len(parts) != 3 || parts[0] != "chain" || parts[1] == "" || len(parts[2]) != 64 || strings.ToLower(parts[2]) != parts[2] {
		return "", "", fmt.Errorf("%.100q does not name a chain and the hash of its last event", line)
	}
	if _, err := hex.DecodeString(parts[2]); err != nil {
		return "", "", fmt.Errorf("%.100q does not name a chain and the hash of its last event", line)
	}
	return parts[1], parts[2], nil
}

// Sign makes the signed head, a note as golang.org/x/mod/sumdb/note has it.
func (s *Signer) Sign(c Checkpoint) ([]byte, error) {
	if c.Origin = s.Name(); c.Size <= 0 {
		return nil, errors.New("sign a head: the log is empty")
	}
	msg, err := note.Sign(&note.Note{Text: c.Text()}, s.note)
	if err != nil {
		return nil, fmt.Errorf("sign the head of %d events: %w", c.Size, err)
	}
	return msg, nil
}

// Open checks a signed head and reads it. The error wraps ErrUnknownKey when
// it may be a head of somebody else, and ErrNotSigned when it is none.
func (k Keys) Open(msg []byte) (Checkpoint, error) {
	if len(msg) > MaxNote {
		return Checkpoint{}, fmt.Errorf("it %w: it is longer than %d KiB", ErrNotSigned, MaxNote>>10)
	}
	n, err := note.Open(msg, note.VerifierList(k.list...))
	var unknown *note.UnverifiedNoteError
	switch {
	case errors.As(err, &unknown):
		return Checkpoint{}, fmt.Errorf("it %w (it names %s)", ErrUnknownKey, signers(unknown.Note))
	case err != nil:
		return Checkpoint{}, fmt.Errorf("it %w: its signature does not fit", ErrNotSigned)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("it %w: %w", ErrNotSigned, err)
	}
	for _, s := range n.Sigs {
		if s.Name == c.Origin {
			c.Key = keyID(s.Name, s.Hash)
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("it %w: it is of %.100q and signed as %.100q", ErrUnknownKey, c.Origin, n.Sigs[0].Name)
}

func signers(n *note.Note) string {
	var out []string
	for _, s := range n.UnverifiedSigs {
		out = append(out, keyID(s.Name, s.Hash))
	}
	return fmt.Sprintf("%.200q", strings.Join(out, ", "))
}
