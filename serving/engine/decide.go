// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
)

// Decide takes one request all the way, in a group with those that come in the
// same moment. The error, if any, is also in r.Err. The request must have been
// admitted, and r.Model acquired.
func (e *Engine) Decide(ctx context.Context, r *Request) error {
	r.clock = e.instruments.clock(ctx)
	if r.Err = e.begin(ctx, r, func() {}); r.Err != nil || r.Repeated {
		return r.Err
	}
	r.clock.done(stageBegin)
	e.decideInGroup(r)
	return r.Err
}

// DecideAll takes many requests all the way with one wait for the journal; those
// that have an Err already are passed over. Each Err says what became of it. Rows
// that it has claimed are finished before it waits for an id that somebody else
// holds (another call, or an earlier row of this one), so that two batches never
// wait for each other.
func (e *Engine) DecideAll(ctx context.Context, rs []*Request) {
	g := e.pool.Get().(*group)
	whole := false
	defer func() {
		if !whole { // a panic goes by
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
		if r.Err = e.begin(ctx, r, finish); r.Err != nil || r.Repeated {
			continue
		}
		if g.claimed = append(g.claimed, r); len(g.claimed) == groupSize {
			e.decideAndAppend(ctx, g)
		}
	}
	finish()
	g.forget()
	whole = true
}

// begin validates r and looks its request id up. When it returns nil and
// r.Repeated is false, the id is claimed and must be released. It calls
// beforeWait before it waits for another holder of the id.
func (e *Engine) begin(ctx context.Context, r *Request, beforeWait func()) error {
	if err := CheckRequestID(r.Key.RequestID); err != nil {
		return err
	}
	if err := r.validate(); err != nil {
		return err
	}
	if r.Event.Time.After(e.now().Add(e.cfg.MaxAhead)) {
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
		err = e.mayStart(ctx)
	}
	if err != nil || r.Repeated {
		e.claims.release(r.tag, &r.claim)
	}
	return err
}

// mayStart: work past its deadline is not started, nor what cannot become durable.
func (e *Engine) mayStart(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := e.journal.Ready(); err != nil {
		return fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	return nil
}

// CheckRequestID holds a request id to its bounds.
func CheckRequestID(id string) error {
	if id == "" || len(id) > assay.MaxNameBytes {
		return &assay.FieldError{Field: "request_id",
			Problem: fmt.Sprintf("must have 1 to %d bytes: it is what makes a retry safe", assay.MaxNameBytes)}
	}
	return CheckText("request_id", id)
}

// CheckText refuses what is no UTF-8: generated decoders let it pass, and no
// record that holds it can be read back.
func CheckText(field, s string) error {
	if !utf8.ValidString(s) {
		return &assay.FieldError{Field: field, Problem: "is not valid UTF-8"}
	}
	return nil
}

// errFailedBefore answers a request whose scoring failed after its number was taken.
var errFailedBefore = errors.New("the request was taken and its scoring failed; it stands in the journal as failed")

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
	r.Sequence, r.Canonical, r.Repeated, r.Late = seq, append(r.Canonical[:0], rec.Decision...), true, e.late.of(seq)
	r.setPromise(&p)
	return nil
}

// claims holds the requests under way by what stands for caller and request id
// in the journal, so that a second one with the same id waits for the first
// instead of being scored. Those that are done stand in the journal.
type claims struct {
	shards [64]struct {
		mu struct {
			sync.Mutex
			m map[journal.Tag]*claim
		}
	}
}

// claim is the place of one request under way.
type claim struct {
	released chan struct{} // made by the first that waits, closed by release
}

func newClaims() *claims {
	c := new(claims)
	for i := range c.shards {
		c.shards[i].mu.m = map[journal.Tag]*claim{}
	}
	return c
}

// claim claims the tag for its holder. When another holds it, it returns a
// channel that is closed when that one releases it.
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

// release gives the tag up, if its holder has it, and wakes those who wait for it.
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

// shard: a tag is a keyed hash, so that any of its bits will do.
func shard(tag journal.Tag) byte { return tag[0] % 64 }
