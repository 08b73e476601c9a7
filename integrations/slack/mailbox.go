package slack

import (
	"context"
	"strings"
)

// ByEmail finds the user of an e-mail address, to mention them; false when there
// is none, or one who is gone or a machine. It grants nobody anything.
func (c *Client) ByEmail(ctx context.Context, email string) (id string, ok bool, err error) {
	u, err := c.api.GetUserByEmailContext(ctx, email)
	switch {
	case err != nil && strings.Contains(err.Error(), "users_not_found"):
		return "", false, nil
	case err != nil:
		return "", false, fault(err)
	}
	if u.Deleted || u.IsBot || !userID.MatchString(u.ID) {
		return "", false, nil
	}
	return u.ID, true, nil
}
