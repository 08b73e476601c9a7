package control

import "context"

// WithPeer is a context as ConnContext makes it for this uid.
func WithPeer(ctx context.Context, uid uint32) context.Context {
	return context.WithValue(ctx, uidKey{}, uid)
}
