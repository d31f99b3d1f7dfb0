// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
)

// Config is what an Engine is made of. Journal, Logger and Now are required, and
// so is MaxInFlight.
type Config struct {
	Journal *journal.Journal
	Logger  *slog.Logger
	Now     func() time.Time
	// Load reads a bundle by the name that an admin gave; nil: none can be loaded.
	Load func(ctx context.Context, name string) (*models.Bundle, error)

	MaxInFlight   int           // rows under way at once
	MaxAhead      time.Duration // how far in the future an event may lie
	RatePerSecond float64       // rows a second of one caller; 0: no limit
	RateBurst     int           // rows at once of one caller; 0: one second's worth
	Traced        bool          // requests may carry a span that wants to hear of stages

	// What a start brings, beside its first model.
	FourEyes     bool
	AcceptedHead string
	StartedBy    string
	HasPolicy    bool // the first model decides by a policy that is not its bundle's
}

// Engine takes requests from their validation to their durable record.
// Everything that a decision depends on passes through its one short critical
// section, in sequence order.
type Engine struct {
	cfg      Config
	journal  *journal.Journal
	log      *slog.Logger
	now      func() time.Time
	claims   *claims
	inFlight atomic.Int64 // rows under way
	models   atomic.Pointer[Models]
	pool     sync.Pool // *group

	batchTurns  *semaphore.Weighted // rows of batches that are worked on, rowsAtOnce of them
	rowsAtOnce  int
	rates       *rateLimiter
	instruments *instruments
	shadows     *Shadows
	drift       *Drift
	late        *lateEvents
	index       *Index

	joining struct {
		sync.Mutex
		open *group // requests that wait for their leader; nil when there are none
	}

	mu struct { // the critical section
		sync.Mutex
		windows []*windows // one for each plan that is loaded
	}
}

// New makes an engine that has no model yet: Restore gives it what the journal
// says, or else its first.
func New(cfg Config) *Engine {
	e := &Engine{cfg: cfg, journal: cfg.Journal, log: cfg.Logger, now: cfg.Now, claims: newClaims(),
		rates: newRateLimiter(cfg.RatePerSecond, cfg.RateBurst), shadows: newShadows(), drift: new(Drift),
		index: newIndex(cfg.Journal.Stats().Durable), late: newLateEvents(), instruments: newInstruments(cfg.Traced)}
	e.rowsAtOnce = batchRowsAtOnce * runtime.GOMAXPROCS(0)
	e.batchTurns = semaphore.NewWeighted(int64(e.rowsAtOnce))
	e.pool.New = func() any { return new(group) }
	return e
}

// Run does what is done beside requests (challengers, the index of what was
// there before the start, lines about late events) until ctx ends, and then what
// of it still waits.
func (e *Engine) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { e.shadows.run(ctx, e.journal, e.now, e.log) })
	wg.Go(func() {
		if err := e.index.fill(ctx, e.journal); err != nil && ctx.Err() == nil {
			e.log.Warn("ListDecisions has no index of the records before the start and looks through them", "error",
				err)
		}
	})
	wg.Go(func() { e.late.run(ctx, e.log) })
	wg.Wait()
}

// Shadows are the challengers.
func (e *Engine) Shadows() *Shadows { return e.shadows }

// Drift compares what the active model sees with its training.
func (e *Engine) Drift() *Drift { return e.drift }

// Index says where the decisions that a list asks for may lie.
func (e *Engine) Index() *Index { return e.index }

// InFlight is how many rows are under way.
func (e *Engine) InFlight() int64 { return e.inFlight.Load() }

// AtOnce is how many of n requests of one caller that came one by one may be
// admitted together.
func (e *Engine) AtOnce(n int) int { return e.rates.atOnce(min(n, e.cfg.MaxInFlight)) }

// Admit counts n rows of a caller in, until Done; when the caller is over its
// rate or the engine is full it says when to come again.
func (e *Engine) Admit(caller string, n int) error {
	if err := e.AdmitRead(caller, n); err != nil {
		return err
	}
	// A batch of more rows than that is let in when it is alone.
	if after := e.inFlight.Add(int64(n)); after > int64(e.cfg.MaxInFlight) && after > int64(n) {
		e.inFlight.Add(-int64(n))
		e.rates.give(caller, n)
		return &RetryError{assay.ErrExhausted, fmt.Sprintf("the server is full: too many requests are under way, "+
			"at most %d at once (setting max-in-flight)", e.cfg.MaxInFlight), 100 * time.Millisecond}
	}
	return nil
}

// Done counts n rows out.
func (e *Engine) Done(n int) { e.inFlight.Add(-int64(n)) }

// AdmitRead counts n rows that a read costs in the caller's rate.
func (e *Engine) AdmitRead(caller string, n int) error { return e.rates.take(caller, n, e.now()) }

// batchRowsAtOnce is how many rows of batches are worked on at once for each
// processor. Between its decoding and its durable record a row takes eight
// kilobytes; with fewer under way a row costs less processor time (measured
// with 6,400 rows of 64 callers waiting, on two processors).
const batchRowsAtOnce = 256

// AdmitBatch is Admit for the rows of a batch, which wait for their turn; a
// batch of more rows than are worked on at once has its turn alone. Call leave
// when it is done.
func (e *Engine) AdmitBatch(ctx context.Context, caller string, n int) (leave func(), err error) {
	if err := e.Admit(caller, n); err != nil {
		return nil, err
	}
	share := int64(min(n, e.rowsAtOnce))
	if !e.batchTurns.TryAcquire(share) {
		if err := e.batchTurns.Acquire(ctx, share); err != nil {
			e.Done(n)
			return nil, err
		}
	}
	return func() {
		e.batchTurns.Release(share)
		e.Done(n)
	}, nil
}

// Hold keeps the critical section until release is called: requests wait before
// they get their numbers. Tests see by it what happens meanwhile.
func (e *Engine) Hold() (release func()) {
	e.mu.Lock()
	return e.mu.Unlock
}

// RetryError is an ErrExhausted or ErrUnavailable that says when to come again.
type RetryError struct {
	Kind  error
	Why   string
	After time.Duration
}

func (e *RetryError) Error() string { return e.Why }
func (e *RetryError) Unwrap() error { return e.Kind }
