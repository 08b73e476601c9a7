package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// The kinds of alert, by what is to be done about them.
const (
	keyed  = "keyed"  // by itself; the far end honours a key, so that it may be repeated
	unsafe = "unsafe" // by itself; may not be repeated
	asked  = "asked"  // after an approval; may not be repeated
	none   = "none"   // nothing
)

// cycle is the order in which senders take the kinds.
var cycle = []string{keyed, unsafe, none, keyed, unsafe, asked}

const config = `sources:
  - {name: torture, type: alertmanager, anonymous: true, group_by: [fingerprint]}
playbooks: {dirs: [%s], library: false}
egress: {allow: [%q]}
log: {level: warn, format: text}
`

// Playbooks that differ in few words: whether the far end honours a key, and
// whether somebody is asked first.
const playbook = `name: torture-%[1]s
owner: torture
match: alert.labels["kind"] == "%[1]s"
target: alert.labels["uid"]
%[4]s
approvers: [torture]
steps:
  - id: call
    uses: http
    repeat: %[2]s
    with:
      url: %[3]s/%[1]s
      text: ${{ alert.labels["uid"] }}
`

const (
	byItself = "mode: auto\nauto_below: high"
	whenSaid = "mode: propose\nexpires_in: 24h"
)

// writePlaybooks writes them below dir and gives the configuration that uses
// them.
func writePlaybooks(dir string, far *farEnd) (string, error) {
	books := filepath.Join(dir, "playbooks")
	errs := []error{os.MkdirAll(books, 0o700)}
	for _, b := range []struct{ kind, repeat, mode string }{
		{keyed, "keyed", byItself}, {unsafe, "never", byItself}, {asked, "never", whenSaid},
	} {
		text := fmt.Appendf(nil, playbook, b.kind, b.repeat, far.url, b.mode)
		errs = append(errs, os.WriteFile(filepath.Join(books, b.kind+".yaml"), text, 0o600))
	}
	return fmt.Sprintf(config, books, far.address), errors.Join(errs...)
}
