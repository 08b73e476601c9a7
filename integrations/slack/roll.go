package slack

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// InGroup is who is in a user group now, some minutes old at most, in order.
func (c *Client) InGroup(ctx context.Context, userGroup string) ([]string, error) {
	me, err := c.identify(ctx)
	if err != nil {
		return nil, err
	}
	roll, _, err := c.roll(ctx, me, userGroup)
	if err != nil {
		return nil, fmt.Errorf("read who is in user group %s: %w", cut(userGroup, maxID), err)
	}
	return slices.Sorted(maps.Keys(roll)), nil
}
