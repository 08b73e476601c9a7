package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/control"
)

const (
	manyClickers = 8
	listed       = 20 // approvals that one look shows
)

// clickers are people who approve what waits, on any replica, as fast as they
// can and without asking each other; now and then one approves the same thing on
// two replicas at once.
type clickers struct {
	people [][]*control.Client // one for each person and replica

	mu     sync.Mutex
	said   map[bot.ApprovalID][]bot.RunID // the decisions that they were told they made
	votes  int                            // approvals that were tried
	atOnce int                            // of these, pairs at the same moment
}

// introduce makes the people known through a replica's socket.
func introduce(ctx context.Context, f *fleet) (*clickers, error) {
	c := &clickers{said: map[bot.ApprovalID][]bot.RunID{}}
	door := control.NewUnixClient(filepath.Join(f.all[0].process().Dir, "salve.sock"))
	for i := range manyClickers {
		id := fmt.Sprintf("clicker%d", i)
		person := bot.Person{ID: bot.PersonID(id), Name: id, Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"torture"}}
		if err := door.Send(ctx, http.MethodPost, "/v1/people", person, nil); err != nil {
			return nil, fmt.Errorf("add %s: %w", id, err)
		}
		var made struct {
			Secret string `json:"secret"`
		}
		if err := door.Send(ctx, http.MethodPost, "/v1/people/"+id+"/tokens", map[string]string{"label": "torture", "ttl": "24h"}, &made); err != nil {
			return nil, fmt.Errorf("make a token for %s: %w", id, err)
		}
		var doors []*control.Client
		for _, url := range f.urls() {
			d, err := control.NewHTTPClient(url, secret.New(made.Secret))
			if err != nil {
				return nil, err
			}
			doors = append(doors, d)
		}
		c.people = append(c.people, doors)
	}
	return c, nil
}

// run lets all of them click until ctx ends.
func (c *clickers) run(ctx context.Context, seed uint64) {
	var wg sync.WaitGroup
	for i, doors := range c.people {
		wg.Go(func() { c.click(ctx, doors, rand.New(rand.NewPCG(seed, 100+uint64(i)))) })
	}
	wg.Wait()
}

func (c *clickers) click(ctx context.Context, doors []*control.Client, rng *rand.Rand) {
	pick := func() *control.Client { return doors[rng.IntN(len(doors))] }
	for ctx.Err() == nil {
		waiting := pending(ctx, pick())
		if len(waiting) > 0 {
			// A few of the oldest that it sees, so that others see them too.
			a := waiting[len(waiting)-1-rng.IntN(min(3, len(waiting)))]
			at := []*control.Client{pick()}
			if rng.IntN(3) == 0 {
				at = append(at, pick())
			}
			c.approve(ctx, at, a)
		}
		if len(waiting) < listed {
			time.Sleep(time.Duration(50+rng.IntN(150)) * time.Millisecond)
		}
	}
}

const clickPatience = 6 * time.Second

// pending is what waits; nothing when the replica does not say.
func pending(ctx context.Context, door *control.Client) (out []bot.Approval) {
	ctx, cancel := context.WithTimeout(ctx, clickPatience)
	defer cancel()
	q := url.Values{"state": {string(bot.ApprovalPending)}, "limit": {strconv.Itoa(listed)}}
	if err := door.Get(ctx, "/v1/approvals", q, &out); err != nil {
		return nil // it is down, or cut off
	}
	return out
}

// approve says yes at each door at the same moment.
func (c *clickers) approve(ctx context.Context, doors []*control.Client, a bot.Approval) {
	ctx, cancel := context.WithTimeout(ctx, clickPatience)
	defer cancel()
	var wg sync.WaitGroup
	for _, door := range doors {
		wg.Go(func() {
			answer, err := door.Do(ctx, bot.Command{Verb: bot.VerbApprove, Incident: a.Incident, Digest: string(a.Digest)})
			c.told(a.ID, answer, err)
		})
	}
	wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.votes += len(doors)
	c.atOnce += len(doors) - 1
}

// told notes a decision. An error decides nothing, as far as a person is told.
func (c *clickers) told(id bot.ApprovalID, answer bot.Answer, err error) {
	if err != nil || answer.Repeated || answer.Run == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said[id] = append(c.said[id], answer.Run)
}
