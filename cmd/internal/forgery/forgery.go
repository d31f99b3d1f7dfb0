// SPDX-License-Identifier: Apache-2.0

// Package forgery changes receipts, or what they are checked against, in ways
// that verification must refuse: `assay demo` tries each on every receipt.
package forgery

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/verdict"
)

// Forgery is one way to change a receipt or what it is checked against.
type Forgery struct {
	Name string
	Step string // the step that must be the first to refuse it, or it was found for a wrong reason
	Do   func(r *assay.Receipt, t *verdict.Trust) error
}

// All are the forgeries that every receipt must withstand.
func All() []Forgery {
	return []Forgery{
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

// otherLogKey returns a fresh verifier key of the same name as the log's.
func otherLogKey(key string) string {
	origin, _, _ := strings.Cut(key, "+")
	_, other, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		panic(err) // rand.Reader does not fail
	}
	return other
}

// Clone copies a receipt and a trust file through their JSON.
func Clone(r *assay.Receipt, t verdict.Trust) (*assay.Receipt, verdict.Trust, error) {
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
