package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/report"
)

var week = report.Span{From: day, To: day.Add(7 * 24 * time.Hour)}

// lasted is an Incident of an alert that began so many hours into the week, and
// went away after some minutes; zero: it still fires.
func lasted(id bot.IncidentID, name string, hour, minutes int) bot.Incident {
	inc := bot.Incident{ID: id, Fold: bot.Fold{Source: "am", Title: name + " on db", Labels: map[string]string{"alertname": name}, Total: 2,
		FirstAt: day.Add(time.Duration(hour) * time.Hour)}}
	if inc.Firing = 1; minutes > 0 {
		inc.Firing, inc.ResolvedAt = 0, inc.FirstAt.Add(time.Duration(minutes)*time.Minute)
	}
	return inc
}

// ended is a Run of an Incident that ended so many minutes after it began.
func ended(id bot.RunID, inc bot.Incident, minutes int, state bot.RunState) bot.Run {
	return bot.Run{ID: id, Incident: inc.ID, Kind: bot.PlanRespond, State: state, EndedAt: inc.FirstAt.Add(time.Duration(minutes) * time.Minute),
		Steps: []bot.Step{{ID: "a", State: bot.StepSucceeded, Attempt: 1}}}
}

func TestAWeekCountsEachThingOnceAndOnlyItsOwn(t *testing.T) {
	t.Parallel()
	at := func(hour int, kind bot.EventKind, a bot.ApprovalID) bot.Event {
		return bot.Event{At: day.Add(time.Duration(hour) * time.Hour), Kind: kind, Approval: a}
	}
	first, second, before := lasted(1, "Disk", 1, 0), lasted(2, "Disk", 2, 30), lasted(3, "Disk", -5, 10)
	merged := lasted(4, "Disk", 3, 10)
	merged.MergedInto = 1
	agreed := ended(2, second, 5, bot.RunFixed)
	agreed.Approval = 7
	failed := ended(3, first, 5, bot.RunFailed)
	failed.Steps = append(failed.Steps, bot.Step{ID: "a", Undo: true, State: bot.StepSucceeded})
	undo := ended(4, second, 50, bot.RunUnverified)
	undo.Kind = bot.PlanUndo
	running := ended(5, first, 9, bot.RunRunning)
	w := report.Week(week,
		[]bot.Event{at(1, bot.EventApproved, 7), at(1, bot.EventApproved, 7), at(2, bot.EventDenied, 8), at(3, bot.EventExpired, 9), at(-1, bot.EventDenied, 6), at(4, bot.EventVoted, 8)},
		[]bot.Incident{first, second, before, merged},
		[]bot.Run{ended(1, first, 5, bot.RunFixed), agreed, failed, undo, running, ended(6, before, 1, bot.RunFixed), ended(7, first, 7, bot.RunUnverified), ended(8, first, 7, bot.RunNotFixed)},
	)
	require.Equal(t, bot.Week{
		From: week.From, To: week.To, Incidents: 2, Alone: 1, Agreed: 1, Approved: 1, Denied: 1, Expired: 1, Undone: 2, Failed: 2, Unclear: 1,
		Noisiest: []bot.Noise{{Alert: "Disk", Source: "am", Alerts: 4, Incidents: 2, Last: 2}},
	}, w)
}

func TestTimeIsSavedAgainstTheSameAlertWithoutARun(t *testing.T) {
	t.Parallel()
	past := []bot.Incident{lasted(1, "Disk", -30, 60), lasted(2, "Disk", -20, 90), lasted(3, "Disk", -10, 40)}
	for _, tc := range []struct {
		name      string
		incidents []bot.Incident
		runs      []bot.Run
		want      *bot.Saved
	}{
		{"nothing was fixed", past, nil, nil},
		{"too few recoveries to compare with", append(past[:2:2], lasted(9, "Disk", 5, 10)), []bot.Run{ended(1, lasted(9, "Disk", 5, 10), 8, bot.RunFixed)}, nil},
		{"recoveries of another alert do not count", append(past[:3:3], lasted(9, "Queue", 5, 10)), []bot.Run{ended(1, lasted(9, "Queue", 5, 10), 8, bot.RunFixed)}, nil},
		{"the median less what it took, to the end of the alert", append(past[:3:3], lasted(9, "Disk", 5, 10)), []bot.Run{ended(1, lasted(9, "Disk", 5, 10), 8, bot.RunFixed)},
			&bot.Saved{Time: bot.Duration(50 * time.Minute), Runs: 1, Untreated: 3}},
		{"what took longer counts too", append(past[:3:3], lasted(9, "Disk", 5, 10), lasted(10, "Disk", 6, 100)),
			[]bot.Run{ended(1, lasted(9, "Disk", 5, 10), 8, bot.RunFixed), ended(2, lasted(10, "Disk", 6, 100), 8, bot.RunFixed)},
			&bot.Saved{Time: bot.Duration(10 * time.Minute), Runs: 2, Untreated: 3}},
		{"it never says less than nothing", append(past[:3:3], lasted(10, "Disk", 6, 300)), []bot.Run{ended(2, lasted(10, "Disk", 6, 300), 8, bot.RunFixed)},
			&bot.Saved{Runs: 1, Untreated: 3}},
		{"two runs that fixed one incident are one", append(past[:3:3], lasted(9, "Disk", 5, 10)),
			[]bot.Run{ended(1, lasted(9, "Disk", 5, 10), 8, bot.RunFixed), ended(2, lasted(9, "Disk", 5, 10), 9, bot.RunFixed)},
			&bot.Saved{Time: bot.Duration(50 * time.Minute), Runs: 1, Untreated: 3}},
		{"a run before the week does not count", append(past[:3:3], lasted(9, "Disk", -3, 10)), []bot.Run{ended(1, lasted(9, "Disk", -3, 10), 8, bot.RunFixed)}, nil},
		{"what a run touched in vain is no recovery without one", append(past[:2:2], lasted(3, "Disk", -10, 40), lasted(9, "Disk", 5, 10)),
			[]bot.Run{ended(1, lasted(9, "Disk", 5, 10), 8, bot.RunFixed), ended(2, lasted(3, "Disk", -10, 40), 8, bot.RunFailed)}, nil},
	} {
		require.Equal(t, tc.want, report.Week(week, nil, tc.incidents, tc.runs).Saved, tc.name)
	}
}

func TestTheNoisiestAlertsAreThree(t *testing.T) {
	t.Parallel()
	var incidents []bot.Incident
	for i, name := range []string{"A", "B", "C", "D", "D", "B", "D"} {
		incidents = append(incidents, lasted(bot.IncidentID(i+1), name, i, 5))
	}
	unnamed := lasted(9, "", 1, 5)
	unnamed.Title, unnamed.Labels, unnamed.Total = "no name", nil, 50
	w := report.Week(week, nil, append(incidents, unnamed), nil)
	require.Equal(t, []bot.Noise{
		{Alert: "no name", Source: "am", Alerts: 50, Incidents: 1, Last: 9}, {Alert: "D", Source: "am", Alerts: 6, Incidents: 3, Last: 7}, {Alert: "B", Source: "am", Alerts: 4, Incidents: 2, Last: 6},
	}, w.Noisiest)
	require.Equal(t, 8, w.Resolved)
}
