package bot

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as people write it ("90s", "15m")
// in JSON and YAML.
type Duration time.Duration

// Std is the time.Duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String is as short as people write it: 15m, not 15m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if t, ok := strings.CutSuffix(s, "m0s"); ok {
		s = t + "m"
	}
	if t, ok := strings.CutSuffix(s, "h0m"); ok {
		s = t + "h"
	}
	return s
}

func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration; write for example 30s, 15m or 24h", b)
	}
	if v < 0 {
		return fmt.Errorf("%q is negative; a duration is 0 or more", b)
	}
	*d = Duration(v)
	return nil
}
