// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	assay "github.com/assayrisk/assay"
)

// Config holds the optional settings. The zero value works.
type Config struct {
	// Every is how often a new checkpoint is anchored; 0 = 1 minute. Anchoring is on a timer so that the times of
	// anchors do not reveal the volume.
	Every      time.Duration
	Poll       time.Duration // how often a pending transaction is checked; 0 = 1 second
	StuckAfter time.Duration // how long a transaction may wait before its fee is raised; 0 = 3 minutes
	ChainID    uint64        // the chain that the node must be on; 0 = the one that it names first
	Logger     *slog.Logger  // nil = silent

	// Anchored is called with each checkpoint that was anchored and its proof,
	// when both are durable, and once more for the newest when Run begins. It
	// may see the same checkpoint twice. After an error it is called again.
	Anchored func(note []byte, proof json.RawMessage) error
}

// Anchor writes the checkpoints of one log to one contract. Its methods may be
// called from several goroutines.
type Anchor struct {
	cfg    Config
	origin string
	id     Hash
	source Source
	chain  Chain
	store  *store

	mu struct {
		sync.Mutex          // one round at a time
		queue      []*entry // not proven yet, oldest first; as in the store
		last       *entry   // the newest proven entry, nil before the first
		delivered  uint64   // size of the newest checkpoint that Config.Anchored accepted
		nonceUsed  int      // rounds in a row in which the first entry's nonce was found used
		nonceAhead int      // rounds in a row in which it was found to be beyond the next one
		rejected   int      // rounds in a row in which the node refused the first entry's transaction
		chainID    uint64
	}
	status struct {
		sync.Mutex
		Status
	}
}

// Status says how anchoring is doing. Counts are since the start.
type Status struct {
	State   State     // in one word
	Size    uint64    // leaves under the newest proven anchor
	Time    time.Time // when its proof was stored
	Pending uint64    // leaves under the newest checkpoint that is sent and not proven, 0 = none
	Rounds  uint64    // rounds made
	Raised  uint64    // fees raised
	Renewed uint64    // transactions made anew: the nonce was unusable, or the node refused them
	Resent  uint64    // transactions sent again
	Covered uint64    // anchors that no final block shows themselves: a later anchor in the same block covers them
	Err     error     // of the last round, nil = none
}

// Anchored is one anchored checkpoint.
type Anchored struct {
	Checkpoint Checkpoint
	Proof      json.RawMessage
	Tx         Hash // the newest transaction that carried it, zero if it was found on the chain
}

// Open reads what earlier runs left in dir, and makes dir if there is none. It
// does not call the chain.
func Open(dir, origin string, source Source, chain Chain, cfg Config) (*Anchor, error) {
	if origin == "" || source == nil || chain == nil {
		return nil, fmt.Errorf("anchor: an origin, a source and a chain are needed: %w", assay.ErrInvalid)
	}
	for _, d := range []*time.Duration{&cfg.Every, &cfg.Poll, &cfg.StuckAfter} {
		if *d < 0 {
			return nil, fmt.Errorf("anchor: durations must not be negative: %w", assay.ErrInvalid)
		}
	}
	orDefault(&cfg.Every, time.Minute)
	orDefault(&cfg.Poll, time.Second)
	orDefault(&cfg.StuckAfter, 3*time.Minute)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Anchor{cfg: cfg, origin: origin, id: LogID(origin), source: source, chain: chain}
	s, err := openStore(dir)
	if err != nil {
		return nil, err
	}
	a.store, a.mu.chainID = s, cfg.ChainID
	a.status.State = Starting
	if a.mu.queue, err = s.pending(); err != nil {
		return nil, err
	}
	if sizes := s.sizesAbove(0); len(sizes) > 0 {
		if a.mu.last, err = s.get(sizes[len(sizes)-1]); err != nil {
			return nil, err
		}
		a.status.Size, a.status.Time = a.mu.last.Call.Size, a.mu.last.SignedAt
	}
	for _, e := range a.mu.queue {
		if e == nil || e.Version != 1 || e.Call.LogID != a.id {
			return nil, fmt.Errorf("anchor: %s holds transactions of another log than %q: give each log a directory "+
				"of its own: %w", dir, origin, assay.ErrPrecondition)
		}
	}
	if a.mu.last != nil && a.mu.last.Call.LogID != a.id {
		return nil, fmt.Errorf("anchor: %s holds anchors of another log than %q: give each log a directory of its "+
			"own: %w", dir, origin, assay.ErrPrecondition)
	}
	return a, nil
}

// maxBackoff bounds the pause after a round that failed.
const maxBackoff = 20 * time.Second

func orDefault(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

// Run anchors the newest checkpoint on the timer until ctx is done, and then
// returns nil. After an error it tries again, less and less often: when the
// chain cannot be reached, and also when its head and the log contradict each
// other. A node can say anything, and that must not stop a server from deciding.
// Status reports how anchoring is doing; [Anchor.ConfirmNewest] is the check
// before a server starts.
func (a *Anchor) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var backoff time.Duration
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		idle, err := a.round(ctx)
		wait := a.cfg.Poll
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			backoff = min(max(2*backoff, a.cfg.Poll), a.cfg.Every, maxBackoff)
			wait = backoff
			a.cfg.Logger.Debug("anchoring is tried again", "in", wait, "err", err)
		default:
			backoff = 0
			if idle {
				wait = a.cfg.Every
			}
		}
		timer.Reset(wait)
	}
}

// AnchorNow anchors the newest checkpoint without waiting for the timer, and
// returns when its proof is stored. After an error of the chain it tries again
// until ctx is done.
func (a *Anchor) AnchorNow(ctx context.Context) (Anchored, error) {
	cp, err := a.newest(ctx)
	if err != nil {
		return Anchored{}, err
	}
	if cp.Size == 0 {
		return Anchored{}, fmt.Errorf("anchor: the log has no checkpoint yet: %w", assay.ErrPrecondition)
	}
	var last error
	for {
		_, err := a.round(ctx)
		if errors.Is(err, assay.ErrCorrupt) {
			return Anchored{}, err
		}
		if done, ok := a.Covering(cp.Size - 1); ok {
			return done, nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return Anchored{}, fmt.Errorf("anchor: checkpoint of %d leaves is not anchored yet: %w", cp.Size,
				errors.Join(ctx.Err(), last))
		case <-time.After(min(a.cfg.Poll, 100*time.Millisecond)):
		}
	}
}

// Covering returns the oldest anchored checkpoint whose tree holds the leaf of
// the index, and whether there is one.
func (a *Anchor) Covering(index uint64) (Anchored, bool) {
	for _, size := range a.store.sizesAbove(index) {
		e, err := a.store.get(size)
		if err != nil {
			a.cfg.Logger.Error("an anchor cannot be read", "size", size, "err", err)
			continue
		}
		got, err := e.anchored()
		if err == nil {
			return got, true
		}
	}
	return Anchored{}, false
}

// Status returns how anchoring is doing.
func (a *Anchor) Status() Status {
	a.status.Lock()
	defer a.status.Unlock()
	return a.status.Status
}

func (e *entry) anchored() (Anchored, error) {
	cp, err := ParseCheckpoint(e.Note)
	if err != nil {
		return Anchored{}, err
	}
	out := Anchored{Checkpoint: cp, Proof: e.Proof}
	if n := len(e.Txs); n > 0 {
		out.Tx = e.Txs[n-1].Hash
	}
	return out, nil
}

// newest returns the newest published checkpoint, of size 0 before the first.
func (a *Anchor) newest(ctx context.Context) (Checkpoint, error) {
	note, err := a.source.Checkpoint(ctx)
	if err != nil || len(note) == 0 {
		return Checkpoint{}, err
	}
	cp, err := ParseCheckpoint(note)
	if err != nil {
		return Checkpoint{}, err
	}
	if cp.Origin != a.origin {
		return Checkpoint{}, fmt.Errorf("anchor: the checkpoint is of log %q, but log %q is anchored: %w", cp.Origin,
			a.origin, assay.ErrCorrupt)
	}
	return cp, nil
}
