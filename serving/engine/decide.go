// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
)

// Decide decides one request and makes the decision durable, in a group with
// requests that come at the same moment. The error, if any, is also in r.Err. The
// request must have been admitted, and r.Model acquired.
func (e *Engine) Decide(ctx context.Context, r *Request) error {
	r.clock = e.instruments.startClock(ctx)
	if r.Err = e.validateAndClaim(ctx, r, func() {}); r.Err != nil || r.Repeated {
		return r.Err
	}
	r.clock.done(stageBegin)
	e.decideInGroup(r)
	return r.Err
}

// DecideAll is Decide for many requests, with one wait for the journal. It skips
// requests that have an Err already; the error of each of the others is in its
// Err. Before it waits for an id that another request holds (of another call, or
// an earlier one of this call), it finishes the requests that it has claimed, so
// that two batches never wait for each other.
func (e *Engine) DecideAll(ctx context.Context, rs []*Request) {
	g := e.pool.Get().(*group)
	completed := false
	defer func() {
		if !completed { // a panic is unwinding
			e.abandon(g)
			return
		}
		e.pool.Put(g)
	}()
	finish := func() {
		e.decideAndAppend(ctx, g)
		g.appending.Wait()
	}
	for _, r := range rs {
		if r.Err != nil {
			continue
		}
		if r.Err = e.validateAndClaim(ctx, r, finish); r.Err != nil || r.Repeated {
			continue
		}
		if g.claimed = append(g.claimed, r); len(g.claimed) == groupSize {
			e.decideAndAppend(ctx, g)
		}
	}
	finish()
	g.reset()
	completed = true
}

// validateAndClaim validates r, claims its request id, and answers r when the id
// was used before: then r.Repeated is set. When it returns nil and r.Repeated is
// false, the caller must release the id. It calls beforeWait before it waits for
// another request that holds the id.
func (e *Engine) validateAndClaim(ctx context.Context, r *Request, beforeWait func()) error {
	if err := CheckRequestID(r.Key.RequestID); err != nil {
		return err
	}
	if err := r.validate(); err != nil {
		return err
	}
	if e.liesAhead(r.Event) {
		return &assay.FieldError{Field: "time", Problem: "lies ahead of the server's clock"}
	}
	r.eventBytes = r.Event.AppendBinary(r.eventBytes[:0])
	r.body = assay.Sum(BodyTag, r.bodyPrefix(), r.eventBytes)
	r.tag = e.journal.Tag(r.Key.Caller, r.Key.RequestID)
	for {
		busy := e.claims.claim(r.tag, &r.claim)
		if busy == nil {
			break
		}
		beforeWait()
		select {
		case <-busy:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := e.answerRepeated(ctx, r)
	if err == nil && !r.Repeated {
		err = e.checkStartable(ctx)
	}
	if err == nil && !r.Repeated { // last, since it makes keys for new parties
		err = r.divide(e.journal)
	}
	if err != nil || r.Repeated {
		e.claims.release(r.tag, &r.claim)
	}
	return err
}

// liesAhead reports whether an event lies more than MaxAhead after the time that
// its record would have now. A machine that has just woken up may have told the
// clock nothing of its sleep yet, so before the answer is yes, the clock is checked.
func (e *Engine) liesAhead(ev *assay.Event) bool {
	ahead := func() bool { return ev.Time.After(e.journal.Now().Add(e.cfg.MaxAhead)) }
	if !ahead() {
		return false
	}
	e.journal.CheckClock()
	return ahead()
}

// checkStartable returns an error when the deadline has passed or no record can
// become durable: then no decision is begun.
func (e *Engine) checkStartable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := e.journal.Ready(); err != nil {
		return fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	return nil
}

// errFailedBefore answers a request whose scoring failed after its number was taken.
var errFailedBefore = errors.New("the request was taken and its scoring failed; the journal has it as failed")

// answerRepeated fills r from its record when its request id was used before.
func (e *Engine) answerRepeated(ctx context.Context, r *Request) error {
	seq, body, ok, err := e.journal.LookupTag(r.tag, r.Key.Caller, r.Key.RequestID)
	if err != nil {
		return fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	if !ok {
		return nil
	}
	if body != r.body {
		return fmt.Errorf("request_id: the id was used before with another body: %w", assay.ErrConflict)
	}
	rec, err := e.journal.Get(seq)
	if err != nil {
		return err
	}
	p, err := e.journal.Promise(ctx, seq)
	if err != nil {
		return err
	}
	if r.Decision, err = assay.ParseDecision(rec.Decision); err != nil {
		return err
	}
	if r.Decision.Outcome == assay.Failed {
		return errFailedBefore
	}
	r.Sequence, r.Canonical, r.Repeated, r.Late = seq, append(r.Canonical[:0], rec.Decision...),
		true, e.late.lookup(seq)
	r.setPromise(&p)
	return nil
}

// claims holds the ids of requests under way, by the journal's tag of caller and
// request id, so that a second request with the same id waits for the first
// instead of being scored. Finished requests are in the journal.
type claims struct {
	shards [64]struct {
		mu struct {
			sync.Mutex
			m map[journal.Tag]*claim
		}
	}
}

func newClaims() *claims {
	c := new(claims)
	for i := range c.shards {
		c.shards[i].mu.m = map[journal.Tag]*claim{}
	}
	return c
}

// claim claims the tag for holder. When another request holds it, claim returns a
// channel that is closed when that request releases it.
func (c *claims) claim(tag journal.Tag, holder *claim) (busy <-chan struct{}) {
	s := &c.shards[shard(tag)].mu
	s.Lock()
	defer s.Unlock()
	other, ok := s.m[tag]
	if !ok {
		s.m[tag] = holder
		return nil
	}
	if other.released == nil {
		other.released = make(chan struct{})
	}
	return other.released
}

// release ends the claim, if holder has it, and wakes the requests that wait for
// the tag.
func (c *claims) release(tag journal.Tag, holder *claim) {
	s := &c.shards[shard(tag)].mu
	s.Lock()
	if s.m[tag] == holder {
		delete(s.m, tag)
	}
	released := holder.released
	holder.released = nil
	s.Unlock()
	if released != nil {
		close(released)
	}
}

// shard picks the shard of a tag. A tag is a keyed hash, so any of its bits will do.
func shard(tag journal.Tag) byte { return tag[0] % 64 }
