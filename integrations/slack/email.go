package slack

import (
	"context"
	"errors"
	"strings"

	slackgo "github.com/slack-go/slack"
)

// ByEmail finds the user of an e-mail address, to be mentioned; false: nobody of
// this workspace has it. It is no proof of who somebody is.
func (c *Client) ByEmail(ctx context.Context, email string) (string, bool, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if email == "" || len(email) > 254 {
		return "", false, nil
	}
	id, err := c.emails.get(ctx, email, func(ctx context.Context) (string, error) {
		user, err := c.api.GetUserByEmailContext(ctx, email)
		if r, ok := errors.AsType[slackgo.SlackErrorResponse](err); ok && r.Err == "users_not_found" {
			return "", nil
		}
		if err != nil {
			return "", fault(err)
		}
		if user.Deleted || !userID.MatchString(user.ID) {
			return "", nil
		}
		return user.ID, nil
	})
	return id, id != "", err
}
