package route_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/route"
)

func catalogue() []bot.Service {
	return []bot.Service{
		{Name: "shop", Owner: "team-shop", Tier: "1", System: "store", Labels: map[string]string{"region": "eu"}},
		{Name: "db", Owner: "dba"},
	}
}

func rules(t *testing.T, rs ...route.Rule) *route.Rules {
	t.Helper()
	r, err := route.New(rs, map[string]string{"slack": "C0"}, catalogue, route.Options{})
	require.NoError(t, err)
	return r
}

func alert(labels ...string) bot.Alert {
	a := bot.Alert{AlertKey: bot.AlertKey{Source: "prod"}, State: bot.AlertFiring, Severity: bot.SeverityHigh, Labels: map[string]string{}}
	for i := 0; i < len(labels); i += 2 {
		a.Labels[labels[i]] = labels[i+1]
	}
	return a
}

func places(routes []bot.Route) string {
	var out []string
	for _, r := range routes {
		out = append(out, r.Surface+"/"+r.Place)
	}
	return strings.Join(out, " ")
}

func TestARuleSendsAnIncidentToItsPlace(t *testing.T) {
	t.Parallel()
	r := rules(t,
		route.Rule{When: `service.owner == "team-shop" && service.tier == "1"`, Place: "C1"},
		route.Rule{When: `incident.severity == "critical"`, Place: "C2", Also: true},
		route.Rule{When: `alert.labels.env == "test"`, Place: "C3"},
		route.Rule{When: `service.labels["region"] == "us" || incident.firing > 5`, Place: "C4"},
	)
	crit := bot.Incident{Fold: bot.Fold{Severity: bot.SeverityCritical, Firing: 1}}
	tests := []struct {
		name   string
		inc    bot.Incident
		alerts []bot.Alert
		want   string
		why    string
	}{
		{"by the owner of its service", bot.Incident{}, []bot.Alert{alert("service", "shop")}, "slack/C1", `rule 1: service.owner == "team-shop"`},
		{"by a name in another case", bot.Incident{}, []bot.Alert{alert("app", "SHOP")}, "slack/C1", "rule 1"},
		{"by a job with its namespace", bot.Incident{}, []bot.Alert{alert("job", "prod/shop")}, "slack/C1", "rule 1"},
		{"the first label that names a service wins", bot.Incident{}, []bot.Alert{alert("service", "unheard", "app", "shop")}, "slack/C1", "rule 1"},
		{"first match wins", crit, []bot.Alert{alert("service", "shop")}, "slack/C1", "rule 1"},
		{"also goes on", crit, []bot.Alert{alert("env", "test")}, "slack/C2 slack/C3", "rule 2"},
		{"any alert will do", bot.Incident{}, []bot.Alert{alert("env", "live"), alert("env", "test")}, "slack/C3", "rule 3"},
		{"nothing holds", bot.Incident{}, []bot.Alert{alert("env", "live")}, "slack/C0", "no rule sends it elsewhere"},
		{"no alerts: what all of them share", bot.Incident{Fold: bot.Fold{Labels: map[string]string{"service": "shop"}}}, nil, "slack/C1", "rule 1"},
		{"no alerts and no labels", bot.Incident{}, nil, "slack/C0", "no rule"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := r.Route(tt.inc, tt.alerts)
			require.Equal(t, tt.want, places(got))
			require.Contains(t, got[0].Because, tt.why)
			require.Equal(t, got, r.Route(tt.inc, tt.alerts), "the same again")
		})
	}
}

func TestSurfacesDecideEachForItself(t *testing.T) {
	t.Parallel()
	r, err := route.New([]route.Rule{
		{When: "true", Surface: "slack", Place: "C1"},
		{When: "true", Surface: "slack", Place: "C2"},
		{When: "true", Surface: "discord", Place: "7", Also: true},
		{When: "true", Surface: "discord", Place: "7", Also: true},
	}, map[string]string{"slack": "C0", "discord": "0"}, nil, route.Options{})
	require.NoError(t, err)
	require.Equal(t, "discord/7 slack/C1", places(r.Route(bot.Incident{}, nil)), "no place twice")

	none, err := route.New(nil, nil, nil, route.Options{})
	require.NoError(t, err)
	require.Empty(t, none.Route(bot.Incident{}, nil))
}

func TestARuleThatCannotBeEvaluatedIsPassedOverAndTold(t *testing.T) {
	t.Parallel()
	costly := `[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, a + b + c + d >= 0))))`
	r := rules(t, route.Rule{When: costly, Place: "C1"}, route.Rule{When: `alert.severity == "high"`, Place: "C2"})
	got := r.Route(bot.Incident{}, []bot.Alert{alert(), alert()})
	require.Equal(t, "slack/C2", places(got))
	require.Contains(t, got[0].Because, "rule 1 was passed over")
	require.Contains(t, got[0].Because, "costs too much")

	alone := rules(t, route.Rule{When: costly, Place: "C1"})
	got = alone.Route(bot.Incident{}, nil)
	require.Equal(t, "slack/C0", places(got), "it has a place all the same")
	require.Contains(t, got[0].Because, "rule 1 was passed over")
	require.Contains(t, alone.Explain(bot.Incident{}, nil)[0].Why, "cannot be evaluated")
}

func TestEveryMistakeInARuleIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	two := map[string]string{"slack": "C0", "discord": "0"}
	tests := []struct {
		name string
		rule route.Rule
		want string
	}{
		{"a name that is not there", route.Rule{When: "true &&\n service.ownr == \"x\"", Surface: "slack", Place: "C1"}, "rule 1, when, 2:9: undeclared reference to 'service.ownr' (did you mean 'service.owner'?)"},
		{"params", route.Rule{When: `params.x == "1"`, Surface: "slack", Place: "C1"}, "rule 1, when, 1:1: undeclared reference to 'params'"},
		{"not a condition", route.Rule{When: `service.owner`, Surface: "slack", Place: "C1"}, "gives string, not bool"},
		{"a severity that is none", route.Rule{When: `incident.severity == "dire"`, Surface: "slack", Place: "C1"}, `incident.severity is never "dire"`},
		{"empty", route.Rule{Surface: "slack", Place: "C1"}, "the expression is empty"},
		{"no place", route.Rule{When: "true", Surface: "slack"}, "rule 1: it names no place"},
		{"no surface among two", route.Rule{When: "true", Place: "C1"}, "rule 1: it names no surface"},
		{"a surface without default", route.Rule{When: "true", Surface: "irc", Place: "C1"}, `the surface "irc" has no default place`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := route.New([]route.Rule{tt.rule}, two, nil, route.Options{})
			require.ErrorContains(t, err, tt.want)
		})
	}
	_, err := route.New([]route.Rule{{When: "x", Surface: "slack", Place: "C"}, {When: "y", Surface: "slack", Place: "C"}}, two, nil, route.Options{})
	require.ErrorContains(t, err, "rule 1")
	require.ErrorContains(t, err, "rule 2")
}

func TestExplainTellsWhichRuleSentItAndWhyNotTheOthers(t *testing.T) {
	t.Parallel()
	r := rules(t,
		route.Rule{When: `service.owner == "dba"`, Place: "C1"},
		route.Rule{When: `alert.labels.team == "web" && incident.firing > 1`, Place: "C2"},
		route.Rule{When: `alert.severity == "high"`, Place: "C3"},
		route.Rule{When: "true", Place: "C4"},
	)
	got := r.Explain(bot.Incident{}, []bot.Alert{alert()})
	require.Len(t, got, 4)
	require.Equal(t, `this does not hold: service.owner == "dba"; no label names a service of the catalogue`, got[0].Why)
	require.Equal(t, `there is no "team", which is read in: alert.labels.team == "web"; this does not hold: incident.firing > 1`, got[1].Why)
	require.True(t, got[2].Sent)
	require.Equal(t, "it holds", got[2].Why)
	require.False(t, got[3].Sent)
	require.Equal(t, "an earlier rule had decided", got[3].Why)

	none := rules(t, route.Rule{When: "false", Place: "C1"}).Explain(bot.Incident{}, nil)
	require.Equal(t, route.Tried{Surface: "slack", Place: "C0", Sent: true, Why: "no rule of slack holds; this is its default"}, none[1])
}

func TestAnIncidentOfManyAlertsIsBounded(t *testing.T) {
	t.Parallel()
	r := rules(t, route.Rule{When: `alert.labels.n == "99"`, Place: "C1"}, route.Rule{When: `alert.labels.n == "100"`, Place: "C2"})
	var alerts []bot.Alert
	for i := range 1000 {
		alerts = append(alerts, alert("n", fmt.Sprint(i)))
	}
	require.Equal(t, "slack/C1", places(r.Route(bot.Incident{}, alerts)))
	require.Equal(t, "slack/C0", places(r.Route(bot.Incident{}, alerts[101:])))
	require.Equal(t, "slack/C0", places(rules(t, route.Rule{When: `alert.labels.n == "100"`, Place: "C2"}).Route(bot.Incident{}, alerts)), "the hundred and first is not looked at")
}

func TestTheServiceOfAnIncident(t *testing.T) {
	t.Parallel()
	r := rules(t)
	s, ok := r.Service(bot.Incident{Fold: bot.Fold{Labels: map[string]string{"job": "x/db"}}}, nil)
	require.True(t, ok)
	require.Equal(t, "dba", s.Owner)
	s, ok = r.Service(bot.Incident{}, []bot.Alert{alert(), alert("app", "shop")})
	require.True(t, ok)
	require.Equal(t, "shop", s.Name)
	_, ok = r.Service(bot.Incident{}, []bot.Alert{alert("app", "")})
	require.False(t, ok)

	own, err := route.New(nil, nil, catalogue, route.Options{Labels: []string{"component"}})
	require.NoError(t, err)
	_, ok = own.Service(bot.Incident{}, []bot.Alert{alert("app", "shop")})
	require.False(t, ok, "only the labels that were asked for")
	_, ok = own.Service(bot.Incident{}, []bot.Alert{alert("component", "shop")})
	require.True(t, ok)
}
