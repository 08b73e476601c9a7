package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

const (
	maxShown     = 2000 // runes of what a person read that an Event keeps; the sum covers all of it
	maxBasisName = 300  // bytes of each id
)

// AddTo writes what is known of the Basis into the data of an Event: transport,
// identity, place, message, gesture, shown and its SHA-256, groups and when they
// were read, and when it was received. What is not known is left out; what
// stands in data already stays.
func (b Basis) AddTo(data map[string]string) map[string]string {
	if data == nil {
		data = map[string]string{}
	}
	put := func(key, value string) {
		if _, there := data[key]; value != "" && !there {
			data[key] = value
		}
	}
	for key, value := range map[string]string{
		"transport": b.Transport, "identity": b.Identity, "place": b.Place, "message": b.Message, "gesture": b.Gesture,
	} {
		put(key, strings.ToValidUTF8(value[:min(len(value), maxBasisName)], ""))
	}
	if b.Shown != "" {
		sum := sha256.Sum256([]byte(b.Shown))
		put("shown_sha256", hex.EncodeToString(sum[:]))
		put("shown", firstRunes(strings.ToValidUTF8(b.Shown, "\uFFFD"), maxShown))
	}
	put("groups", strings.Join(b.Groups, " "))
	put("groups_at", stamp(b.GroupsAt))
	put("received_at", stamp(b.ReceivedAt))
	return data
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// firstRunes cuts valid UTF-8 by characters.
func firstRunes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
