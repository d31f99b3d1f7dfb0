// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"testing"
)

func TestVerifyHonestReceipts(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 7, 8, 100} {
		l := newTestLog(t, n)
		for i := range n {
			fs := Verify(l.receipt(t, i), Trust{LogKey: l.vkey})
			if !OK(fs) || len(fs) != 6 {
				t.Fatalf("leaf %d of %d: %v", i, n, fs)
			}
		}
	}
}

func TestAbsentParts(t *testing.T) {
	t.Parallel()
	l := newTestLog(t, 4)
	r := l.receipt(t, 2)
	r.Checkpoint, r.Inclusion = nil, nil // promised, not yet published
	if fs := Verify(r, Trust{LogKey: l.vkey}); !OK(fs) || fs[len(fs)-1].State != Absent {
		t.Fatalf("a promise alone: %v", fs)
	}
	r = l.receipt(t, 2)
	r.Promise = nil
	if fs := Verify(r, Trust{LogKey: l.vkey}); !OK(fs) {
		t.Fatalf("without a promise: %v", fs)
	}
	r.Checkpoint, r.Inclusion = nil, nil // openings and a leaf that anybody can make
	if fs := Verify(r, Trust{LogKey: l.vkey}); OK(fs) || refusedAt(fs) != StepReceipt {
		t.Fatalf("without any signature of the log: %v", fs)
	}
}

func BenchmarkVerify(b *testing.B) {
	l := newTestLog(b, 4096)
	file, err := MarshalReceipt(l.receipt(b, 1234))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := ParseReceipt(file)
		if err != nil || !OK(Verify(r, Trust{LogKey: l.vkey})) {
			b.Fatal("refused")
		}
	}
	b.ReportMetric(float64(len(file)), "bytes/receipt")
}
