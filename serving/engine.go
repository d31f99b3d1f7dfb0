// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/semaphore"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
)

// engine takes a request from its validation to its durable record. Everything
// that a decision depends on passes through its one short critical section, in
// sequence order.
type engine struct {
	journal  *journal.Journal
	now      func() time.Time
	inflight *inflight
	limit    int64
	load     atomic.Int64        // rows under way
	turns    *semaphore.Weighted // rows of batches that are worked on, atOnce of them
	atOnce   int
	works    sync.Pool // *work
	manies   sync.Pool // *many
	routes   atomic.Pointer[routes]
	ahead    time.Duration // how far in the future an event may lie
	limiter  *limiter
	metrics  *metrics
	shadows  *shadows
	drift    *drift
	index    *index
	lates    *lates
	log      *slog.Logger

	joining struct {
		sync.Mutex
		open *many // requests that wait to be led; nil when there are none
	}

	mu struct {
		sync.Mutex
		windows []*windows // one for each plan that is loaded
	}
}

func newEngine(cfg *Config) *engine {
	e := &engine{journal: cfg.Journal, now: cfg.Now, inflight: newInflight(), limit: int64(cfg.MaxInFlight), ahead: cfg.MaxAhead,
		limiter: newLimiter(cfg.RatePerSecond, cfg.RateBurst), shadows: newShadows(), drift: new(drift),
		index: newIndex(cfg.Journal.Stats().Durable), lates: newLates(), log: cfg.Logger}
	e.atOnce = rowsAtOnce * runtime.GOMAXPROCS(0)
	e.turns = semaphore.NewWeighted(int64(e.atOnce))
	e.works.New = func() any { w := new(work); w.clean(); return w }
	e.manies.New = func() any { return new(many) }
	return e
}

// windowsFor returns the state of m's plan; call it with mu held.
func (e *engine) windowsFor(plan assay.Digest) *windows {
	for _, w := range e.mu.windows {
		if w.plan.Digest() == plan {
			return w
		}
	}
	return nil
}

// admit counts n rows of a caller in; when the caller is over its rate or the
// server is full it says when to come again.
func (e *engine) admit(caller string, n int) error {
	if err := e.limiter.take(caller, n, e.now()); err != nil {
		return err
	}
	// A batch of more rows than that is let in when it is alone.
	if after := e.load.Add(int64(n)); after > e.limit && after > int64(n) {
		e.load.Add(-int64(n))
		e.limiter.give(caller, n)
		return &retryError{assay.ErrExhausted, fmt.Sprintf("the server is full: too many requests are under way, at most %d at once (setting max-in-flight)", e.limit), 100 * time.Millisecond}
	}
	return nil
}

func (e *engine) done(n int) { e.load.Add(-int64(n)) }

func (e *engine) get() *work { return e.works.Get().(*work) }
func (e *engine) put(w *work) {
	if w.model != nil {
		w.model.release()
	}
	w.clean()
	e.works.Put(w)
}

// decide takes one request all the way, together with those that come in the
// same moment. The error, if any, is also in w.err.
func (e *engine) decide(ctx context.Context, w *work) error {
	w.clock = e.metrics.clock(ctx)
	if w.err = e.begin(ctx, w, func() {}); w.err != nil || w.repeated {
		return w.err
	}
	w.clock.done(stageBegin)
	e.together(w)
	return w.err
}

// begin validates w and looks its request id up. When it returns nil and
// w.repeated is false, the id is claimed and must be left. It calls beforeWait
// before it waits for another holder of the id.
func (e *engine) begin(ctx context.Context, w *work, beforeWait func()) error {
	if err := checkRequestID(w.key.id); err != nil {
		return err
	}
	if err := w.validate(); err != nil {
		return err
	}
	if w.req.Event.Time.After(e.now().Add(e.ahead)) {
		return &assay.FieldError{Field: "time", Problem: "lies ahead of the server's clock"}
	}
	w.raw = w.req.Event.AppendBinary(w.raw[:0])
	w.body = assay.Sum(bodyTag, w.what(), w.raw)
	w.tag = e.journal.Tag(w.key.caller, w.key.id)
	for {
		busy := e.inflight.enter(w.tag, &w.ticket)
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
	if err := e.known(ctx, w); err != nil || w.repeated {
		e.inflight.leave(w.tag, &w.ticket)
		return err
	}
	// Work past its deadline is not started.
	if err := ctx.Err(); err != nil {
		e.inflight.leave(w.tag, &w.ticket)
		return err
	}
	if err := e.journal.Ready(); err != nil {
		e.inflight.leave(w.tag, &w.ticket)
		return fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	return nil
}

func checkRequestID(id string) error {
	if id == "" || len(id) > assay.MaxNameBytes {
		return &assay.FieldError{Field: "request_id", Problem: fmt.Sprintf("must have 1 to %d bytes: it is what makes a retry safe", assay.MaxNameBytes)}
	}
	return checkText("request_id", id)
}

// checkText refuses what is no UTF-8: the generated decoders let it pass, and no
// record that holds it can be read back.
func checkText(field, s string) error {
	if !utf8.ValidString(s) {
		return &assay.FieldError{Field: field, Problem: "is not valid UTF-8"}
	}
	return nil
}

// known fills w from its record when its request id was used before.
func (e *engine) known(ctx context.Context, w *work) error {
	seq, body, ok, err := e.journal.LookupTag(w.tag, w.key.caller, w.key.id)
	if err != nil {
		return fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	if !ok {
		return nil
	}
	if body != w.body {
		return fmt.Errorf("request_id: the id was used before with another body: %w", assay.ErrConflict)
	}
	return e.recall(ctx, w, seq)
}

// recall fills w from the record of seq.
func (e *engine) recall(ctx context.Context, w *work, seq uint64) error {
	rec, err := e.journal.Get(seq)
	if err != nil {
		return err
	}
	p, err := e.journal.Promise(ctx, seq)
	if err != nil {
		return err
	}
	if w.decision, err = assay.ParseDecision(rec.Decision); err != nil {
		return err
	}
	if w.decision.Outcome == assay.Failed {
		return errFailedBefore
	}
	w.seq, w.canonical, w.repeated, w.late = seq, append(w.canonical[:0], rec.Decision...), true, e.lates.of(seq)
	w.setPromise(&p)
	return nil
}

// errFailedBefore answers a request whose scoring failed after its number was taken.
var errFailedBefore = errors.New("the request was taken and its scoring failed; it stands in the journal as failed")

// sequenceLocked is the critical section, with mu held: read the windows as they
// stand, apply the event, take the next number. When it returns, w.taken is set
// or w.err. A panic becomes w's error: others of its group may have their
// numbers already, and those need their records.
func (e *engine) sequenceLocked(w *work) {
	defer caught(&w.err)
	if !w.record {
		var err error
		if w.vector, err = w.model.plan.VectorOf(w.values[:0], w.fields, &w.req.Event, w.model.windows.state); err != nil {
			w.err = err
			return
		}
		w.values = w.vector.Values
	}
	for _, st := range e.mu.windows {
		// A plan of another model may not know this kind of event.
		if st != w.model.windows && st.plan.Validate(&w.req.Event) != nil {
			continue
		}
		if err := st.plan.Observe(&w.req.Event, st.state); err != nil {
			w.err = err
			return
		}
		if st == w.model.windows {
			w.late = latenessOf(st.state)
		}
	}
	w.seq, w.taken = e.journal.Take(), true
	if w.late.late() {
		e.lates.remember(w.seq, w.late)
		e.lates.count(w.req.Event.Kind, w.late)
	}
}

// finish makes the decision and fills the record. Whatever goes wrong here is
// recorded: the number is taken.
func (e *engine) finish(w *work) {
	w.draft(e.now().UnixMicro())
	if !w.record {
		w.err = w.score()
	}
	w.complete()
}

// settled notes records that are durable.
func (e *engine) settled(ws []*work) {
	e.index.add(ws)
	var outcomes [len(e.metrics.outcomes)]int
	for _, w := range ws {
		outcomes[w.decision.Outcome]++
		if w.decision.Outcome == assay.Failed || w.record {
			continue
		}
		e.shadows.offer(w.seq)
		w.model.unseen.count(w.fields, w.model.name, e.now, e.log)
		if w.seq%driftEvery == 0 {
			e.drift.observe(w.decision.Score.PD, w.vector.Values)
		}
	}
	for o, n := range outcomes {
		if n > 0 {
			e.metrics.outcomes[o].Add(float64(n))
		}
	}
}
