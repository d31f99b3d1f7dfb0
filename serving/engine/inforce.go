// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
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
			if s.pending == nil {
				s.pending = map[assay.Digest]Proposal{}
			}
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

// apply adds one record.
func (s *inForce) apply(t *Transition) {
	if t.Kind == ledger.Decision && s.current == (decider{}) {
		s.lastDecision = t.by
	}
	if IsAct(t.Kind) {
		s.current = t.by
	}
	if t.act != nil {
		s.addAct(*t.act, t.Micros)
	}
}
