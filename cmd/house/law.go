package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// ground is the floor that everybody may stand on.
var ground = []string{"bot", "bot/secret", "bot/expr"}

// stages are the verbs; pure ones read no clock, environment, network or disk.
var stages = map[string]bool{ // name -> pure
	"bot/intake": false, "bot/rootcause": false, "bot/match": true, "bot/plan": true, "bot/guard": true,
	"bot/approval": true, "bot/runner": true, "bot/check": false, "bot/audit": true, "bot/chat": true,
	"bot/people": false, "bot/report": true, "bot/health": true, "bot/brief": true, "bot/phrase": true, "bot/route": true,
}

// thirdParty lists, per package, the modules outside the standard library that
// its production code may import; a trailing slash allows the whole tree below.
var thirdParty = map[string][]string{
	"bot/expr":                                  {"cel.dev/cel-go/"},
	"bot/audit":                                 {"golang.org/x/mod/sumdb/"},
	"playbooks/strict":                          {"github.com/goccy/go-yaml/"},
	"storage/internal/ledger":                   {"github.com/klauspost/compress/s2", "github.com/go-json-experiment/json/"},
	"storage/datadir":                           {"golang.org/x/sys/unix"},
	"storage/sqlite":                            {"modernc.org/sqlite/", "github.com/pressly/goose/v3/"},
	"storage/postgres":                          {"github.com/jackc/pgx/v5/", "github.com/pressly/goose/v3/", "golang.org/x/sys/unix"},
	"storage/postgres/cluster":                  {"github.com/jackc/pgx/v5/"},
	"storage/storagetest":                       {"github.com/stretchr/testify/", "pgregory.net/rapid"},
	"integrations/internal/tokens":              {"github.com/go-json-experiment/json/"},
	"integrations/control":                      {"github.com/go-json-experiment/json/", "golang.org/x/sys/unix"},
	"integrations/river":                        {"github.com/jackc/pgx/v5/", "github.com/riverqueue/river/"},
	"integrations/prometheus":                   {"github.com/prometheus/client_golang/prometheus/"},
	"integrations/heads":                        {"golang.org/x/sys/unix"},
	"integrations/command":                      {"golang.org/x/sys/unix"},
	"integrations/internal/outbound":            {"code.dny.dev/ssrf"},
	"integrations/otlp":                         {"go.opentelemetry.io/proto/otlp/", "google.golang.org/protobuf/"},
	"integrations/slack":                        {"github.com/slack-go/slack/", "github.com/gorilla/websocket"},
	"integrations/slack/legal":                  {"github.com/santhosh-tekuri/jsonschema/v6/"},
	"integrations/slack/slacktest":              {"github.com/gorilla/websocket", "github.com/santhosh-tekuri/jsonschema/v6/"},
	"integrations/discord":                      {"github.com/bwmarrin/discordgo", "github.com/gorilla/websocket"},
	"integrations/discord/legal":                {"github.com/santhosh-tekuri/jsonschema/v6/"},
	"integrations/discord/discordtest":          {"github.com/gorilla/websocket", "github.com/santhosh-tekuri/jsonschema/v6/"},
	"integrations/oidc":                         {"github.com/coreos/go-oidc/v3/oidc", "golang.org/x/oauth2"},
	"integrations/icalendar":                    {"github.com/emersion/go-ical", "github.com/teambition/rrule-go"},
	"integrations/mail":                         {"github.com/wneessen/go-mail/"},
	"integrations/backstage":                    {"github.com/goccy/go-yaml/"},
	"integrations/plot":                         {"github.com/go-analyze/charts/"},
	"integrations/otlp/otlptest":                {"go.opentelemetry.io/proto/otlp/", "google.golang.org/protobuf/"},
	"integrations/internal/inbound/inboundtest": {"github.com/stretchr/testify/"},
	"integrations/internal/paging/pagingtest":   {"github.com/stretchr/testify/"},
	"cmd/salve/config":                          {"github.com/robfig/cron/v3"},
	"cmd/salve":                                 {"github.com/alecthomas/kong", "github.com/goccy/go-yaml/", "github.com/lmittmann/tint", "golang.org/x/sys/unix", "golang.org/x/term"},
	"cmd/torture":                               {"modernc.org/sqlite/", "github.com/jackc/pgx/v5/"},
	"cmd/bench":                                 {"modernc.org/sqlite/"},
}

// forbiddenNames are package names that say nothing.
var forbiddenNames = []string{"util", "utils", "common", "helpers", "helper", "types", "misc"}

// room tells what a package is by its path; "" means that it has no rule.
func room(p string) string {
	switch {
	case slices.Contains(ground, p):
		return "ground"
	case isStage(p):
		return "stage"
	case strings.HasPrefix(p, "bot/flow/") && strings.Count(p, "/") == 2:
		return "leg"
	case p == "playbooks" || strings.HasPrefix(p, "playbooks/"):
		return "playbooks"
	case strings.HasPrefix(p, "storage/"):
		return "storage"
	case strings.HasPrefix(p, "integrations/"):
		return "integrations"
	case strings.HasPrefix(p, "cmd/"):
		return "cmd"
	default:
		return ""
	}
}

func isStage(p string) bool {
	_, ok := stages[p]
	return ok
}

// checkImports applies the import law to production files.
func checkImports(p Package) []string {
	var out []string
	kind := room(p.Path)
	if kind == "" {
		return []string{fmt.Sprintf("%s: no rule for this package; give it a room in cmd/house/law.go and docs/architecture.md", p.Path)}
	}
	if slices.Contains(forbiddenNames, path.Base(p.Path)) {
		out = append(out, fmt.Sprintf("%s: the name says nothing; name what it is for", p.Path))
	}
	for _, f := range p.Files {
		if f.Test {
			continue
		}
		for _, imp := range f.Imports {
			if why := breach(p.Path, kind, imp); why != "" {
				out = append(out, fmt.Sprintf("%s: imports %s: %s", f.Name, imp, why))
			}
		}
	}
	return out
}

func breach(from, kind, imp string) string {
	own, isOwn := strings.CutPrefix(imp, module+"/")
	if !isOwn {
		if !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
			return "" // standard library
		}
		return thirdPartyBreach(from, imp)
	}
	if strings.HasSuffix(own, "test") && !strings.HasSuffix(from, "test") {
		return "test packages are imported by tests only"
	}
	return ownBreach(from, kind, own)
}

func ownBreach(from, kind, own string) string {
	if room(own) == "cmd" && kind != "cmd" {
		return "nobody imports cmd"
	}
	switch kind {
	case "ground":
		if own == "bot" && from != "bot" || from == "bot/expr" && own == "bot/secret" {
			return ""
		}
		return "the ground floor imports only what is below it"
	case "stage":
		if slices.Contains(ground, own) {
			return ""
		}
		return "a stage imports the ground floor only; declare a small port"
	case "leg":
		if slices.Contains(ground, own) || isStage(own) {
			return ""
		}
		return "a leg imports the ground floor and stages, never a leg or an adapter"
	case "cmd":
		return ""
	default:
		if slices.Contains(ground, own) || sameHouse(from, own) {
			return ""
		}
		return "adapters import the ground floor and their own internal only"
	}
}

// sameHouse allows an adapter its own subpackages and its room's internal ones.
func sameHouse(from, own string) bool {
	top := strings.SplitN(from, "/", 2)[0]
	if strings.HasPrefix(own, top+"/internal/") || strings.HasPrefix(own, from+"/") {
		return true
	}
	if top == "storage" && own == "storage/datadir" {
		return true // the directory that every store and cmd lock in the same way
	}
	if strings.HasSuffix(from, "test") && path.Dir(from) == path.Dir(own) && strings.Count(own, "/") > 1 {
		return true // a fake judges by what its adapter's other parts know
	}
	parent, child := path.Dir(own), strings.TrimSuffix(from, "test")
	return strings.HasPrefix(own+"/", child) && child != "" || parent == from
}

func thirdPartyBreach(from, imp string) string {
	for _, allowed := range thirdParty[from] {
		if imp == strings.TrimSuffix(allowed, "/") || strings.HasSuffix(allowed, "/") && strings.HasPrefix(imp, allowed) {
			return ""
		}
	}
	return "this package may not use that module; a new dependency needs a line in docs/adr and in cmd/house/law.go"
}
