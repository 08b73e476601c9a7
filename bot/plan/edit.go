package plan

import (
	"fmt"
	"maps"
	"slices"

	"salve/bot"
)

// Check holds what a person gives for params against their types and bounds, and
// names them where it fails. Params that are not given are not judged: what they
// become is for the alert to say.
func (s *Set) Check(playbook string, params map[string]string) error {
	b, err := s.book(playbook)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		i := slices.IndexFunc(b.params, func(p param) bool { return p.name == name })
		if i < 0 {
			return fmt.Errorf("there is no param %q; it has: %s", name, listed(b.Params))
		}
		if _, err := b.params[i].check(params[name]); err != nil {
			return fmt.Errorf("param %s: %w", name, err)
		}
	}
	return nil
}

// TargetOf is what the playbook would touch for this alert with these params.
func (s *Set) TargetOf(playbook string, alert bot.Alert, inc bot.Incident, params map[string]string) (string, error) {
	b, err := s.book(playbook)
	if err != nil {
		return "", err
	}
	_, target, _, err := b.resolve(Input{Incident: inc, Alert: alert, Params: params})
	return target, err
}
