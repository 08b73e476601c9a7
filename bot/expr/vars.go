package expr

import (
	"encoding/json"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"salve/bot"
)

// Vars are the values of an environment's variables. Make them once for many
// evaluations. The zero Vars is an empty alert.
type Vars struct{ a cel.Activation }

func (v Vars) activation() cel.Activation {
	if v.a == nil {
		return &alertVars{}
	}
	return v.a
}

// alertVars resolves names without reflection and without copies: matching
// evaluates many expressions over one alert. Maps are handed out as they are,
// which CEL indexes directly.
type alertVars struct {
	key                                    bot.AlertKey
	title, severity, state                 string
	labels, annotations, params, incLabels map[string]string
	inc                                    bot.IncidentID
	incTitle                               string
	incSeverity                            bot.Severity
	firing, total                          int
}

// AlertVars are the variables of AlertEnv. The maps are read, never written, and
// must not change while the Vars are in use.
func AlertVars(alert bot.Alert, inc bot.Incident, params map[string]string) Vars {
	return Vars{a: new(aboutOf(alert, inc, params))}
}

func aboutOf(alert bot.Alert, inc bot.Incident, params map[string]string) alertVars {
	return alertVars{
		key: alert.AlertKey, title: alert.Title, severity: alert.Severity.String(), state: string(alert.State),
		labels: alert.Labels, annotations: alert.Annotations, params: params, incLabels: inc.Labels,
		inc: inc.ID, incTitle: inc.Title, incSeverity: inc.Severity, firing: inc.Firing, total: inc.Total,
	}
}

// Parent is nil: there is nothing around.
func (*alertVars) Parent() cel.Activation { return nil }

// ResolveName gives a variable by its whole dotted name.
func (v *alertVars) ResolveName(name string) (any, bool) {
	switch name {
	case "alert.labels":
		return v.labels, true
	case "alert.annotations":
		return v.annotations, true
	case "alert.title":
		return types.String(v.title), true
	case "alert.severity":
		return types.String(v.severity), true
	case "alert.source":
		return types.String(v.key.Source), true
	case "alert.state":
		return types.String(v.state), true
	case "alert.fingerprint":
		return types.String(v.key.Fingerprint), true
	case "alert.starts_at":
		return types.Timestamp{Time: v.key.StartsAt}, true
	case "params":
		return v.params, true
	default:
		return v.ofIncident(name)
	}
}

func (v *alertVars) ofIncident(name string) (any, bool) {
	switch name {
	case "incident.id":
		return types.String(v.inc.String()), true
	case "incident.title":
		return types.String(v.incTitle), true
	case "incident.severity":
		return types.String(v.incSeverity.String()), true
	case "incident.labels":
		return v.incLabels, true
	case "incident.firing":
		return types.Int(v.firing), true
	case "incident.total":
		return types.Int(v.total), true
	default:
		return nil, false
	}
}

// routeVars are those of an alert and of the service that it is about.
type routeVars struct {
	alertVars
	service bot.Service
}

// RouteVars are the variables of RouteEnv. The zero Service is one that nobody
// knows. The maps are read, never written, and must not change meanwhile.
func RouteVars(alert bot.Alert, inc bot.Incident, service bot.Service) Vars {
	return Vars{a: &routeVars{alertVars: aboutOf(alert, inc, nil), service: service}}
}

// ResolveName gives a variable by its whole dotted name.
func (v *routeVars) ResolveName(name string) (any, bool) {
	switch name {
	case "service.name":
		return types.String(v.service.Name), true
	case "service.title":
		return types.String(v.service.Title), true
	case "service.owner":
		return types.String(v.service.Owner), true
	case "service.system":
		return types.String(v.service.System), true
	case "service.tier":
		return types.String(v.service.Tier), true
	case "service.labels":
		return v.service.Labels, true
	case "params":
		return nil, false
	default:
		return v.alertVars.ResolveName(name)
	}
}

// probeVars resolves the result of a probe. The body is decoded when json is
// first asked for, and once: an expression may ask in a loop.
type probeVars struct {
	p    bot.Probe
	json func() ref.Val
}

// ProbeVars are the variables of ProbeEnv. json is null when the body is not
// JSON.
func ProbeVars(p bot.Probe) Vars {
	return Vars{a: &probeVars{p: p, json: sync.OnceValue(func() ref.Val {
		var doc any
		if json.Unmarshal([]byte(p.Body), &doc) != nil {
			return types.NullValue
		}
		return types.DefaultTypeAdapter.NativeToValue(doc)
	})}}
}

// Parent is nil: there is nothing around.
func (*probeVars) Parent() cel.Activation { return nil }

// ResolveName gives a variable.
func (v *probeVars) ResolveName(name string) (any, bool) {
	switch name {
	case "status":
		return types.Int(v.p.Status), true
	case "body":
		return types.String(v.p.Body), true
	case "fields":
		return v.p.Fields, true
	case "took":
		return types.Duration{Duration: time.Duration(v.p.Took)}, true
	case "json":
		return v.json(), true
	default:
		return nil, false
	}
}
