// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	assay "github.com/assayrisk/assay"
)

// receiptsPerLie is the number of receipts to which each lie is applied.
const receiptsPerLie = 50

// forgery is a lie about a receipt, with valid signatures where a liar could have
// them.
type forgery struct {
	name string
	lie  func(r *assay.Receipt, i, j int) (key string) // r is of record i, j is another
	step string                                        // the first step that refuses it
}

// forgeries is the table of TestForgeries.
func forgeries(t *testing.T, l *testLog) []forgery {
	other := newTestLog(t, receiptsPerLie+8) // the same log key over another tree: a fork
	stranger := NewKey(testOrigin, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)).Public().(ed25519.PublicKey))
	elsewhere := NewKey("other.example/log", l.key.Public)
	return []forgery{
		{"another log's key", func(r *assay.Receipt, i, j int) string { return stranger.String() }, StepPromise},
		{"another origin, same key", func(r *assay.Receipt, i, j int) string {
			return elsewhere.String()
		}, StepReceipt},
		{"wrong origin in the receipt", func(r *assay.Receipt, i, j int) string {
			r.Log = "x" + r.Log
			return l.vkey
		}, StepReceipt},
		{"proof of another leaf", func(r *assay.Receipt, i, j int) string {
			r.Inclusion = l.receipt(t, j).Inclusion
			return l.vkey
		}, StepInclusion},
		{"another index", func(r *assay.Receipt, i, j int) string { r.Index = uint64(j); return l.vkey }, StepLeaf},
		{"another leaf", func(r *assay.Receipt, i, j int) string {
			r.Leaf = l.openings[j].Leaf
			return l.vkey
		}, StepDecision},
		{"another record's openings", func(r *assay.Receipt, i, j int) string {
			o := l.openings[j]
			r.Decision, r.Vector, r.DecisionKey, r.VectorKey = o.Decision, o.Vector, o.DecisionKey, o.VectorKey
			return l.vkey
		}, StepDecision},
		{"promise of another leaf", func(r *assay.Receipt, i, j int) string {
			r.Promise = l.receipt(t, j).Promise
			return l.vkey
		}, StepPromise},
		{"checkpoint of a fork", func(r *assay.Receipt, i, j int) string {
			r.Checkpoint = other.receipt(t, i).Checkpoint
			return l.vkey
		}, StepInclusion},
		{"older checkpoint", func(r *assay.Receipt, i, j int) string {
			r.Checkpoint = newTestLog(t, i+1).receipt(t, i).Checkpoint
			return l.vkey
		}, StepInclusion},
		{"proof dropped", func(r *assay.Receipt, i, j int) string { r.Inclusion = nil; return l.vkey }, StepInclusion},
		{"proof too long", func(r *assay.Receipt, i, j int) string {
			r.Inclusion = append(r.Inclusion, make([]byte, 32))
			return l.vkey
		}, StepInclusion},
		{"checkpoint dropped", func(r *assay.Receipt, i, j int) string {
			r.Checkpoint = nil
			return l.vkey
		}, StepInclusion},
		{"checkpoint used as a promise", func(r *assay.Receipt, i, j int) string {
			r.Promise = r.Checkpoint
			return l.vkey
		}, StepPromise},
		{"key cut", func(r *assay.Receipt, i, j int) string {
			r.DecisionKey = r.DecisionKey[:31]
			return l.vkey
		}, StepDecision},
		{"version 2", func(r *assay.Receipt, i, j int) string { r.Version = 2; return l.vkey }, StepReceipt},
		{"no key", func(r *assay.Receipt, i, j int) string { return "" }, StepReceipt},
		{"a decision that the leaf commits to, with another leaf's words", func(r *assay.Receipt, i, j int) string {
			d, err := assay.ParseDecision(r.Decision)
			if err != nil {
				t.Fatal(err)
			}
			d.Outcome = assay.Approve
			d.Policy = assay.Sum("other\n")
			r.Decision, _ = d.MarshalBinary()
			leaf := l.leaves[i]
			leaf.Decision = CommitDecision(r.DecisionKey, r.Decision)
			r.Leaf = leaf.AppendBinary(nil)
			return l.vkey
		}, StepLeaf},
	}
}

// TestForgeries applies each lie to fifty receipts.
func TestForgeries(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, receiptsPerLie+6)
	for _, tt := range forgeries(t, l) {
		t.Run(tt.name, func(t *testing.T) {
			for i := range receiptsPerLie {
				r := clone(l.receipt(t, i))
				fs := Verify(r, Trust{LogKey: tt.lie(r, i, i+1+i%5)})
				if step := refusedAt(fs); step != tt.step {
					t.Fatalf("record %d: first refused step %q, want %q\n%v", i, step, tt.step, fs)
				}
				if OK(fs) {
					t.Fatalf("record %d: accepted", i)
				}
			}
			t.Logf("| receipt | %s | %d | %d | 0 | verify: %s %d |", tt.name, receiptsPerLie, receiptsPerLie,
				tt.step, receiptsPerLie)
		})
	}
}
