package audit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Edge is the right edge of the Merkle tree over a chain (RFC 6962): enough to
// tell its root and to add what comes next, in a few hundred bytes whatever the
// length of the log. The record of Event n is leaf n-1, and its data is the
// Event's hash as it is written, 64 hex characters. The zero Edge is the empty
// tree.
type Edge struct {
	size int64
	full []tlog.Hash // roots of the complete subtrees, the widest first
}

// Size is the number of Events in the tree.
func (e Edge) Size() int64 { return e.size }

// Clone is an Edge that does not change with this one.
func (e Edge) Clone() Edge { return Edge{size: e.size, full: slices.Clone(e.full)} }

// Add appends the hash of the next Event.
func (e *Edge) Add(hash string) { e.add(hash, func(int64, tlog.Hash) {}) }

// add tells done about each subtree that becomes complete, by its index in the
// order of tlog.StoredHashIndex.
func (e *Edge) add(hash string, done func(index int64, h tlog.Hash)) {
	h, n := tlog.RecordHash([]byte(hash)), e.size
	done(tlog.StoredHashIndex(0, n), h)
	for level := 1; n&1 == 1; level++ {
		last := len(e.full) - 1
		h, n = tlog.NodeHash(e.full[last], h), n>>1
		e.full = e.full[:last]
		done(tlog.StoredHashIndex(level, n), h)
	}
	e.full = append(e.full, h)
	e.size++
}

// Root is the hash over the whole tree.
func (e Edge) Root() tlog.Hash {
	if e.size == 0 {
		empty, _ := tlog.TreeHash(0, nil) // reads nothing, so that it cannot fail
		return empty
	}
	h := e.full[len(e.full)-1]
	for _, left := range slices.Backward(e.full[:len(e.full)-1]) {
		h = tlog.NodeHash(left, h)
	}
	return h
}

// each gives the complete subtrees by their index.
func (e Edge) each(f func(index int64, h tlog.Hash)) {
	at := int64(0)
	for i, level := range levels(e.size) {
		f(tlog.StoredHashIndex(level, at>>level), e.full[i])
		at += 1 << level
	}
}

// levels are the heights of the complete subtrees of a tree, the widest first.
func levels(size int64) []int {
	var out []int
	for rest := uint64(size); rest != 0; {
		level := bits.Len64(rest) - 1
		out, rest = append(out, level), rest&^(1<<level)
	}
	return out
}

// MarshalText writes the size and the hashes.
func (e Edge) MarshalText() ([]byte, error) {
	b := strconv.AppendInt(nil, e.size, 10)
	for _, h := range e.full {
		b = append(b, ' ')
		b = base64.StdEncoding.AppendEncode(b, h[:])
	}
	return b, nil
}

// UnmarshalText reads what MarshalText wrote. That the hashes are those of a log
// shows only when Root is compared with a signed one.
func (e *Edge) UnmarshalText(text []byte) error {
	parts := strings.Split(string(text), " ")
	size, err := parseSize(parts[0])
	if err != nil {
		return err
	}
	if len(parts)-1 != bits.OnesCount64(uint64(size)) {
		return errors.New("the edge of a tree has not as many hashes as its size needs")
	}
	full := make([]tlog.Hash, 0, len(parts)-1)
	for _, p := range parts[1:] {
		h, err := parseHash(p)
		if err != nil {
			return err
		}
		full = append(full, h)
	}
	*e = Edge{size: size, full: full}
	return nil
}

func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%.40q is not a number of events", s)
	}
	return n, nil
}

// parseHash accepts the one spelling of a hash in base64.
func parseHash(s string) (tlog.Hash, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != tlog.HashSize || base64.StdEncoding.EncodeToString(b) != s {
		return tlog.Hash{}, fmt.Errorf("%.60q is not a hash in base64", s)
	}
	return tlog.Hash(b), nil
}
