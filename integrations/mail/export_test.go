package mail

// Implicit makes a Pager begin with TLS whatever its port is, which is 465 where
// nobody but root may listen.
func (p *Pager) Implicit() { p.implicit = true }
