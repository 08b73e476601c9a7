package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// alert is one alert of Alertmanager's webhook format, about as large as real
// ones are. n makes it unique; match is the value of the label bench.
func alert(run string, n int, match string, at time.Time) map[string]any {
	return map[string]any{
		"status": "firing",
		"labels": map[string]string{
			"alertname": "HighErrorRate", "cluster": "bench-1", "namespace": "shop", "service": fmt.Sprintf("svc%05d", n%5000),
			"uid": fmt.Sprintf("%s-%08d", run, n), "severity": "low", "team": "payments", "job": "pods",
			"instance": "10.42.17.31:8080", "pod": "checkout-7c9f6d5b8-x2x4q", "bench": match,
		},
		"annotations": map[string]string{
			"summary":     fmt.Sprintf("Error rate of svc%05d is above 5%% for 10 minutes", n%5000),
			"description": "The ratio of failed requests is 7.31% (threshold 5%) on 10.42.17.31:8080, see the runbook for the first steps.",
			"runbook_url": "https://runbooks.example.com/shop/high-error-rate",
		},
		"startsAt": at, "endsAt": "0001-01-01T00:00:00Z",
		"generatorURL": "http://prometheus.example.com/graph?g0.expr=job%3Aerrors%3Aratio5m+%3E+0.05&g0.tab=1",
		"fingerprint":  fmt.Sprintf("%s%08x", run, n),
	}
}

// body is one webhook with k alerts, numbered from first.
func body(run string, first, k int, match string, at time.Time) []byte {
	alerts := make([]any, k)
	for i := range alerts {
		alerts[i] = alert(run, first+i, match, at)
	}
	b, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": `{}:{alertname="HighErrorRate"}`, "truncatedAlerts": 0, "status": "firing", "receiver": "salve",
		"groupLabels": map[string]string{"alertname": "HighErrorRate"}, "commonLabels": map[string]string{"alertname": "HighErrorRate"},
		"commonAnnotations": map[string]string{}, "externalURL": "http://alertmanager.example.com", "alerts": alerts,
	})
	if err != nil {
		panic(err) // plain maps and strings always encode
	}
	return b
}
