// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"errors"
	"strings"
	"testing"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/store"
)

func TestRetire(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, stop := start(t, dir, Config{})
	act := Record{Kind: ledger.Activation, Private: []byte("which policy is in force")} // record 0, the system's own
	if _, err := j.Append(t.Context(), j.Take(), &act); err != nil {
		t.Fatal(err)
	}
	add(t, j, 299, 8)
	if err := j.WaitPublished(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	receipt, err := j.Receipt(t.Context(), 20)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := j.Retire(t.Context(), 200); n != 199 || err != nil {
		t.Fatalf("retired %d, %v", n, err)
	}
	if n, err := j.Retire(t.Context(), 200); n != 0 || err != nil {
		t.Fatalf("retired %d again, %v", n, err)
	}
	if r, err := j.Get(20); !errors.Is(err, ErrRetired) || r.Kind != ledger.Decision {
		t.Errorf("a retired record: %+v, %v", r, err)
	}
	if _, err := j.Get(200); err != nil {
		t.Error(err)
	}
	if r, err := j.Get(0); err != nil || string(r.Private) != string(act.Private) {
		t.Errorf("the system's own record: %q, %v", r.Private, err)
	}
	if _, _, ok, err := j.Lookup("bank", "request-20"); !ok || !errors.Is(err, ErrRetired) {
		t.Errorf("a retired request: %v, %v", ok, err)
	}
	if fs := ledger.Verify(receipt, ledger.Trust{LogKey: j.Key()}); !ledger.OK(fs) {
		t.Errorf("a receipt of before: %v", fs)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := fsckOnce(t, dir); err != nil {
		t.Error(err)
	}
	j, stop = start(t, dir, Config{})
	if below, err := j.Dropped(); below != 200 || err != nil {
		t.Errorf("records below %d are said to be without their private parts, %v", below, err)
	}
	if seq, _, ok, err := j.OldestOfSubject(t.Context(), 0); seq != 1 || !ok || err != nil {
		t.Errorf("the oldest record of a subject is %d, %v, %v", seq, ok, err)
	}
	if seq, _, ok, err := j.OldestOfSubject(t.Context(), 300); seq != 300 || ok || err != nil {
		t.Errorf("after the last, the oldest record of a subject is %d, %v, %v", seq, ok, err)
	}
	if err := j.raiseMark(store.Dropped, 250); err != nil { // files of before a retirement were put back
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := fsckOnce(t, dir); err == nil || !strings.Contains(err.Error(), "record 200 is there") {
		t.Errorf("private parts that should be gone: %v", err)
	}
}
