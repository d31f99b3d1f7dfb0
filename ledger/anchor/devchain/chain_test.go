// SPDX-License-Identifier: Apache-2.0

package devchain

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger/anchor"
)

const origin = "assay.test/log"

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// TestAnchorAndReopen anchors, stops the chain, opens it again, and anchors more:
// the contract, the head and the stored anchors are still there.
func TestAnchorAndReopen(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	ctx := testContext(t)
	dir := t.TempDir()
	log := memlog.New(origin)
	var contract anchor.Address
	var told int
	for run := range 3 {
		cfg := anchor.Config{Anchored: func([]byte, json.RawMessage) error { told++; return nil }}
		e, err := Start(ctx, dir, origin, log, Config{}, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if run == 0 {
			contract = e.Client.Contract()
			if _, err := e.Anchor.AnchorNow(ctx); !errors.Is(err, assay.ErrPrecondition) {
				t.Fatalf("anchoring an empty log: %v, want ErrPrecondition", err)
			}
		} else if e.Client.Contract() != contract {
			t.Fatalf("contract moved from %s to %s", contract, e.Client.Contract())
		}
		for range 3 {
			log.Grow(7)
			got, err := e.Anchor.AnchorNow(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got.Checkpoint.Size != log.Size() {
				t.Fatalf("anchored %d leaves, want %d", got.Checkpoint.Size, log.Size())
			}
			r := anchor.VerifyProof(got.Proof, got.Checkpoint, e.Trust())
			if r.Level != anchor.NotVouchedFor {
				t.Fatalf("level %q: %+v", r.Level, r.Findings)
			}
		}
		if head, err := e.Client.Head(ctx, anchor.LogID(origin)); err != nil || head.Size != log.Size() ||
			head.Anchors != uint32(3*(run+1)) {
			t.Fatalf("head %+v, %v", head, err)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if told < 9 {
		t.Fatalf("Config.Anchored was called %d times, want at least 9", told)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(t.Context(), t.TempDir(), Config{Host: "0.0.0.0"}); !errors.Is(err, assay.ErrInvalid) {
		t.Fatalf("listening on all addresses: %v, want ErrInvalid", err)
	}
}
