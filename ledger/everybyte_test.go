// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	assay "github.com/assayrisk/assay"
)

func TestEveryByteOfAReceiptCounts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	l := newTestLog(t, 11)
	r := l.receipt(t, 6)
	parts := []struct {
		name string
		part func(*assay.Receipt) []byte
		step []string // the steps that may be the first to refuse
	}{
		{"decision", func(r *assay.Receipt) []byte { return r.Decision }, []string{StepDecision}},
		{"vector", func(r *assay.Receipt) []byte { return r.Vector }, []string{StepVector}},
		{"decision key", func(r *assay.Receipt) []byte { return r.DecisionKey }, []string{StepDecision}},
		{"vector key", func(r *assay.Receipt) []byte { return r.VectorKey }, []string{StepVector}},
		{"leaf", func(r *assay.Receipt) []byte {
			return r.Leaf
		}, []string{StepLeaf, StepDecision, StepVector, StepPromise}},
		{"promise", func(r *assay.Receipt) []byte { return r.Promise }, []string{StepPromise}},
		{"inclusion 0", func(r *assay.Receipt) []byte { return r.Inclusion[0] }, []string{StepInclusion}},
		{"inclusion last", func(r *assay.Receipt) []byte {
			return r.Inclusion[len(r.Inclusion)-1]
		}, []string{StepInclusion}},
		{"checkpoint", func(r *assay.Receipt) []byte { return r.Checkpoint }, []string{StepCheckpoint}},
	}
	for _, p := range parts {
		by := map[string]int{}
		for i := range p.part(r) {
			for bit := range 8 {
				c := clone(r)
				p.part(c)[i] ^= 1 << bit
				fs := Verify(c, Trust{LogKey: l.vkey})
				step := refusedAt(fs)
				if !slices.Contains(p.step, step) {
					t.Fatalf("%s: bit %d of byte %d flipped: first refused step %q, want one of %q\n%v", p.name,
						bit, i, step, p.step, fs)
				}
				by[step]++
			}
		}
		for _, s := range slices.Sorted(maps.Keys(by)) {
			t.Logf("| receipt: %s | bit flipped | %d | %d | 0 | verify: %s %d |",
				strings.TrimSuffix(strings.TrimSuffix(p.name, " 0"), " last"), by[s], by[s], s, by[s])
		}
		for n := range p.part(r) { // cut short anywhere
			c := clone(r)
			switch p.name {
			case "decision":
				c.Decision = c.Decision[:n]
			case "vector":
				c.Vector = c.Vector[:n]
			case "leaf":
				c.Leaf = c.Leaf[:n]
			case "promise":
				c.Promise = c.Promise[:n]
			case "checkpoint":
				c.Checkpoint = c.Checkpoint[:n]
			default:
				continue
			}
			if n == 0 && (p.name == "promise" || p.name == "checkpoint") {
				continue // absent, not tampered: TestAbsentParts
			}
			if OK(Verify(c, Trust{LogKey: l.vkey})) {
				t.Fatalf("%s cut to %d bytes was accepted", p.name, n)
			}
		}
	}
}

// TestEveryByteOfAReceiptFileCounts flips each bit of the file itself.
func TestEveryByteOfAReceiptFileCounts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	l := newTestLog(t, 5)
	file, err := MarshalReceipt(l.receipt(t, 3))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := ParseReceipt(file); err != nil || !OK(Verify(r, Trust{LogKey: l.vkey})) {
		t.Fatalf("the honest file is refused: %v", err)
	}
	for i := range file {
		for bit := range 8 {
			b := bytes.Clone(file)
			b[i] ^= 1 << bit
			r, err := ParseReceipt(b)
			if err == nil && OK(Verify(r, Trust{LogKey: l.vkey})) {
				t.Fatalf("bit %d of byte %d (%q) flipped: accepted", bit, i, file[max(0, i-12):i+1])
			}
		}
	}
}
