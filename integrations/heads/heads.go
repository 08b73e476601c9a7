// Package heads keeps signed heads of the audit log outside the database: in a
// file that grows, or as objects behind an address.
//
// It promises that a head is on disk, or acknowledged by the far end, when Put
// returns; that one that is there already, or an older one, is no error and
// changes nothing; and that nothing is ever overwritten or removed. Another head
// of the same size is bot.ErrConflict.
//
// It assumes that a head is a signed note as golang.org/x/mod/sumdb/note has it,
// and that only those who sign may write the place. It checks no signature. On
// failure nothing, or in a file a torn piece that readers pass over, was written,
// and Put may be repeated.
package heads

import (
	"bytes"
	"strconv"
)

// maxTail bounds what is read of the end of a file to find the newest head, and
// an object.
const maxTail = 128 << 10

// sizeOf reads the size of the log from a signed head: its second line; 0 when
// it has none.
func sizeOf(note []byte) int64 {
	lines := bytes.SplitN(note, []byte("\n"), 3)
	if len(lines) < 3 {
		return 0
	}
	n, err := strconv.ParseInt(string(lines[1]), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}
