package slacktest

import (
	"strconv"
	"time"
)

// handlers are the methods. Each is called with the lock held.
func handlers() map[string]handler {
	return map[string]handler{
		"auth.test":        (*Slack).authTest,
		"chat.postMessage": (*Slack).postMessage, "chat.update": (*Slack).updateMessage, "chat.postEphemeral": (*Slack).postEphemeral,
		"views.open": (*Slack).openView,
	}
}

func (s *Slack) authTest(*request) (answer, *refusal) {
	return answer{
		"url": "https://" + TeamDomain + ".slack.com/", "team": "Examples", "user": "salve", "team_id": TeamID,
		"user_id": BotUser, "bot_id": BotID, "is_enterprise_install": false,
	}, nil
}

func formatTS(at time.Time) string {
	micros := at.UnixMicro()
	fraction := strconv.FormatInt(1_000_000+micros%1_000_000, 10)[1:]
	return strconv.FormatInt(micros/1_000_000, 10) + "." + fraction
}
