package slacktest

import (
	"slices"
	"strings"
)

func (s *Slack) userInfo(req *request) (answer, *refusal) {
	u := s.user(req.args["user"])
	if u == nil {
		return nil, refuse("user_not_found")
	}
	return answer{"user": s.userJSON(u)}, nil
}

func (s *Slack) userByEmail(req *request) (answer, *refusal) {
	for _, u := range s.users {
		if u.Email != "" && strings.EqualFold(u.Email, req.args["email"]) && !u.Deleted && u.Team == "" {
			return answer{"user": s.userJSON(u)}, nil
		}
	}
	return nil, refuse("users_not_found")
}

func (s *Slack) listUsers(req *request) (answer, *refusal) {
	var out []map[string]any
	for _, u := range s.users {
		out = append(out, s.userJSON(u))
	}
	part, cursor, no := page(req, out, 200)
	return answer{"members": part, "cache_ts": s.now().Unix(), "response_metadata": nextCursor(cursor)}, no
}

func (s *Slack) userJSON(u *User) map[string]any {
	team := u.team()
	profile := map[string]any{"real_name": u.RealName, "display_name": u.Name, "team": team}
	if s.may("users:read.email") && u.Email != "" {
		profile["email"] = u.Email
	}
	if u.Bot {
		profile["bot_id"], profile["api_app_id"] = BotID, AppID
	}
	out := map[string]any{
		"id": u.ID, "team_id": team, "name": u.Name, "deleted": u.Deleted, "profile": profile, "is_bot": u.Bot,
		"is_app_user": false, "updated": 1700000000, "who_can_share_contact_card": "EVERYONE",
	}
	if !u.Deleted {
		out["real_name"], out["tz"] = u.RealName, u.Timezone
		out["is_admin"], out["is_owner"], out["is_primary_owner"] = false, false, false
		out["is_restricted"], out["is_ultra_restricted"] = u.Guest || u.OneGuest, u.OneGuest
	}
	if u.Team != "" {
		out["is_stranger"] = true
	}
	if s.opts.Enterprise != "" {
		out["enterprise_user"] = map[string]any{"id": u.ID, "enterprise_id": s.opts.Enterprise, "teams": []string{team}}
	}
	return out
}

func (u *User) team() string {
	if u.Team != "" {
		return u.Team
	}
	return TeamID
}

func (s *Slack) listGroups(req *request) (answer, *refusal) {
	if s.groupsOff {
		return nil, refuse("plan_upgrade_required")
	}
	out := []map[string]any{}
	for _, g := range s.groups {
		if g.Disabled && !req.flag("include_disabled") {
			continue
		}
		one := map[string]any{
			"id": g.ID, "team_id": TeamID, "is_usergroup": true, "is_subteam": true, "name": g.Name, "handle": g.Handle,
			"is_external": false, "date_create": 1700000000, "date_delete": 0,
		}
		if g.Disabled {
			one["date_delete"] = 1700000001
		}
		if req.flag("include_users") {
			one["users"] = g.Users
		}
		if req.flag("include_count") {
			one["user_count"] = len(g.Users)
		}
		out = append(out, one)
	}
	return answer{"usergroups": out}, nil
}

func (s *Slack) groupUsers(req *request) (answer, *refusal) {
	if s.groupsOff {
		return nil, refuse("plan_upgrade_required")
	}
	i := slices.IndexFunc(s.groups, func(g *Group) bool { return g.ID == req.args["usergroup"] })
	if i < 0 || s.groups[i].Disabled && !req.flag("include_disabled") {
		return nil, refuse("no_such_subteam")
	}
	return answer{"users": append([]string{}, s.groups[i].Users...)}, nil
}
