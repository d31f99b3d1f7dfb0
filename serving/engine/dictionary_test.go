// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// TestSampledRecords makes the records of a dictionary: they are decisions of the model, the same at every start, and
// of the sort that the engine writes.
func TestSampledRecords(t *testing.T) {
	e := start(t, Config{})
	m := e.models.Load().Active
	rs, again := newSampler(m).records(50), newSampler(m).records(50)
	if len(rs) < 40 {
		t.Fatalf("%d records of 50 events: the plan refuses too many", len(rs))
	}
	for i, r := range rs {
		if !bytes.Equal(r.Decision, again[i].Decision) || !bytes.Equal(r.Business, again[i].Business) {
			t.Fatalf("record %d differs the second time", i)
		}
		d, err := assay.ParseDecision(r.Decision)
		if err != nil || r.Kind == ledger.Decision && d.Score.Model != m.Bundle.Digest {
			t.Fatalf("record %d: %v, %v", i, d, err)
		}
	}
}

// TestRecordsAreCompressed compares the bytes of decisions in the journal with those of what they hold.
func TestRecordsAreCompressed(t *testing.T) {
	e := start(t, Config{})
	stored, whole := 0, 0
	for _, r := range e.requests(t, "", 200) {
		if err := e.Decide(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		n, err := e.journal.StoredBytes(r.Sequence)
		if err != nil {
			t.Fatal(err)
		}
		stored += n
		whole += len(r.record.Decision) + len(r.record.Vector) + len(r.record.Business) + len(r.record.Private)
		r.Reset()
	}
	t.Logf("%d bytes a record, leaf and seals included, of %d bytes", stored/200, whole/200)
	const sealsAndLeaf = 2*(12+16) + 12 + 32 + 260
	if stored-200*sealsAndLeaf > whole/2 {
		t.Errorf("%d bytes a record of %d: nothing is compressed", stored/200, whole/200)
	}
}
