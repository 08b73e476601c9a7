package control

import "context"

func (s *Server) onCall(ctx context.Context, _ call) (any, error) { return s.ports.Duty.OnCall(ctx) }

func (s *Server) testPage(ctx context.Context, c call) (any, error) {
	var in struct {
		Pager string `json:"pager"` // "": all
	}
	if err := read(c, &in); err != nil {
		return nil, err
	}
	return s.ports.Duty.TestPage(ctx, c.who.actor(), in.Pager)
}
