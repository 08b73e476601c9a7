package bot

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that is written as people write it ("90s", "15m")
// in JSON and YAML.
type Duration time.Duration

// Std is the time.Duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

func (d Duration) String() string { return time.Duration(d).String() }

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
