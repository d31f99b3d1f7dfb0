// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/verdict"
)

// forgery is one way to change a receipt or what it is checked against.
type forgery struct {
	name string
	step string // the step that must refuse it
	do   func(r *assay.Receipt, t *verdict.Trust) error
}

// refusal is a forgery and why it was refused.
type refusal struct{ name, why string }

// forgeries are what `assay demo` tries on every receipt. The step is where
// the first refusal must stand, or the forgery was found for a wrong reason.
func forgeries() []forgery {
	return []forgery{
		{"one bit of the feature vector", "vector", func(r *assay.Receipt, _ *verdict.Trust) error {
			return flip(r.Vector)
		}},
		{"one bit of the decision", "decision", func(r *assay.Receipt, _ *verdict.Trust) error {
			return flip(r.Decision)
		}},
		{"one bit of the inclusion proof", "inclusion", func(r *assay.Receipt, _ *verdict.Trust) error {
			if len(r.Inclusion) == 0 {
				return fmt.Errorf("the receipt has no inclusion proof")
			}
			return flip(r.Inclusion[len(r.Inclusion)/2])
		}},
		{"one bit of the checkpoint's signature", "checkpoint", flipSignature},
		{"one bit of the chain's state proof", "anchor/", flipStateProof},
		{"another chain id", "anchor/chain", func(_ *assay.Receipt, t *verdict.Trust) error {
			t.Anchor.ChainID++
			return nil
		}},
		{"another contract", "anchor/contract", func(_ *assay.Receipt, t *verdict.Trust) error {
			t.Anchor.Contract[0] ^= 1
			return nil
		}},
		{"another log key", "promise", func(_ *assay.Receipt, t *verdict.Trust) error {
			t.LogKey = otherLogKey(t.LogKey)
			return nil
		}},
	}
}

func flip(b []byte) error {
	if len(b) == 0 {
		return fmt.Errorf("there is nothing to flip a bit of")
	}
	b[len(b)/2] ^= 1
	return nil
}

// flipSignature changes one character of the base64 of the note's signature.
func flipSignature(r *assay.Receipt, _ *verdict.Trust) error {
	i := bytes.LastIndexByte(bytes.TrimRight(r.Checkpoint, "\n"), ' ')
	if i < 0 || i+12 >= len(r.Checkpoint) {
		return fmt.Errorf("the checkpoint carries no signature")
	}
	c := &r.Checkpoint[i+12]
	if *c == 'A' {
		*c = 'B'
	} else {
		*c = 'A'
	}
	return nil
}

// flipStateProof changes one bit in the storage proof of the anchor.
func flipStateProof(r *assay.Receipt, _ *verdict.Trust) error {
	p, err := anchor.ParseProof(r.Anchor)
	if err != nil {
		return err
	}
	if len(p.Nodes) == 0 {
		return fmt.Errorf("the anchor carries no state proof")
	}
	if err := flip(p.Nodes[len(p.Nodes)-1]); err != nil {
		return err
	}
	r.Anchor, err = json.Marshal(p)
	return err
}

// otherLogKey returns a well-formed verifier key of the same name that is not
// the log's: that of the all-zero seed's public key would do as well.
func otherLogKey(key string) string {
	origin, _, _ := strings.Cut(key, "+")
	return newVerifierKey(origin)
}

// tamper tries every forgery on every receipt; one that passes, or fails at
// another step than it should, ends the demo.
func (d *demo) tamper(context.Context) error {
	all := forgeries()
	d.Step("try %d forgeries on each receipt", len(all))
	for _, f := range all {
		var why string
		for _, good := range d.receipts {
			r, t, err := cloneProof(good, d.node.Trust())
			if err != nil {
				return err
			}
			if err := f.do(r, &t); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			v, err := verifyReceipt(r, t)
			if err != nil {
				return err
			}
			if v.OK {
				return fmt.Errorf("%s: the receipt still verifies: %w", f.name, assay.ErrCorrupt)
			}
			if why = v.RefusalReason(); !strings.HasPrefix(why, f.step) {
				return fmt.Errorf("%s: refused for another reason than it should: %s", f.name, why)
			}
			d.sum.TamperedRefused++
		}
		d.refusals = append(d.refusals, refusal{f.name, why})
	}
	d.Done("%d refused, each for the right reason", d.sum.TamperedRefused)
	return nil
}

// cloneProof copies a receipt and a trust file through their JSON.
func cloneProof(r *assay.Receipt, t verdict.Trust) (*assay.Receipt, verdict.Trust, error) {
	var r2 assay.Receipt
	var t2 verdict.Trust
	b, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(b, &r2)
	}
	if err != nil {
		return nil, t2, err
	}
	if b, err = json.Marshal(t); err == nil {
		err = json.Unmarshal(b, &t2)
	}
	return &r2, t2, err
}
