package bot

import (
	"slices"
	"time"
)

// PersonID identifies a person for ever; it is never reused and never a display
// name. A person on several surfaces (console, CLI, chat) has one PersonID.
type PersonID string

// Role is what a person may do, apart from approving, which goes by group.
type Role string

// The roles. A responder may take, note, run, deny and halt; a viewer reads; an
// admin manages people and settings and is exempt from no other rule. Anyone,
// known or not, may halt.
const (
	RoleViewer    Role = "viewer"
	RoleResponder Role = "responder"
	RoleAdmin     Role = "admin"
)

// Identity is one way in which a surface knows a person: surface "unix" with a
// uid, "console" with nothing more than a session, later "slack" and "discord".
type Identity struct {
	Surface string `json:"surface"`
	ID      string `json:"id"`
}

// Person is somebody who may read, decide, or act.
type Person struct {
	ID         PersonID   `json:"id"`
	Version    int64      `json:"version"`
	Name       string     `json:"name"`
	Roles      []Role     `json:"roles"`
	Groups     []string   `json:"groups,omitempty"` // approver groups, and the group that may resume
	Identities []Identity `json:"identities,omitempty"`
	Disabled   bool       `json:"disabled,omitempty"`
	CreatedAt  time.Time  `json:"created_at"`
}

// Has reports whether the person holds the role, or one that includes it: a
// responder is a viewer too. Admin includes viewer only.
func (p Person) Has(r Role) bool {
	if p.Disabled || p.ID == "" {
		return false
	}
	if slices.Contains(p.Roles, r) {
		return true
	}
	return r == RoleViewer && len(p.Roles) > 0
}

// In reports whether the person belongs to one of the groups.
func (p Person) In(groups []string) bool {
	if p.Disabled || p.ID == "" {
		return false
	}
	return slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(p.Groups, g) })
}

// TokenKind says what a Token opens.
type TokenKind string

// The kinds of Token.
const (
	TokenAPI     TokenKind = "api"     // a person's own, for the CLI over HTTPS
	TokenLogin   TokenKind = "login"   // a link that makes one session, once
	TokenSession TokenKind = "session" // a browser
)

// Token is a secret that stands for a person until it expires or is revoked.
// Only its SHA-256 is kept.
type Token struct {
	Hash      string    `json:"hash"` // hex SHA-256 of the secret
	Version   int64     `json:"version"`
	Kind      TokenKind `json:"kind"`
	Person    PersonID  `json:"person"`
	Label     string    `json:"label,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	SeenAt    time.Time `json:"seen_at,omitzero"`    // of a session: when it was last known to be in use, to a minute
	RevokedAt time.Time `json:"revoked_at,omitzero"` // also set when a login link was used
}

// Valid reports whether the token opens anything at that time.
func (t Token) Valid(now time.Time) bool {
	return t.Person != "" && t.RevokedAt.IsZero() && now.Before(t.ExpiresAt)
}

// Actor is who did a thing, as it is written into Events.
type Actor struct {
	Person  PersonID `json:"person,omitempty"`  // empty for a service or an unknown caller
	Name    string   `json:"name"`              // "alice", "salve", "alertmanager/prod", "uid 1000 (unknown)"
	Surface string   `json:"surface,omitempty"` // console, cli, webhook, salve
}

// Salve is the Actor for what the bot does by itself.
var Salve = Actor{Name: "salve", Surface: "salve"}
