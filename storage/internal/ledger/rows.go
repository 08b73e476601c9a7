package ledger

import (
	"fmt"

	"salve/bot"
	"salve/storage/internal/query"
)

// versions updates the rows that must be as they were read. It comes before the
// inserts, so that what gives a unique place up does so before it is taken.
func (c *change) versions() error {
	for i := range c.in.Approvals {
		if a := &c.in.Approvals[i]; a.Version != 0 {
			if err := c.putApproval(a, c.encoded.approvals[i]); err != nil {
				return err
			}
		}
	}
	for i := range c.in.Runs {
		if r := &c.in.Runs[i]; r.Version != 0 {
			if err := c.putRun(r, c.encoded.runs[i]); err != nil {
				return err
			}
		}
	}
	for i := range c.in.People {
		if err := c.putPerson(&c.in.People[i]); err != nil {
			return err
		}
	}
	for i := range c.in.Tokens {
		if err := c.putToken(&c.in.Tokens[i]); err != nil {
			return err
		}
	}
	return nil
}

// inserts adds Plans, then what refers to them.
func (c *change) inserts() error {
	for i := range c.in.Plans {
		if err := c.putPlan(&c.in.Plans[i], c.encoded.plans[i]); err != nil {
			return err
		}
	}
	for i := range c.in.Approvals {
		if a := &c.in.Approvals[i]; a.Version == 0 {
			if err := c.putApproval(a, c.encoded.approvals[i]); err != nil {
				return err
			}
		}
	}
	for i := range c.in.Runs {
		if r := &c.in.Runs[i]; r.Version == 0 {
			if err := c.putRun(r, c.encoded.runs[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *change) putPlan(p *bot.Plan, body string) error {
	doing := "write plan " + p.ID.String()
	if p.ID <= 0 {
		return fmt.Errorf("a plan has no id; take one with NextID")
	}
	if err := c.writer.ids.Reach(bot.KindPlan, int64(p.ID)); err != nil {
		return err
	}
	return c.write(doing, query.InsertPlan, int64(p.ID), int64(p.Incident), body)
}

func (c *change) putApproval(a *bot.Approval, body string) error {
	doing := "write approval " + a.ID.String()
	if a.ID <= 0 {
		return fmt.Errorf("an approval has no id; take one with NextID")
	}
	c.touched.Approvals = append(c.touched.Approvals, a.ID)
	args := []any{int64(a.Incident), int64(a.Plan), a.Target, string(a.State), body, int64(a.ID)}
	if a.Version == 0 {
		if err := c.writer.ids.Reach(bot.KindApproval, int64(a.ID)); err != nil {
			return err
		}
		return c.write(doing, query.InsertApproval, args...)
	}
	return c.writeOne(doing, query.UpdateApproval, append(args, a.Version)...)
}

func (c *change) putRun(r *bot.Run, body string) error {
	doing := "write run " + r.ID.String()
	if r.ID <= 0 {
		return fmt.Errorf("a run has no id; take one with NextID")
	}
	c.touched.Runs = append(c.touched.Runs, r.ID)
	args := []any{int64(r.Incident), int64(r.Plan), r.Playbook, r.Target, string(r.State), flag(r.Active()), flag(r.Changed()),
		r.Epoch, MS(r.DueAt), MS(r.EndedAt), body, int64(r.ID)}
	if r.Version == 0 {
		if err := c.writer.ids.Reach(bot.KindRun, int64(r.ID)); err != nil {
			return err
		}
		return c.write(doing, query.InsertRun, args...)
	}
	return c.writeOne(doing, query.UpdateRun, append(args, r.Version)...)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (c *change) putPerson(p *bot.Person) error {
	doing := "write person " + string(p.ID)
	if p.ID == "" {
		return fmt.Errorf("a person has no id")
	}
	body, err := encode(p)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if p.Version == 0 {
		err = c.write(doing, query.InsertPerson, string(p.ID), body)
	} else {
		err = c.writeOne(doing, query.UpdatePerson, body, string(p.ID), p.Version)
	}
	if err != nil {
		return err
	}
	if err := c.write(doing, query.DeleteIdentities, string(p.ID)); err != nil {
		return err
	}
	for _, id := range p.Identities {
		if err := c.write(doing+": "+id.Surface+" identity", query.InsertIdentity, id.Surface, id.ID, string(p.ID)); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) putToken(t *bot.Token) error {
	const doing = "write token" // its hash is nobody's business
	body, err := encode(t)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if t.Version == 0 {
		return c.write(doing, query.InsertToken, string(t.Person), body, t.Hash)
	}
	return c.writeOne(doing, query.UpdateToken, string(t.Person), body, t.Hash, t.Version)
}

// holds writes what stops automation: Claims and Halts.
func (c *change) holds() error {
	for i := range c.in.Claims {
		if err := c.putClaim(&c.in.Claims[i]); err != nil {
			return err
		}
	}
	for i := range c.in.Halts {
		if err := c.putHalt(&c.in.Halts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) putClaim(claim *bot.Claim) error {
	if claim.Incident == 0 {
		if err := c.mayClaim(claim); err != nil {
			return err
		}
	}
	if claim.Released {
		return c.write("release a claim", query.DeleteClaim, claim.Target, int64(claim.Incident))
	}
	body, err := encode(claim)
	if err != nil {
		return fmt.Errorf("write claim: %w", err)
	}
	return c.write("write claim", query.PutClaim, claim.Target, int64(claim.Incident), body)
}

// mayClaim refuses a Claim on a target that somebody else holds without an
// Incident, and to release another such hold than the one that was looked at: no
// version of an Incident stands between two who do so at once.
func (c *change) mayClaim(claim *bot.Claim) error {
	const doing = "write claim"
	var body string
	found, err := c.session.One(doing, query.ClaimBody, []any{claim.Target, int64(0)}, &body)
	if err != nil || !found {
		return err
	}
	var stands bot.Claim
	if err := decode([]byte(body), &stands); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	taken := stands.Holder != claim.Holder && stands.Holds(claim.At)
	if claim.Released {
		taken = !stands.At.Equal(claim.At)
	}
	if taken {
		return fmt.Errorf("%s: %w", doing, bot.ErrConflict)
	}
	return nil
}

func (c *change) putHalt(h *bot.Halt) error {
	c.touched.Halts = true
	if h.Lifted {
		return c.liftHalt(h)
	}
	body, err := encode(h)
	if err != nil {
		return fmt.Errorf("write halt: %w", err)
	}
	return c.write("write halt", query.PutHalt, string(h.Scope), h.Name, body)
}

// liftHalt removes the halt that was looked at, and no newer one.
func (c *change) liftHalt(h *bot.Halt) error {
	const doing = "lift halt"
	var body string
	found, err := c.session.One(doing, query.HaltBody, []any{string(h.Scope), h.Name}, &body)
	if err != nil {
		return err
	}
	var stands bot.Halt
	if found {
		if err := decode([]byte(body), &stands); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	if !found || !stands.At.Equal(h.At) {
		return fmt.Errorf("%s: %w", doing, bot.ErrConflict)
	}
	return c.write(doing, query.DeleteHalt, string(h.Scope), h.Name)
}

// quarantine keeps what could not be understood. The same body from the same
// source is one row while it is held.
func (c *change) quarantine() error {
	for i := range c.in.Quarantined {
		id, err := c.putQuarantined(&c.in.Quarantined[i])
		if err != nil {
			return err
		}
		c.receipt.Quarantined = append(c.receipt.Quarantined, id)
	}
	return nil
}

func (c *change) putQuarantined(q *bot.Quarantined) (bot.QuarantineID, error) {
	doing := "write quarantined payload " + q.ID.String()
	if q.ID <= 0 {
		return 0, fmt.Errorf("a quarantined payload has no id; take one with NextID")
	}
	if q.Version != 0 {
		return q.ID, c.writeOne(doing, query.UpdateQuarantine, string(q.State), q.Reason, int64(q.ID), q.Version)
	}
	var held bot.QuarantineID
	found, err := c.session.One(doing, query.HeldQuarantine, []any{q.Source, q.SHA256}, (*int64)(&held))
	if err != nil {
		return 0, err
	}
	if found {
		return held, c.write(doing, query.RepeatQuarantine, int64(held))
	}
	if err := c.writer.ids.Reach(bot.KindQuarantine, int64(q.ID)); err != nil {
		return 0, err
	}
	return q.ID, c.write(doing, query.InsertQuarantine, int64(q.ID), string(q.State), q.Source, q.Reason, MS(q.ReceivedAt),
		int64(q.Size), q.SHA256, int64(q.Repeats), c.writer.packing.pack(q.Body))
}
