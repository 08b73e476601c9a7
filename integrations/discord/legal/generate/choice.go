package main

import (
	"encoding/json"
	"slices"
	"strings"
)

// choice makes a decision of "one of these": null or the other, or the one that
// the type names. ok is false when it is neither.
func (s *scissors) choice(node schema) (decided schema, ok bool) {
	var kinds []string
	nullable := false
	options, _ := node["oneOf"].([]any)
	if options == nil {
		options, _ = node["anyOf"].([]any)
	}
	for _, o := range options {
		option, _ := o.(schema)
		name, isRef := option["$ref"].(string)
		switch {
		case isRef:
			kinds = append(kinds, strings.TrimPrefix(name, prefix))
		case option["type"] == "null" && len(option) == 1:
			nullable = true
		default:
			return nil, false
		}
	}
	kinds = slices.DeleteFunc(kinds, isUnsent)
	if len(kinds) == 0 {
		return nil, false
	}
	out, _ := s.refer(kinds[0]).(schema)
	if len(kinds) > 1 {
		if out = s.byType(kinds); out == nil {
			return nil, false
		}
	} else if typed := s.byType(kinds); typed != nil && !nullable {
		out = typed
	}
	if nullable {
		out = schema{"if": schema{"type": "null"}, "else": out}
	}
	return out, true
}

// constants are the values of an enumeration; nil when the node is none.
func constants(node schema) []any {
	options, _ := node["oneOf"].([]any)
	var out []any
	for _, o := range options {
		option, _ := o.(schema)
		value, ok := option["const"]
		if !ok {
			return nil
		}
		out = append(out, value)
	}
	return out
}

func isUnsent(name string) bool {
	return slices.ContainsFunc(unsent, func(kind string) bool {
		return name == kind || strings.HasPrefix(name, kind+"For") || strings.HasSuffix(kind, "ForMessage") && strings.HasPrefix(name, kind)
	})
}

// byType asks for a type that is known, and for what that type asks for; nil
// when not each kind has one.
func (s *scissors) byType(kinds []string) schema {
	var known, rules []any
	for _, name := range kinds {
		fields, _ := s.all[name]["properties"].(schema)
		field, _ := fields["type"].(schema)
		types, _ := field["enum"].([]any)
		if len(types) == 0 {
			return nil
		}
		known = append(known, types...)
		rules = append(rules, schema{
			"if":   schema{"properties": schema{"type": schema{"enum": types}}, "required": []string{"type"}},
			"then": s.refer(name),
		})
	}
	return schema{
		"type": "object", "required": []string{"type"}, "properties": schema{"type": schema{"enum": sorted(known)}}, "allOf": rules,
	}
}

func sorted(values []any) []any {
	slices.SortFunc(values, func(a, b any) int {
		x, _ := json.Marshal(a) // numbers, out of JSON
		y, _ := json.Marshal(b)
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		return strings.Compare(string(x), string(y))
	})
	return values
}
