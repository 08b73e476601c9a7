package route

import (
	"strings"

	"salve/bot"
)

// Service is the service of the catalogue that an incident is about: the labels
// that all its alerts share name it, else those of the first alert that do. It
// reports false when none does.
func (r *Rules) Service(inc bot.Incident, alerts []bot.Alert) (bot.Service, bool) {
	f := r.finder()
	if s := f.find(inc.Labels); s.Name != "" {
		return s, true
	}
	for _, a := range alerts[:min(len(alerts), MaxAlerts)] {
		if s := f.find(a.Labels); s.Name != "" {
			return s, true
		}
	}
	return bot.Service{}, false
}

// finder looks for services, each name once.
type finder struct {
	catalogue []bot.Service
	labels    []string
	known     map[string]bot.Service
}

func (r *Rules) finder() finder {
	return finder{catalogue: r.services(), labels: r.labels, known: map[string]bot.Service{}}
}

// find gives the service that the labels name; the zero Service when they name
// none.
func (f finder) find(labels map[string]string) bot.Service {
	for _, label := range f.labels {
		if s := f.named(labels[label]); s.Name != "" {
			return s
		}
	}
	return bot.Service{}
}

// named finds a service whatever the case of its name, and one that is written
// namespace/name, as the label job often is, by its end.
func (f finder) named(value string) bot.Service {
	if value == "" {
		return bot.Service{}
	}
	if s, ok := f.known[value]; ok {
		return s
	}
	var found bot.Service
	bare := value[strings.LastIndexByte(value, '/')+1:]
	for _, s := range f.catalogue {
		if strings.EqualFold(s.Name, value) || strings.EqualFold(s.Name, bare) {
			found = s
			break
		}
	}
	f.known[value] = found
	return found
}
