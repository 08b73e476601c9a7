package slacktest

import (
	"strconv"
	"strings"
	"time"
)

// handlers are the methods. Each is called with the lock held.
func handlers() map[string]handler {
	return map[string]handler{
		"auth.test": (*Slack).authTest, "apps.connections.open": (*Slack).openConnection, "team.info": (*Slack).teamInfo,
		"chat.postMessage": (*Slack).postMessage, "chat.update": (*Slack).updateMessage, "chat.postEphemeral": (*Slack).postEphemeral,
		"chat.delete": (*Slack).deleteMessage, "chat.getPermalink": (*Slack).permalink, "reactions.add": (*Slack).react,
		"conversations.list": (*Slack).listChannels, "conversations.info": (*Slack).channelInfo, "conversations.join": (*Slack).join,
		"conversations.open": (*Slack).openDirect, "conversations.history": (*Slack).history, "conversations.replies": (*Slack).replies,
		"users.info": (*Slack).userInfo, "users.list": (*Slack).listUsers, "users.lookupByEmail": (*Slack).userByEmail,
		"usergroups.list": (*Slack).listGroups, "usergroups.users.list": (*Slack).groupUsers,
		"views.open": (*Slack).openView, "views.push": (*Slack).pushView, "views.update": (*Slack).updateView, "views.publish": (*Slack).publishView,
		"files.getUploadURLExternal": (*Slack).uploadURL, "files.completeUploadExternal": (*Slack).completeUpload,
	}
}

func (s *Slack) authTest(*request) (answer, *refusal) {
	out := answer{
		"url": "https://" + TeamDomain + ".slack.com/", "team": "Examples", "user": "salve", "team_id": TeamID,
		"user_id": BotUser, "bot_id": BotID, "is_enterprise_install": false,
	}
	if s.opts.Enterprise != "" {
		out["enterprise_id"] = s.opts.Enterprise
	}
	return out, nil
}

func (s *Slack) teamInfo(*request) (answer, *refusal) {
	return answer{"team": map[string]any{"id": TeamID, "name": "Examples", "domain": TeamDomain, "email_domain": "example.com"}}, nil
}

// page cuts a list by limit and cursor, and tells the next cursor.
func page[T any](req *request, list []T, usual int) ([]T, string, *refusal) {
	from, size := 0, usual
	if cursor := req.args["cursor"]; cursor != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(cursor, "after-"))
		if err != nil || n < 0 || n > len(list) {
			return nil, "", refuse("invalid_cursor")
		}
		from = n
	}
	if n, err := strconv.Atoi(req.args["limit"]); err == nil && n > 0 {
		size = min(n, 1000)
	}
	to := min(from+size, len(list))
	if to == len(list) {
		return list[from:to], "", nil
	}
	return list[from:to], "after-" + strconv.Itoa(to), nil
}

func nextCursor(cursor string) map[string]any { return map[string]any{"next_cursor": cursor} }

func formatTS(at time.Time) string {
	micros := at.UnixMicro()
	fraction := strconv.FormatInt(1_000_000+micros%1_000_000, 10)[1:]
	return strconv.FormatInt(micros/1_000_000, 10) + "." + fraction
}
