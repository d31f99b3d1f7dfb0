// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// inForce is what the acts in the journal add up to.
type inForce struct {
	lastActivation *Act                      // nil: none
	adminActed     bool                      // an admin has activated a model or set a policy
	lastPolicy     []byte                    // YAML of the newest policy that an act has
	loaded         map[string]bool           // folders of models loaded next to the active one
	shadows        []string                  // folders of the challengers
	pending        map[assay.Digest]Proposal // acts that wait for a second admin

	lastStart     *Act    // the newest start with another configuration
	windowKernels int     // the newest version of window kernels that an act names
	current       decider // what decides since the newest act, of whatever sort
	lastDecision  decider // what made the newest decision before the first act
}

// addAct adds one act; micros is its time.
func (s *inForce) addAct(a Act, micros int64) {
	if len(a.Open) == len(assay.Digest{}) {
		open := assay.Digest(a.Open)
		if a.Kind == ActPropose {
			s.pending[open] = Proposal{a.By, a.Text, time.UnixMicro(micros)}
		} else {
			delete(s.pending, open)
		}
	}
	if len(a.Policy) > 0 {
		s.lastPolicy = a.Policy
	}
	if a.Windows > 0 {
		s.windowKernels = a.Windows
	}
	switch a.Kind {
	case ActConfigure:
		s.lastStart = &a
	case ActActivate:
		s.lastActivation, s.adminActed = &a, true
	case ActPolicy:
		s.adminActed = true
	case ActShadow:
		s.shadows = a.Bundles
	case ActLoad, ActUnload:
		for _, b := range a.Bundles {
			if s.loaded == nil {
				s.loaded = map[string]bool{}
			}
			s.loaded[b] = a.Kind == ActLoad
		}
	}
}

// addRecord adds one record.
func (s *inForce) addRecord(p *replayedRecord) {
	if p.kind == ledger.Decision && s.current == (decider{}) {
		s.lastDecision = p.decider
	}
	if IsAct(p.kind) {
		s.current = p.decider
	}
	if p.act != nil {
		s.addAct(*p.act, p.micros)
	}
}

// replayAll reads the whole journal once, and returns what its acts add up to and
// the windows of a plan.
func replayAll(ctx context.Context, j *journal.Journal, plan *features.Plan,
	late *lateEvents) (st inForce, w *planWindows, events int, err error) {
	st.pending = map[assay.Digest]Proposal{}
	w = &planWindows{plan: plan, state: plan.NewState()}
	err = readRecords(ctx, j, 0, math.MaxUint64, func(seq uint64, p *replayedRecord) error {
		st.addRecord(p)
		if p.event == nil || !plan.HasWindows() || plan.Validate(p.event) != nil {
			return nil
		}
		events++
		err := plan.Observe(p.event, w.state)
		late.rememberReplayed(seq, p, plan.Digest(), w.state)
		return err
	})
	if err != nil {
		return st, nil, events, fmt.Errorf("serving: acts and windows from the journal: %w", err)
	}
	return st, w, events, nil
}
