package slack

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"salve/bot"
)

// remember makes what the Client keeps in memory, and for how long.
func (c *Client) remember() {
	c.who = newMemory[identity](7*24*time.Hour, 1) // what a token is never changes
	c.members = newMemory[bot.Member](5*time.Minute, 20_000)
	c.direct = newMemory[string](time.Hour, 20_000)
	c.emails = newMemory[string](time.Hour, 20_000)
	// Slack takes twenty of these calls a minute: half of that is for us.
	rest := min(max(time.Duration(len(c.groups))*6*time.Second, time.Minute), 5*time.Minute)
	c.rolls = newMemory[map[string]bool](rest, len(c.groups)+8) // and those of who is on call
}

// Member tells what Slack knows about a user now, some minutes old at most. An
// error means that nobody knows who that is. Groups of which Slack does not say
// who is in them are in Unread, and the user is in none of them.
func (c *Client) Member(ctx context.Context, user bot.ChatUser) (bot.Member, error) {
	me, err := c.identify(ctx)
	if err != nil {
		return bot.Member{}, err
	}
	tenant, id, ok := strings.Cut(user.ID, "/")
	if !ok || !userID.MatchString(id) {
		return bot.Member{}, &bot.SendError{Fault: bot.SendRefused, Why: "this is no user of Slack: their ids are like T0123/U0456"}
	}
	if user.Tenant != "" || !c.ours(me, tenant) {
		return bot.Member{User: user, Why: "external", ReadAt: time.Now().UTC()}, nil
	}
	m, err := c.members.get(ctx, id, func(ctx context.Context) (bot.Member, error) {
		said, err := c.api.GetUserInfoContext(ctx, id, slackgo.GetUserInfoOptionIncludeLocale(false))
		if err != nil {
			return bot.Member{}, fault(err)
		}
		return c.describe(me, *said), nil
	})
	if err != nil {
		return bot.Member{}, err
	}
	m.User.ID, m.ReadAt = user.ID, time.Now().UTC()
	if m.Why != "" {
		return m, nil
	}
	return c.withGroups(ctx, me, id, m), nil
}

func (c *Client) describe(me identity, u slackgo.User) bot.Member {
	m := bot.Member{Timezone: u.TZ, Why: c.lesser(me, u)}
	m.User.Name = u.Profile.DisplayName
	for _, name := range []string{u.RealName, u.Name} {
		if m.User.Name == "" {
			m.User.Name = name
		}
	}
	m.User.Name = cut(m.User.Name, 80)
	if u.IsEmailConfirmed && m.Why == "" {
		m.Email = u.Profile.Email
	}
	return m
}

// lesser tells why somebody is no full member of ours.
func (c *Client) lesser(me identity, u slackgo.User) string {
	home := c.ours(me, u.TeamID) || c.ours(me, u.Enterprise.EnterpriseID)
	switch {
	case u.Deleted:
		return "gone"
	case u.IsStranger || !home:
		return "external"
	case u.IsBot || u.IsAppUser || u.IsConnectorBot || u.IsWorkflowBot || u.ID == "USLACKBOT":
		return "bot"
	case u.IsRestricted || u.IsUltraRestricted:
		return "guest"
	case u.IsInvitedUser:
		return "invited, and not joined so far"
	default:
		return ""
	}
}

func (c *Client) withGroups(ctx context.Context, me identity, id string, m bot.Member) bot.Member {
	for _, group := range slices.Sorted(maps.Keys(c.groups)) {
		roll, from, err := c.roll(ctx, me, c.groups[group])
		switch {
		case err != nil:
			m.Unread = append(m.Unread, group)
			continue
		case roll[id]:
			m.Groups = append(m.Groups, group)
		}
		if from.Before(m.ReadAt) {
			m.ReadAt = from.UTC()
		}
	}
	return m
}

// roll is who is in a user group.
func (c *Client) roll(ctx context.Context, me identity, userGroup string) (map[string]bool, time.Time, error) {
	return c.rolls.dated(ctx, userGroup, func(ctx context.Context) (map[string]bool, error) {
		roll, err := c.readRoll(ctx, me, userGroup)
		if err != nil {
			failed := fault(err)
			c.log.WarnContext(ctx, "a user group could not be read: nobody is in it", "surface", Surface, "user_group", userGroup, "error", failed)
			return nil, failed
		}
		return roll, nil
	})
}

// readRoll asks Slack; its error is what came of the call.
func (c *Client) readRoll(ctx context.Context, me identity, userGroup string) (map[string]bool, error) {
	var opts []slackgo.GetUserGroupMembersOption
	if team := c.workspace(me); team != "" {
		opts = append(opts, slackgo.GetUserGroupMembersOptionTeamID(team))
	}
	users, err := c.api.GetUserGroupMembersContext(ctx, userGroup, opts...)
	roll := make(map[string]bool, len(users))
	for _, u := range users {
		roll[u] = true
	}
	return roll, err
}

// workspace is what a token of an organisation must name; "": the token is of
// one workspace and needs none.
func (c *Client) workspace(me identity) string {
	if me.enterprise == "" {
		return ""
	}
	for _, id := range append([]string{me.team}, c.teams...) {
		if strings.HasPrefix(id, "T") {
			return id
		}
	}
	return ""
}
