// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"time"

	"github.com/assayrisk/assay"
)

// Act is what an admin did, or what a start changed, as its record holds it:
// canonical CBOR. The keys are frozen.
type Act struct {
	// 1, or for "activate" ActKeepsPolicy
	Version uint8 `cbor:"0,keyasint"`
	// one of the acts below
	Kind    string       `cbor:"1,keyasint"`
	By      string       `cbor:"2,keyasint"`           // the admin; for a start the configuration
	Second  string       `cbor:"3,keyasint,omitempty"` // the admin who asked first, when two were needed
	Bundles []string     `cbor:"4,keyasint,omitempty"` // folders in the model directory
	Digest  assay.Digest `cbor:"5,keyasint"`           // of the model, or of the policy
	Policy  []byte       `cbor:"6,keyasint,omitempty"` // YAML of the policy that the act puts in force
	// the proposal that "propose" opens and that an act with Second closes
	Open     []byte `cbor:"7,keyasint,omitempty"`
	Text     string `cbor:"8,keyasint,omitempty"` // of a proposal, for people
	FourEyes bool   `cbor:"9,keyasint,omitempty"` // with "configure": acts need two admins from here on
	// Windows is features.WindowKernels of the program that decides from here on, if a plan has windows; 0: not
	// stated. Programs from before 2026-12-01 did not write it, and refuse a journal that has it.
	Windows int `cbor:"10,keyasint,omitempty"`
}

// The acts, as Act.Kind names them.
const (
	ActActivate  = "activate"
	ActLoad      = "load"
	ActUnload    = "unload"
	ActShadow    = "shadow"
	ActPolicy    = "policy"
	ActPropose   = "propose"
	ActAccept    = "accept head"  // whoever started the server vouched for the log's head; Text says which, and why
	ActClock     = "accept clock" // a start whose clock nothing confirmed; Text says how far it lies ahead, and why
	ActConfigure = "configure"    // a start with another configuration than the one before
)

// ActKeepsPolicy is the version of activations that keep the policy in force,
// unless the act has another one. Activations of version 1 put their bundle's own
// policy in force.
const ActKeepsPolicy = 2

// Proposal is an act that one admin has asked for and that waits for a second.
type Proposal struct {
	By   string
	Text string
	At   time.Time
}
