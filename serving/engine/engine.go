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
	"github.com/prometheus/client_golang/prometheus"
)

// Config says how an Engine works. Journal, Logger, Now and MaxInFlight are
// required.
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
	KeepPersonal  time.Duration // how long personal parts are kept; 0: for ever
	Traced        bool          // requests may carry a span, to which the stages are added

	SnapshotRecords uint64 // records between two snapshots of the windows; 0: 131,072

	// What a start records, apart from its first model.
	FourEyes      bool
	AcceptedHead  string
	AcceptedClock string
	StartedBy     string
	HasPolicy     bool // the first model decides by a policy that is not its bundle's
}

// Engine takes requests from their validation to their durable record. The
// state that decisions depend on is read and changed in one short critical
// section only, in sequence order.
type Engine struct {
	cfg      Config
	journal  *journal.Journal
	log      *slog.Logger
	now      func() time.Time
	claims   *claims
	inFlight atomic.Int64 // rows under way
	models   atomic.Pointer[Models]
	pool     sync.Pool // *group

	batchTurns  *semaphore.Weighted // one unit for each row of a batch that is worked on
	rowsAtOnce  int                 // units of batchTurns
	rates       *rateLimiter
	instruments *instruments
	shadows     *Shadows
	drift       *Drift
	late        *lateEvents
	timed       []timedPart
	snapshots   *snapshots

	joining struct {
		sync.Mutex
		open *group // requests that wait for the first of them to decide all; nil when there are none
	}

	mu struct { // the critical section
		sync.Mutex
		state *State // the windows of each plan that is loaded, and what acts add up to
	}
}

// New makes an engine that has no model yet: Restore loads those that the
// journal says were loaded, or else the first one.
func New(cfg Config) *Engine {
	e := &Engine{cfg: cfg, journal: cfg.Journal, log: cfg.Logger, now: cfg.Now, claims: newClaims(),
		rates: newRateLimiter(cfg.RatePerSecond, cfg.RateBurst), shadows: newShadows(), drift: new(Drift),
		late: newLateEvents(), instruments: newInstruments(cfg.Traced)}
	e.mu.state = NewState()
	e.snapshots = newSnapshots(cfg.SnapshotRecords, cfg.Journal.States())
	e.rowsAtOnce = batchRowsAtOnce * runtime.GOMAXPROCS(0)
	e.batchTurns = semaphore.NewWeighted(int64(e.rowsAtOnce))
	e.timed = []timedPart{&retirement{journal: e.journal, keep: cfg.KeepPersonal, retired: e.retiredBelow}}
	e.pool.New = func() any { return new(group) }
	return e
}

// Run does the work in the background until ctx ends: it scores challengers,
// logs late events, and does what becomes due. When ctx
// ends it finishes what still waits.
func (e *Engine) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { e.shadows.run(ctx, e.journal, e.log) })
	wg.Go(func() { e.late.run(ctx, e.log) })
	wg.Go(func() { e.runTicks(ctx) })
	wg.Go(func() { e.runSnapshots(ctx) })
	wg.Wait()
}

// retiredBelow is the state's RetiredBelow.
func (e *Engine) retiredBelow() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mu.state.RetiredBelow()
}

// Shadows are the challengers.
func (e *Engine) Shadows() *Shadows { return e.shadows }

// Drift compares what the active model sees with its training.
func (e *Engine) Drift() *Drift { return e.drift }

// InFlight is how many rows are under way.
func (e *Engine) InFlight() int64 { return e.inFlight.Load() }

// AdmitLimit is how many of n separate requests of one caller Admit can take in
// one call.
func (e *Engine) AdmitLimit(n int) int { return e.rates.limit(min(n, e.cfg.MaxInFlight)) }

// Admit counts n rows of a caller as under way, until Done. When the caller is
// over its rate or the engine is full, its error says when to come again.
func (e *Engine) Admit(caller string, n int) error {
	if err := e.AdmitRead(caller, n); err != nil {
		return err
	}
	// A batch of more rows than MaxInFlight is let in when nothing else is under way.
	if after := e.inFlight.Add(int64(n)); after > int64(e.cfg.MaxInFlight) && after > int64(n) {
		e.inFlight.Add(-int64(n))
		e.rates.refund(caller, n)
		return &RetryError{assay.ErrExhausted, fmt.Sprintf("the server is full: too many requests are under way, "+
			"at most %d at once (setting max-in-flight)", e.cfg.MaxInFlight), 100 * time.Millisecond}
	}
	return nil
}

// Done counts n rows as finished.
func (e *Engine) Done(n int) { e.inFlight.Add(-int64(n)) }

// AdmitRead counts a read as n rows of the caller's rate.
func (e *Engine) AdmitRead(caller string, n int) error { return e.rates.take(caller, n, e.now()) }

// batchRowsAtOnce is how many rows of batches are worked on at once for each
// processor. From its decoding to its durable record a row takes eight
// kilobytes, and with fewer rows under way each costs less processor time
// (measured with 6,400 rows of 64 callers waiting, on two processors).
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

// HoldSequencing keeps the critical section locked until release is called:
// requests wait before they get their numbers. It is for tests.
func (e *Engine) HoldSequencing() (release func()) {
	e.mu.Lock()
	return e.mu.Unlock
}

// StateBytes is State.Bytes of the running engine. It is for tests.
func (e *Engine) StateBytes() (acts []byte, windows map[assay.Digest][]byte, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.mu.state.Bytes()
}

// ClaimedIDs is how many request ids are claimed by requests under way. It is
// for tests.
func (e *Engine) ClaimedIDs() (n int) {
	for i := range e.claims.shards {
		s := &e.claims.shards[i].mu
		s.Lock()
		n += len(s.m)
		s.Unlock()
	}
	return n
}

// activeUnseen is the watch of the active model; nil before there is one.
func (e *Engine) activeUnseen() *unseenWatch {
	if m := e.models.Load(); m != nil {
		return m.Active.unseen
	}
	return nil
}

// Collectors are the engine's metrics. No label holds a value of a request.
func (e *Engine) Collectors() []prometheus.Collector {
	return []prometheus.Collector{e.instruments.timing, e.instruments.decisions,
		driftCollector{e.drift}, unseenCollector{e.activeUnseen},
		e.late.events, e.late.windows}
}

// CountUnseen counts values that did not come in an event: one count for each of
// the model's Dictionaries.
func (e *Engine) CountUnseen(m *Model, counts []UnseenCount) {
	var say []unseenLine
	u := m.unseen
	u.mu.Lock()
	for i, c := range counts {
		if c.Values > 0 {
			say = u.add(say, i, c.Values, c.Unseen, e.now)
		}
	}
	u.mu.Unlock()
	logUnseen(say, m.Name, e.log)
}
