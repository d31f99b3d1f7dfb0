// SPDX-License-Identifier: Apache-2.0

package journals

import (
	"errors"
	"testing"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// TestFill: a journal is filled up to a size, also one that has records, and its
// decisions have receipts that verify.
func TestFill(t *testing.T) {
	t.Parallel()
	dir, config := t.TempDir(), journal.Config{Origin: "journals.example/log"}
	for _, n := range []int{5, 12, 12} {
		if err := Run(t.Context(), dir, config, func(j *journal.Journal) error {
			if err := Fill(t.Context(), j, n, 3); err != nil {
				return err
			}
			if s := j.Stats(); s.Durable != uint64(n) || s.Published != uint64(n) {
				t.Errorf("%d records are durable and %d published, want %d", s.Durable, s.Published, n)
			}
			r, err := j.Receipt(t.Context(), uint64(n-1))
			if err != nil {
				return err
			}
			if found := ledger.Verify(r, ledger.Trust{LogKey: j.Key()}); !ledger.OK(found) {
				t.Errorf("the receipt is refused: %v", found)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	failed := errors.New("failed")
	if err := Run(t.Context(), dir, config, func(*journal.Journal) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("Run returned %v, want the error of what it called", err)
	}
}
