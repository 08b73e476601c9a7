package serve

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"salve/bot"
	"salve/bot/secret"
)

// learn resolves every secret that a playbook names, so that the redactor knows
// it before anything is written: a program may print what only a later step will
// use. It gives what could not be resolved, for the operator; such a step fails
// when its time comes, unless the secret is there by then.
func (l *Library) learn(ctx context.Context, secrets secret.Resolver) []string {
	var missing []string
	asked := map[secret.Ref]bool{}
	for _, b := range l.Playbooks {
		for _, ref := range l.secretsOf(b) {
			if asked[ref] {
				continue
			}
			asked[ref] = true
			if _, err := secrets.Resolve(ctx, ref); err != nil {
				missing = append(missing, fmt.Sprintf("%s: %s", b.Name, err))
			}
		}
	}
	return missing
}

// secretsOf are the references in the arguments of a playbook.
func (l *Library) secretsOf(b bot.Playbook) []secret.Ref {
	var out []secret.Ref
	look := func(action string, with map[string]any) {
		for _, name := range slices.Sorted(maps.Keys(with)) {
			text, ok := with[name].(string)
			if !ok || l.infos[action].Args[name].Kind != bot.ArgSecret {
				continue
			}
			if ref, err := secret.ParseRef(text); err == nil {
				out = append(out, ref)
			}
		}
	}
	for _, s := range b.Steps {
		look(s.Uses, s.With)
		if s.Undo != nil {
			look(s.Undo.Uses, s.Undo.With)
		}
	}
	if b.Verify != nil {
		for _, c := range b.Verify.Checks {
			look(c.Uses, c.With)
		}
	}
	return out
}
