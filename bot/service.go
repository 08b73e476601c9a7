package bot

import "time"

// Service is an entry of a service catalogue: who owns what breaks.
type Service struct {
	Name    string            `json:"name"`
	Title   string            `json:"title,omitempty"`
	Owner   string            `json:"owner,omitempty"` // a group, without its kind and namespace
	System  string            `json:"system,omitempty"`
	Tier    string            `json:"tier,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"` // annotations and labels of the entry
	Runbook string            `json:"runbook,omitempty"`
	Needs   []string          `json:"needs,omitempty"` // Names of the services that it depends on
}

// Contact is somebody who can be woken: what the on-call sources know of them.
type Contact struct {
	Name  string    `json:"name"`
	Email string    `json:"email,omitempty"`
	Slack string    `json:"slack,omitempty"` // a user id, where the source knows it
	Until time.Time `json:"until,omitzero"`
}

// Series is a measured quantity over time, as people see it in a plot.
type Series struct {
	Name   string
	Unit   string // "%", "s", "" where it is not known
	Points []Point
}

// Point is one measured value.
type Point struct {
	At    time.Time
	Value float64
}
