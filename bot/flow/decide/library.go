package decide

import (
	"fmt"

	"salve/bot"
	"salve/bot/match"
	"salve/bot/plan"
)

// Library is the playbooks, ready for use. It is never changed in place.
type Library struct {
	Index     *match.Index
	Plans     *plan.Set
	Playbooks []bot.Playbook
}

// NewLibrary compiles playbooks over the actions that there are.
func NewLibrary(playbooks []bot.Playbook, actions map[string]bot.ActionInfo) (*Library, error) {
	index, err := match.New(playbooks)
	if err != nil {
		return nil, fmt.Errorf("index playbooks: %w", err)
	}
	plans, err := plan.Compile(playbooks, actions)
	if err != nil {
		return nil, fmt.Errorf("compile playbooks: %w", err)
	}
	return &Library{Index: index, Plans: plans, Playbooks: playbooks}, nil
}

// fits reports whether the playbook is among those that fit the alert.
func (l *Library) fits(name string, a bot.Alert, inc bot.Incident) bool {
	for _, fit := range l.Index.Rank(a, inc) {
		if fit.Fits && fit.Playbook.Name == name {
			return true
		}
	}
	return false
}
