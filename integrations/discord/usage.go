package discord

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Usage is one subcommand of /salve.
type Usage struct {
	Word    string // its name: 1 to 32 of a-z, 0-9 and -
	Group   string // the group that it stands in; "": none. Discord takes 25 subcommands and groups, and 25 in each group
	Says    string // what it does, in one line
	Options []Option
}

// Option is one thing that a subcommand takes. What is given is put into one line
// in the order of the options, as somebody would type it.
type Option struct {
	Name     string // 1 to 32 of a-z, 0-9, _ and -
	Says     string
	Required bool
	Flag     string   // written before the value: --target
	Values   []string // the only ones, 25 at most
	Person   bool     // a user of the server
	Offered  bool     // the Completer offers values for it
	Text     bool     // the rest of the line: kept as it is
}

var optionName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// known are what the help calls things, and what Discord shows of them.
var known = map[string]Option{
	"I-142":       {Name: "incident", Says: "An incident, like I-142", Offered: true},
	"I-7":         {Name: "into", Says: "The incident that stays, like I-7", Offered: true},
	"R-88":        {Name: "run", Says: "A run, like R-88", Offered: true},
	"DIGEST":      {Name: "digest", Says: "The plan that you have read: the first 8 characters at least"},
	"REASON":      {Name: "reason", Says: "Why", Text: true},
	"TEXT":        {Name: "text", Says: "What to write down", Text: true},
	"MESSAGE":     {Name: "message", Says: "What the next person must know", Text: true},
	"TITLE":       {Name: "title", Says: "What is wrong, in one line", Text: true},
	"PLAYBOOK":    {Name: "playbook", Says: "The name of a playbook", Offered: true},
	"TARGET":      {Name: "target", Says: "A host, a service or another target", Offered: true},
	"NAME":        {Name: "playbook", Says: "The name of a playbook", Offered: true},
	"NAME=VALUE":  {Name: "parameters", Says: "NAME=VALUE, with a space between them", Text: true},
	"PERSON":      {Name: "person", Says: "Somebody in this server", Person: true},
	"TIME":        {Name: "time", Says: "For how long, like 30m or 2h"},
	"SEVERITY":    {Name: "severity", Says: "How bad it is", Values: []string{"info", "low", "medium", "high", "critical"}},
	"FINGERPRINT": {Name: "fingerprints", Says: "Fingerprints of alerts, with a space between them", Text: true},
	"COMMAND":     {Name: "command", Says: "The command to explain", Offered: true},
}

// UsageOf makes a Usage of a line of help: of what comes after the word, where []
// need not be there, | parts one from another, --flag names what follows it, and
// ... is more of the same: "[--target TARGET | --playbook NAME] [REASON]".
func UsageOf(word, args, says string) Usage {
	u := Usage{Word: word, Says: says}
	for _, t := range terms.FindAllString(args, -1) {
		inner, optional := strings.CutPrefix(t, "[")
		alternatives := strings.Split(strings.TrimSuffix(inner, "]"), "|")
		for i := range alternatives {
			alternatives[i] = strings.TrimSpace(alternatives[i])
		}
		switch {
		case len(alternatives) == 1 || strings.HasPrefix(alternatives[0], "-"):
			for _, a := range alternatives {
				if o, ok := optionOf(a); ok {
					o.Required = !optional && len(alternatives) == 1
					u.Options = append(u.Options, o)
				}
			}
		case strings.ToLower(t) == t:
			u.Options = append(u.Options, Option{Name: "value", Says: "One of these", Values: alternatives, Required: !optional})
		default:
			u.Options = append(u.Options, either(alternatives, !optional))
		}
	}
	return u
}

// terms parts a line of help: what is in brackets, and words with what | joins to
// them.
var terms = regexp.MustCompile(`\[[^\]]*\]|[^\s\[\]|]+(?:\s*\|\s*[^\s\[\]|]+)*`)

func optionOf(s string) (Option, bool) {
	flag := ""
	words := strings.Fields(s)
	if len(words) > 1 && strings.HasPrefix(words[0], "--") {
		flag, words = words[0], words[1:]
	}
	if len(words) == 0 || words[0] == "..." {
		return Option{}, false
	}
	o, ok := known[words[0]]
	if !ok {
		o = Option{Name: strings.ToLower(words[0]), Says: words[0]}
	}
	o.Flag = flag
	return o, true
}

func either(alternatives []string, required bool) Option {
	var names, says []string
	for _, a := range alternatives {
		o, _ := optionOf(a)
		names, says = append(names, o.Name), append(says, o.Says)
	}
	return Option{Name: strings.Join(names, "-or-"), Says: strings.Join(says, "; or "), Required: required, Offered: true}
}

func (c *Client) usage(word string) (Usage, bool) {
	i := slices.IndexFunc(c.usages, func(u Usage) bool { return u.Word == word })
	if i < 0 {
		return Usage{}, false
	}
	return c.usages[i], true
}

// text is what was given, as one line that somebody could have typed.
func (u Usage) text(options []given) string {
	words := []string{u.Word}
	for _, o := range u.Options {
		for _, g := range options {
			if g.Name != o.Name {
				continue
			}
			v := g.text()
			switch {
			case v == "":
			case o.Person:
				words = append(words, "@"+v)
			case o.Text && o.Flag == "":
				words = append(words, v)
			default:
				words = append(words, strings.TrimSpace(o.Flag+" "+quoted(v)))
			}
		}
	}
	return strings.Join(words, " ")
}

// text is a value as somebody would type it.
func (g given) text() string {
	var s string
	if json.Unmarshal(g.Value, &s) == nil {
		return strings.TrimSpace(clean(near(s, maxSaid), true))
	}
	var n float64
	if json.Unmarshal(g.Value, &n) == nil {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return ""
}

// quoted keeps a value one word.
func quoted(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n\"'\\") && !strings.HasPrefix(s, "-") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// checkUsages refuses what Discord would not take as commands.
func checkUsages(all []Usage) error {
	perGroup := map[string]int{}
	seen := map[string]bool{}
	for _, u := range all {
		if !optionName.MatchString(u.Word) || u.Group != "" && !optionName.MatchString(u.Group) || seen[u.Word] {
			return fmt.Errorf("discord: %q cannot be a subcommand, or is there twice", u.Word)
		}
		seen[u.Word] = true
		perGroup[u.Group]++
		names := map[string]bool{}
		for _, o := range u.Options {
			if !optionName.MatchString(o.Name) || names[o.Name] || len(o.Values) > maxOptions {
				return fmt.Errorf("discord: the option %q of %s cannot be one, or is there twice", o.Name, u.Word)
			}
			names[o.Name] = true
		}
		if len(u.Options) > maxOptions {
			return fmt.Errorf("discord: %s has more than %d options", u.Word, maxOptions)
		}
	}
	groups := max(len(perGroup)-1, 0)
	if perGroup[""] == 0 {
		groups = len(perGroup)
	}
	for name, n := range perGroup {
		if name == "" {
			n += groups
		}
		if n > maxOptions {
			return fmt.Errorf("discord: there are %d subcommands in one place, and Discord takes %d: put some into a Group", n, maxOptions)
		}
	}
	return nil
}
