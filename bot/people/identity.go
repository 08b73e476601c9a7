package people

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

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
	"unix":    {isUID, "it is the number that `id -u` prints", "uid", "1000"},
	"slack":   {slackPattern.MatchString, "it is the workspace or organisation and the member, as `/salve whoami` prints them", "slack", "T0123/U0456"},
	"discord": {discordPattern.MatchString, "it is the server and the member, two long numbers, as `/salve whoami` prints them", "discord", "100000000000000002/100000000000000009"},
	"oidc":    {isSubject, "it is the issuer and the subject, as the console prints them to whoever signs in and is not linked", "oidc", "https://login.example.com#248289761001"},
	"email":   {isAddress, "it is one address in lower case and ASCII", "email", "alice@example.com"},
}

// maxIdentity is the most bytes of an id on a surface.
const maxIdentity = 512

// A workspace begins with T, an organisation with E; members with U or W.
var slackPattern = regexp.MustCompile(`^[TE][A-Z0-9]{1,20}/[UW][A-Z0-9]{1,20}$`)

// A server and a user are numbers (snowflakes).
var discordPattern = regexp.MustCompile(`^[0-9]{15,20}/[0-9]{15,20}$`)

func isUID(s string) bool {
	n, err := strconv.ParseUint(s, 10, 32)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// isSubject reports whether s is an issuer of OpenID Connect, which is an address
// without a fragment, and the subject there, which is any text.
func isSubject(s string) bool {
	issuer, subject, found := strings.Cut(s, "#")
	u, err := url.Parse(issuer)
	return found && subject != "" && err == nil && u.Host != "" && u.User == nil && u.RawQuery == "" && (u.Scheme == "https" || u.Scheme == "http")
}

// Beyond ASCII different characters are equal in lower case: there an address
// could be that of somebody else.
var addressPattern = regexp.MustCompile(`^[a-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)*$`)

func isAddress(s string) bool { return len(s) <= 254 && addressPattern.MatchString(s) }

// possible reports whether a person can have the identity.
func possible(id bot.Identity) bool {
	if !groupPattern.MatchString(id.Surface) || id.ID == "" || len(id.ID) > maxIdentity || !plain(id.ID) {
		return false
	}
	s, known := shapes[id.Surface]
	return !known || s.fits(id.ID)
}

// flag is how the command line names an identity, with a space before it; "" for
// a surface that it has no flag for.
func flag(id bot.Identity) string {
	s, ok := shapes[id.Surface]
	if !ok {
		return ""
	}
	return " --" + s.flag + " " + word(id.ID)
}

var bare = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// word is s as one word of a shell.
func word(s string) string {
	if bare.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
