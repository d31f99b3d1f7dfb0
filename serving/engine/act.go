// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// Act is what an admin did, as its record commits to it: canonical CBOR. The
// keys are frozen.
type Act struct {
	// 1; 2 of "activate" that keeps the policy in force, or says that it changes
	Version uint8 `cbor:"0,keyasint"`
	// "activate", "load", "unload", "shadow", "policy", "propose", "configure"
	What    string       `cbor:"1,keyasint"`
	By      string       `cbor:"2,keyasint"`           // the admin; of "configure" the configuration
	Second  string       `cbor:"3,keyasint,omitempty"` // the admin who asked first, when two were needed
	Bundles []string     `cbor:"4,keyasint,omitempty"` // folders in the model directory
	Digest  assay.Digest `cbor:"5,keyasint"`           // of the model, or of the policy
	Policy  []byte       `cbor:"6,keyasint,omitempty"` // YAML of the policy that the act puts in force
	// the proposal that "propose" opens, and that an act with Second closes
	Open     []byte `cbor:"7,keyasint,omitempty"`
	Text     string `cbor:"8,keyasint,omitempty"` // of a proposal, for people
	FourEyes bool   `cbor:"9,keyasint,omitempty"` // of "configure": acts need two admins from here on
	// Windows is features.WindowKernels of the program that decides from here on, where a plan has windows; 0 says
	// nothing. Programs from before 2026-12-01 wrote none, and refuse a journal that has one.
	Windows int `cbor:"10,keyasint,omitempty"`
}

// The acts, as Act.What names them.
const (
	ActActivate  = "activate"
	ActLoad      = "load"
	ActUnload    = "unload"
	ActShadow    = "shadow"
	ActPolicy    = "policy"
	ActPropose   = "propose"
	ActAccept    = "accept head" // who started the server vouched for the log's head; Text says of which and why
	ActConfigure = "configure"   // a start by another configuration than the one before
)

// ActKeepsPolicy is the version of activations under which the policy in force
// stays, unless the act has another. Those before brought their bundle's own.
const ActKeepsPolicy = 2

// Proposal is an act that one admin has asked for and that waits for a second.
type Proposal struct {
	By   string
	Text string
	At   time.Time
}

// standing is what the acts in the journal add up to.
type standing struct {
	activate *Act            // the newest activation
	acted    bool            // an admin has activated a model or set a policy
	policy   []byte          // YAML of the newest policy that an act names
	loaded   map[string]bool // folders loaded beside it
	shadows  []string
	pending  map[assay.Digest]Proposal // acts that wait for a second admin

	configured *Act    // the newest start by another configuration
	windows    int     // the newest version of window kernels that an act names
	decides    decider // what decides since the newest act, of any sort
	decided    decider // by what the last decision was made, while no act is met
}

// decider is what a record names as deciding. The zero value is none.
type decider struct{ model, plan, policy assay.Digest }

// apply adds one act, done at a time in microseconds.
func (s *standing) apply(a Act, micros int64) {
	if len(a.Open) == len(assay.Digest{}) {
		open := assay.Digest(a.Open)
		if a.What == ActPropose {
			s.pending[open] = Proposal{a.By, a.Text, time.UnixMicro(micros)}
		} else {
			delete(s.pending, open)
		}
	}
	if len(a.Policy) > 0 {
		s.policy = a.Policy
	}
	if a.Windows > 0 {
		s.windows = a.Windows
	}
	switch a.What {
	case ActConfigure:
		s.configured = &a
	case ActActivate:
		s.activate, s.acted = &a, true
	case ActPolicy:
		s.acted = true
	case ActShadow:
		s.shadows = a.Bundles
	case ActLoad, ActUnload:
		for _, b := range a.Bundles {
			if s.loaded == nil {
				s.loaded = map[string]bool{}
			}
			s.loaded[b] = a.What == ActLoad
		}
	}
}

// take adds one record.
func (s *standing) take(p *replayedRecord) {
	if p.kind == ledger.Decision && s.decides == (decider{}) {
		s.decided = p.by
	}
	if IsAct(p.kind) {
		s.decides = p.by
	}
	if p.act != nil {
		s.apply(*p.act, p.micros)
	}
}
