package intake

import (
	"strings"

	"salve/bot"
)

// severities is what the usual words mean. A word that is not here is unknown,
// and unknown counts as critical: nobody's spelling lowers a threshold.
var severities = map[string]bot.Severity{
	"info": bot.SeverityInfo, "informational": bot.SeverityInfo, "information": bot.SeverityInfo,
	"none": bot.SeverityInfo, "notice": bot.SeverityInfo, "debug": bot.SeverityInfo,
	"low": bot.SeverityLow, "minor": bot.SeverityLow,
	"medium": bot.SeverityMedium, "moderate": bot.SeverityMedium, "warning": bot.SeverityMedium, "warn": bot.SeverityMedium,
	"high": bot.SeverityHigh, "major": bot.SeverityHigh, "error": bot.SeverityHigh, "err": bot.SeverityHigh,
	"critical": bot.SeverityCritical, "crit": bot.SeverityCritical, "page": bot.SeverityCritical,
	"emergency": bot.SeverityCritical, "fatal": bot.SeverityCritical, "disaster": bot.SeverityCritical,
}

// severity follows the source's rules first. Without the label it keeps what
// the decoder knew, which for most sources is nothing.
func (r Rules) severity(a bot.Alert) bot.Severity {
	label := r.SeverityLabel
	if label == "" {
		label = "severity"
	}
	value, ok := a.Labels[label]
	if !ok {
		return a.Severity
	}
	value = fold(value)
	if s, ok := r.Severities[value]; ok {
		return s
	}
	return severities[value]
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
