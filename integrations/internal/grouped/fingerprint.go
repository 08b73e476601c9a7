package grouped

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Fingerprint computes what Alertmanager calls the fingerprint of a label set:
// FNV-1a over the sorted names and values, each ended by 0xff, in 16 hex
// digits. An alert that comes without one is thus the same alert that comes
// with one.
func Fingerprint(labels map[string]string) string {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := uint64(offset)
	add := func(s string) {
		for i := range len(s) {
			sum = (sum ^ uint64(s[i])) * prime
		}
		sum = (sum ^ 0xff) * prime
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		add(name)
		add(labels[name])
	}
	hex := strconv.FormatUint(sum, 16)
	return strings.Repeat("0", 16-len(hex)) + hex
}
