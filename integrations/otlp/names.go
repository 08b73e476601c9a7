package otlp

// The attributes that are Salve's own and stand on more than one span. Others
// follow the semantic conventions of OpenTelemetry.
const (
	attrIncident = "salve.incident.id"
	attrSource   = "salve.source"
	attrPlaybook = "salve.playbook"
	attrTarget   = "salve.target"
	attrPlan     = "salve.plan.id"
	attrDigest   = "salve.plan.digest"
	attrRun      = "salve.run.id"
	attrRunState = "salve.run.state"
	attrCommit   = "salve.commit.seconds" // how long the write took, with waiting for others
)

// schema names the version of the semantic conventions.
const schema = "https://opentelemetry.io/schemas/1.43.0"
