package bot

import "time"

// Condition is something that is wrong with Salve itself, as people see it.
type Condition struct {
	Name     string            `json:"name"`              // what is wrong, in one word that never changes: database-write
	Subject  string            `json:"subject,omitempty"` // which one, where there can be several: a leg, a run, a source
	Unready  bool              `json:"unready"`           // nothing should be sent here until it is over
	Severity Severity          `json:"severity"`
	Says     string            `json:"says"`             // one sentence; nothing internal, nothing that changes while it lasts
	Do       string            `json:"do"`               // what a person does about it
	Detail   string            `json:"detail,omitempty"` // the cause in the machine's words; for those who may read only
	About    map[string]string `json:"about,omitempty"`  // what it concerns, as labels: run, incident, playbook
	Since    time.Time         `json:"since,omitzero"`
}

// Key tells Conditions apart: the name, and the subject where there is one.
func (c Condition) Key() string {
	if c.Subject == "" {
		return c.Name
	}
	return c.Name + "/" + c.Subject
}
