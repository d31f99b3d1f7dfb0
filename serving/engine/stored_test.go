// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"
	"time"

	"github.com/assayrisk/assay"
)

// TestLateEventsAreStored stores more late events than one list of CBOR may hold, and remembers them again in the order
// in which they are forgotten. Those from the snapshot's number on are not of it.
func TestLateEventsAreStored(t *testing.T) {
	t.Parallel()
	const kept, below = 100_000, 200_000
	l := newLateEvents()
	l.mu.most = kept
	for seq := range uint64(below + 10) {
		l.remember(seq, Lateness{Behind: time.Duration(seq+1) * time.Second, Windows: []string{"paid"}})
	}
	taken := takenState{number: below, late: l.stored(below)}
	b, err := taken.marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	head, _, err := parseState(b)
	if err != nil {
		t.Fatal(err)
	}
	again := newLateEvents()
	again.restore(head.Late)
	if got, want := len(again.mu.order), kept-10; got != want {
		t.Fatalf("%d events, want %d", got, want)
	}
	for i, seq := range again.mu.order {
		if want := uint64(below - kept + 10 + i); seq != want {
			t.Fatalf("place %d has event %d, want %d", i, seq, want)
		}
		if got := again.lookup(seq); got.Behind != time.Duration(seq+1)*time.Second || len(got.Windows) != 1 {
			t.Fatalf("event %d: %+v", seq, got)
		}
	}
}

// FuzzParseState reads damaged states: an error, and no panic.
func FuzzParseState(f *testing.F) {
	for _, t := range []takenState{{number: 1}, {number: 9, acts: []byte{1}, late: [][]storedLate{{{Sequence: 3}}}}} {
		b, err := t.marshal([]uint64{1, 2})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{1, 0xa0})
	f.Fuzz(func(t *testing.T, b []byte) {
		head, parts, err := parseState(b)
		if err == nil && (head.Version != 1 || len(parts) != len(head.Windows)) {
			t.Fatalf("version %d, %d windows, %d parts", head.Version, len(head.Windows), len(parts))
		}
	})
}

// TestActsAreStored brings what acts add up to through its stored form.
func TestActsAreStored(t *testing.T) {
	t.Parallel()
	policy := []byte("version: 1\n")
	acts := inForce{
		lastActivation: &Act{Version: 1, Kind: ActActivate, By: "ann", Bundles: []string{"next"}}, adminActed: true,
		lastPolicy: policy, loaded: map[string]bool{"a": true, "b": false}, shadows: []string{"c"},
		pending: map[assay.Digest]Proposal{
			{7}: {By: "ann", Text: "activate d", At: time.UnixMicro(1_700_000_000_000_001)},
		},
		lastStart: &Act{Version: 1, Kind: ActConfigure, FourEyes: true}, windowKernels: 2,
		current: decider{model: assay.Digest{1}, plan: assay.Digest{2}, policy: assay.Digest{3}},
	}
	b, err := acts.marshal()
	if err != nil {
		t.Fatal(err)
	}
	var again inForce
	if err := again.unmarshal(b); err != nil {
		t.Fatal(err)
	}
	second, err := again.marshal()
	if err != nil || string(second) != string(b) {
		t.Fatalf("stored again: %x, %v, want %x", second, err, b)
	}
	if p := again.pending[assay.Digest{7}]; p.By != "ann" || !p.At.Equal(acts.pending[assay.Digest{7}].At) ||
		!again.loaded["a"] || again.loaded["b"] || string(again.lastPolicy) != string(policy) ||
		again.lastActivation.Bundles[0] != "next" || !again.lastStart.FourEyes || again.current != acts.current {
		t.Errorf("%+v", again)
	}
}
