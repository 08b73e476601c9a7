// Package bot holds the nouns of Salve, one a file, each with its own pure
// behaviour: Alert, Incident, Evidence, Playbook, Plan, Verdict, Approval, Run,
// Event, Person, Command, Card, and the Change in which all of them are written.
//
// It promises to be pure and to import the standard library only: no clock, no
// I/O, no logging. Times are instants in UTC and are passed in. Every noun
// survives a round trip through encoding/json.
//
// It assumes that whoever fills a noun from outside has checked its size and
// its text. On failure a function returns one of the sentinels in errors.go or
// an error that says what to write instead.
package bot
