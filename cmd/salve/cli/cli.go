package cli

// Commands is the command line, but for serve and demo, which need the whole
// program.
type Commands struct {
	Incidents Incidents `cmd:"" group:"Look" help:"List incidents."`
	Show      Show      `cmd:"" group:"Look" help:"Show one incident or run whole."`
	Why       Why       `cmd:"" group:"Look" help:"Why a playbook was chosen, held, or not."`
	Runs      Runs      `cmd:"" group:"Look" help:"List runs."`
	Approvals Approvals `cmd:"" group:"Look" help:"List what waits for an approval."`
	Timeline  Timeline  `cmd:"" group:"Look" help:"What happened on an incident, as Markdown."`
	Playbook  Playbook  `cmd:"" group:"Look" help:"Playbooks."`
	Status    Status    `cmd:"" group:"Look" help:"How Salve is."`
	OnCall    OnCall    `cmd:"" group:"Look" name:"oncall" help:"Who is on call now, and which source says so."`
	Whoami    Whoami    `cmd:"" group:"Look" help:"Who Salve takes you for, and what you may do."`

	Approve Approve     `cmd:"" group:"Decide" help:"Approve a plan, by its digest."`
	Deny    Deny        `cmd:"" group:"Decide" help:"Deny a plan."`
	Run     RunPlaybook `cmd:"" group:"Decide" help:"Ask for a playbook to be run for an incident."`
	Undo    Undo        `cmd:"" group:"Decide" help:"Ask for a finished run to be undone."`
	Cancel  Cancel      `cmd:"" group:"Decide" help:"Stop a run before its next step."`
	Settle  Settle      `cmd:"" group:"Decide" help:"Say what became of a run that waits for a person."`

	Halt   Halt   `cmd:"" group:"Stop" help:"Stop everything, a playbook, or a target. Anybody may."`
	Resume Resume `cmd:"" group:"Stop" help:"Lift a halt."`
	Halts  Halts  `cmd:"" group:"Stop" help:"List what is halted."`

	Take     Take     `cmd:"" group:"Handle an incident" help:"Make it mine: automation on it and its targets pauses."`
	Release  Release  `cmd:"" group:"Handle an incident" help:"Give it back to automation."`
	Assign   Assign   `cmd:"" group:"Handle an incident" help:"Make somebody else the owner."`
	Handover Handover `cmd:"" group:"Handle an incident" help:"Give it to somebody else with a message."`
	Note     Note     `cmd:"" group:"Handle an incident" help:"Write on the card."`
	Snooze   Snooze   `cmd:"" group:"Handle an incident" help:"Pause it for a while."`
	Close    Close    `cmd:"" group:"Handle an incident" help:"End it, with a reason."`
	Reopen   Reopen   `cmd:"" group:"Handle an incident" help:"Open it again."`
	Merge    Merge    `cmd:"" group:"Handle an incident" help:"Put its alerts into another."`
	Split    Split    `cmd:"" group:"Handle an incident" help:"Put some of its alerts into one of their own."`
	Raise    Raise    `cmd:"" group:"Handle an incident" help:"Make an incident of what you see."`
	Claim    Claim    `cmd:"" group:"Handle an incident" help:"Hold a target for a while: automation keeps off it."`
	Unclaim  Unclaim  `cmd:"" group:"Handle an incident" help:"Give a target back."`
	Claims   Claims   `cmd:"" group:"Handle an incident" help:"List the targets that people hold."`

	Alert      Alert      `cmd:"" group:"Operate" help:"Send a test alert."`
	Quarantine Quarantine `cmd:"" group:"Operate" help:"Payloads that could not be understood."`
	Replay     Replay     `cmd:"" group:"Operate" help:"Take a quarantined payload in again."`
	Discard    Discard    `cmd:"" group:"Operate" help:"Drop a quarantined payload."`
	User       User       `cmd:"" group:"Operate" help:"People, their tokens and login links."`
	Audit      Audit      `cmd:"" group:"Operate" help:"The audit log."`
	Storage    Storage    `cmd:"" group:"Operate" help:"The database."`
	Config     Config     `cmd:"" group:"Operate" help:"The configuration file."`
	Page       Page       `cmd:"" group:"Operate" help:"Who is woken by other means than chat."`
	Doctor     Doctor     `cmd:"" group:"Operate" help:"Look at everything outside that Salve rests on, and say how to mend it."`
	Slack      Slack      `cmd:"" group:"Operate" help:"The app in Slack."`
	Discord    Discord    `cmd:"" group:"Operate" help:"The app in Discord."`
	Backup     Backup     `cmd:"" group:"Operate" help:"Copy the database, also while Salve runs, and prove the copy."`
	Restore    Restore    `cmd:"" group:"Operate" help:"Put a backup into the place of the database; Salve must be down."`
	Migrate    Migrate    `cmd:"" group:"Operate" help:"Bring the database up to date with this build, without serving."`
}
