// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
)

// admin implements the Admin service. One act is done at a time.
type admin struct {
	pb.UnimplementedAdminServer
	*Server
	mu struct {
		sync.Mutex
		pending map[assay.Digest]engine.Proposal // acts that wait for a second admin
	}
	preparing chan struct{} // one for each act that is being prepared
	turns     callerTurns
}

func newAdmin(s *Server, pending map[assay.Digest]engine.Proposal) *admin {
	a := &admin{Server: s, preparing: make(chan struct{}, maxPreparing)}
	a.mu.pending = pending
	return a
}

// How many acts may wait for a second admin, and for how long.
const (
	maxPending = 64
	pendingFor = 24 * time.Hour
)

// lookupAct returns the record of the act that the request id did before; ok is
// false if there is none.
func (a *admin) lookupAct(ctx context.Context, id string, body assay.Digest) (seq uint64, ok bool, err error) {
	if err := engine.CheckRequestID(id); err != nil {
		return 0, false, err
	}
	seq, was, ok, err := a.cfg.Journal.Lookup(callerOf(ctx).Name, id)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	if ok && was != body {
		return 0, false, fmt.Errorf("request_id: the id was used before with another body: %w", assay.ErrConflict)
	}
	return seq, ok, nil
}

// approve reports whether an act may be done now. With four eyes, the first admin's
// request opens a proposal, which is a record in the journal and waits for the same
// request from another admin with the same outcome: the same model m with the same
// policy. If the active model or policy has changed meanwhile, so that the request
// has another outcome, it opens a proposal of its own. When a second admin approves,
// approve adds the first to act.
func (a *admin) approve(ctx context.Context, act *engine.Act, m *engine.Model, asked assay.Digest,
	text string) (ok bool, err error) {
	if !a.cfg.FourEyes {
		return true, nil
	}
	by := m.Policy.Digest()
	open := assay.Sum(engine.BodyTag, []byte("proposal\n"), asked[:], m.Bundle.Digest[:], by[:])
	now := a.cfg.Now()
	for k, p := range a.mu.pending {
		if now.Sub(p.At) > pendingFor {
			delete(a.mu.pending, k)
		}
	}
	p, proposed := a.mu.pending[open]
	switch {
	case proposed && p.By != act.By:
		act.Second, act.Open = p.By, open[:]
		return true, nil
	case proposed: // by the same admin
		return false, nil
	case len(a.mu.pending) >= maxPending:
		return false, fmt.Errorf("%d acts wait for a second admin already, the most that may (fixed): %w",
			maxPending, assay.ErrExhausted)
	}
	_, err = a.engine.RecordAct(ctx, ledger.Activation, engine.Key{Caller: act.By}, assay.Digest{},
		&engine.Act{Version: 1, Kind: engine.ActPropose, By: act.By, Digest: act.Digest, Open: open[:], Text: text})
	if err != nil {
		return false, err
	}
	a.mu.pending[open] = engine.Proposal{By: act.By, Text: text, At: now}
	a.log.Info("an act waits for a second admin", "act", text, "by", act.By)
	return false, nil
}

// closeProposal closes the proposal that an act has carried out.
func (a *admin) closeProposal(act *engine.Act) {
	if len(act.Open) > 0 {
		delete(a.mu.pending, assay.Digest(act.Open))
	}
}

// maxPreparing bounds the acts that are prepared at once: each may read a bundle and
// compile a forest. maxPreparingOfOne bounds those of one caller, so that nobody can
// block the acts of others by asking for many bundles on a slow disk.
const maxPreparing, maxPreparingOfOne = 3, 2

// maxAttempts bounds how often an act is prepared because the active model changed
// meanwhile.
const maxAttempts = 4

// prepare calls ready, which parses the policy or reads the bundle that an act needs,
// without blocking other acts. It returns with mu held and the active model
// unchanged since ready began; the caller must call unlock. If the request id did
// the act before, before is set and mu is not held.
func (a *admin) prepare(ctx context.Context, id string, body assay.Digest, ready func() error) (seq uint64, before bool,
	unlock func(), err error) {
	for range maxAttempts {
		if seq, before, err = a.lookupAct(ctx, id, body); err != nil || before {
			return seq, before, nil, err
		}
		active := a.engine.Models().Active
		if err := a.runInTurn(ctx, ready); err != nil {
			return 0, false, nil, err
		}
		a.mu.Lock()
		if a.engine.Models().Active == active {
			// The same request may have come twice.
			if seq, before, err = a.lookupAct(ctx, id, body); err != nil || before {
				a.mu.Unlock()
				return seq, before, nil, err
			}
			return 0, false, a.mu.Unlock, nil
		}
		a.mu.Unlock()
	}
	return 0, false, nil, fmt.Errorf("the active model was changed again and again meanwhile: try again: %w",
		assay.ErrUnavailable)
}

// runInTurn runs ready once fewer than the allowed acts are being prepared, of the
// caller and in all.
func (a *admin) runInTurn(ctx context.Context, ready func() error) error {
	own, leave := a.turns.placesFor(callerOf(ctx).Name)
	defer leave()
	for _, places := range []chan struct{}{own, a.preparing} {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ready()
}

// callerTurns has the places of each caller that has an act being prepared or
// waiting for it.
type callerTurns struct {
	mu struct {
		sync.Mutex
		callers map[string]*callerPlaces
	}
}

type callerPlaces struct {
	places chan struct{}
	acts   int // being prepared or waiting; owned by callerTurns.mu
}

// placesFor returns a caller's places; leave must be called when they are no longer
// needed.
func (t *callerTurns) placesFor(caller string) (places chan struct{}, leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	own := t.mu.callers[caller]
	if own == nil {
		own = &callerPlaces{places: make(chan struct{}, maxPreparingOfOne)}
		if t.mu.callers == nil {
			t.mu.callers = map[string]*callerPlaces{}
		}
		t.mu.callers[caller] = own
	}
	own.acts++
	return own.places, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.acts--; own.acts == 0 {
			delete(t.mu.callers, caller)
		}
	}
}
