package postgres

import "context"

// Freeze ends the renewals of the lease, as a process that stands still does.
func (s *Store) Freeze() {
	s.lease.stop()
	s.lease.running.Wait()
}

// Thaw lets the process go on.
func (s *Store) Thaw() { s.lease.keep() }

// Renew renews the lease now.
func (s *Store) Renew(ctx context.Context) error { return s.lease.renew(ctx) }

// Gather is for looking at what a group becomes.
var Gather = gather
