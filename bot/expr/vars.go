package expr

import (
	"encoding/json"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"salve/bot"
)

// Vars are the values of an environment's variables. Make them once for many
// evaluations.
type Vars struct{ a activation }

func (v Vars) activation() cel.Activation {
	if v.a == nil {
		return alertVars{}
	}
	return v.a
}

type activation interface{ cel.Activation }

// alertVars resolves names without reflection: matching evaluates many
// expressions over one alert.
type alertVars struct {
	alert                          bot.Alert
	inc                            bot.Incident
	labels, annotations, incLabels ref.Val
	params                         ref.Val
}

// AlertVars are the variables of AlertEnv.
func AlertVars(alert bot.Alert, inc bot.Incident, params map[string]string) Vars {
	return Vars{a: alertVars{
		alert: alert, inc: inc,
		labels: textMap(alert.Labels), annotations: textMap(alert.Annotations),
		incLabels: textMap(inc.Labels), params: textMap(params),
	}}
}

func textMap(m map[string]string) ref.Val {
	return types.NewStringStringMap(types.DefaultTypeAdapter, m)
}

// Parent is nil: there is nothing around.
func (alertVars) Parent() cel.Activation { return nil }

// ResolveName gives a variable by its whole dotted name.
func (v alertVars) ResolveName(name string) (any, bool) {
	switch name {
	case "alert.labels":
		return v.labels, v.labels != nil
	case "alert.annotations":
		return v.annotations, v.annotations != nil
	case "alert.title":
		return types.String(v.alert.Title), true
	case "alert.severity":
		return types.String(v.alert.Severity.String()), true
	case "alert.source":
		return types.String(v.alert.Source), true
	case "alert.state":
		return types.String(v.alert.State), true
	case "alert.fingerprint":
		return types.String(v.alert.Fingerprint), true
	case "alert.starts_at":
		return types.Timestamp{Time: v.alert.StartsAt}, true
	case "params":
		return v.params, v.params != nil
	default:
		return v.ofIncident(name)
	}
}

func (v alertVars) ofIncident(name string) (any, bool) {
	switch name {
	case "incident.id":
		return types.String(v.inc.ID.String()), true
	case "incident.title":
		return types.String(v.inc.Title), true
	case "incident.severity":
		return types.String(v.inc.Severity.String()), true
	case "incident.labels":
		return v.incLabels, v.incLabels != nil
	case "incident.firing":
		return types.Int(v.inc.Firing), true
	case "incident.total":
		return types.Int(v.inc.Total), true
	default:
		return nil, false
	}
}

// probeVars resolves the result of a probe; the body is decoded when json is
// asked for.
type probeVars struct{ p bot.Probe }

// ProbeVars are the variables of ProbeEnv. json is null when the body is not
// JSON.
func ProbeVars(p bot.Probe) Vars { return Vars{a: probeVars{p: p}} }

// Parent is nil: there is nothing around.
func (probeVars) Parent() cel.Activation { return nil }

// ResolveName gives a variable.
func (v probeVars) ResolveName(name string) (any, bool) {
	switch name {
	case "status":
		return types.Int(v.p.Status), true
	case "body":
		return types.String(v.p.Body), true
	case "fields":
		return textMap(v.p.Fields), true
	case "took":
		return types.Duration{Duration: time.Duration(v.p.Took)}, true
	case "json":
		var doc any
		if json.Unmarshal([]byte(v.p.Body), &doc) != nil {
			return types.NullValue, true
		}
		return types.DefaultTypeAdapter.NativeToValue(doc), true
	default:
		return nil, false
	}
}
