package serve

import (
	"maps"
	"slices"
	"time"

	"salve/bot"
)

// SourceTypes are the types of source that are read, sorted.
func SourceTypes() []string { return slices.Sorted(maps.Keys(sourceTypes)) }

// Decode is how a type of source is read.
func Decode(kind string) func(string, []byte, time.Time) ([]bot.Alert, error) {
	return sourceTypes[kind].decode
}
