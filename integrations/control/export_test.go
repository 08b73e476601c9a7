package control

import "context"

// WithPeer is a context as ConnContext makes it for this uid.
func WithPeer(ctx context.Context, uid uint32) context.Context {
	return context.WithValue(ctx, uidKey{}, uid)
}

// Unreachable is what a client says when its request got no answer.
func Unreachable(ctx context.Context, c *Client, err error) error { return c.unreachable(ctx, err) }
