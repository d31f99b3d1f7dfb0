// SPDX-License-Identifier: Apache-2.0

package serving

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

// Act is what an admin did, as its record commits to it: canonical CBOR. The
// keys are frozen.
type Act struct {
	Version  uint8        `cbor:"0,keyasint"`           // 1
	What     string       `cbor:"1,keyasint"`           // "activate", "load", "unload", "shadow", "policy", "propose", "configure"
	By       string       `cbor:"2,keyasint"`           // the admin; of "configure" the configuration
	Second   string       `cbor:"3,keyasint,omitempty"` // the admin who asked first, when two were needed
	Bundles  []string     `cbor:"4,keyasint,omitempty"` // folders in the model directory
	Digest   assay.Digest `cbor:"5,keyasint"`           // of the model, or of the policy
	Policy   []byte       `cbor:"6,keyasint,omitempty"` // its YAML
	Open     []byte       `cbor:"7,keyasint,omitempty"` // the proposal that "propose" opens, and that an act with Second closes
	Text     string       `cbor:"8,keyasint,omitempty"` // of a proposal, for people
	FourEyes bool         `cbor:"9,keyasint,omitempty"` // of "configure": acts need two admins from here on
}

// The acts.
const (
	actActivate  = "activate"
	actLoad      = "load"
	actUnload    = "unload"
	actShadow    = "shadow"
	actPolicy    = "policy"
	actPropose   = "propose"
	actConfigure = "configure" // a start by another configuration than the one before
)

// standing is what the acts in the journal add up to.
type standing struct {
	activate *Act            // the newest activation
	policy   *Act            // the newest policy since then
	loaded   map[string]bool // folders loaded beside it
	shadows  []string
	pending  map[assay.Digest]proposal // acts that wait for a second admin

	configured *Act  // the newest start by another configuration
	decides    named // what decides since the newest act, of any sort
	decided    named // by what the last decision was made, while no act is met
}

// named is what a record names as deciding. The zero value is none.
type named struct{ model, plan, policy assay.Digest }

// apply adds one act, done at a time in microseconds.
func (s *standing) apply(a Act, micros int64) {
	if len(a.Open) == len(assay.Digest{}) {
		open := assay.Digest(a.Open)
		if a.What == actPropose {
			s.pending[open] = proposal{a.By, a.Text, time.UnixMicro(micros)}
		} else {
			delete(s.pending, open)
		}
	}
	switch a.What {
	case actConfigure:
		s.configured = &a
	case actActivate:
		s.activate, s.policy = &a, nil
	case actPolicy:
		s.policy = &a
	case actShadow:
		s.shadows = a.Bundles
	case actLoad, actUnload:
		for _, b := range a.Bundles {
			if s.loaded == nil {
				s.loaded = map[string]bool{}
			}
			s.loaded[b] = a.What == actLoad
		}
	}
}

// standingOf reads the acts from the journal.
func standingOf(ctx context.Context, j *journal.Journal) (standing, error) {
	s := standing{pending: map[assay.Digest]proposal{}}
	err := j.Scan(0, math.MaxUint64, func(seq uint64, r *journal.Record, unreadable error) error {
		by := named{r.Model, r.Plan, r.Policy}
		if r.Kind == ledger.Decision && s.decides == (named{}) {
			s.decided = by
		}
		if r.Kind != ledger.Activation && r.Kind != ledger.Policy {
			return ctx.Err()
		}
		s.decides = by
		if unreadable != nil {
			return ctx.Err()
		}
		var a Act
		if err := assay.UnmarshalCBOR(r.Decision, &a); err != nil {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		s.apply(a, r.Micros)
		return ctx.Err()
	})
	if err != nil {
		return s, fmt.Errorf("serving: acts from the journal: %w", err)
	}
	return s, nil
}

// replay makes the windows of a plan from the journal: every event in [from,
// to) that was sequenced, scored or recorded, in sequence order, as Observe saw
// it then. An event whose subject was erased cannot be read any more and is
// passed over; one that this plan does not accept does not concern it.
func replay(ctx context.Context, j *journal.Journal, plan *features.Plan, from, to uint64, st *features.State) (events int, err error) {
	if !plan.HasWindows() {
		return 0, nil
	}
	err = j.Scan(from, to, func(seq uint64, r *journal.Record, unreadable error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if unreadable != nil || len(r.Private) == 0 || r.Kind != ledger.Decision && r.Kind != ledger.Event && r.Kind != ledger.Failed {
			return nil
		}
		ev, err := assay.ParseEvent(r.Private)
		if err != nil {
			return fmt.Errorf("record %d: %w", seq, err)
		}
		if plan.Validate(&ev) != nil {
			return nil
		}
		events++
		return plan.Observe(&ev, st)
	})
	if err != nil {
		return events, fmt.Errorf("serving: windows from the journal: %w", err)
	}
	return events, nil
}
