package people

import (
	"regexp"
	"strconv"

	"salve/bot"
)

// shape is what ids look like on a surface.
type shape struct {
	fits    func(string) bool
	is      string // in words
	flag    string // of salve user add and edit
	example string
}

// shapes are the surfaces whose ids are known. On another one any id can be.
var shapes = map[string]shape{
	"unix":  {isUID, "it is the number that `id -u` prints", "uid", "1000"},
	"slack": {slackPattern.MatchString, "it is the workspace or organisation and the member, as `/salve whoami` prints them", "slack", "T0123/U0456"},
}

// A workspace begins with T, an organisation with E; members with U or W.
var slackPattern = regexp.MustCompile(`^[TE][A-Z0-9]{1,20}/[UW][A-Z0-9]{1,20}$`)

func isUID(s string) bool {
	n, err := strconv.ParseUint(s, 10, 32)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// flag is how the command line names an identity, with a space before it; "" for
// a surface that it has no flag for.
func flag(id bot.Identity) string {
	s, ok := shapes[id.Surface]
	if !ok {
		return ""
	}
	return " --" + s.flag + " " + id.ID
}
