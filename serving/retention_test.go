// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestKeepPersonal: a server drops personal parts that are older than it may keep
// them, by itself; then the decision cannot be read any more, and its receipt verifies.
func TestKeepPersonal(t *testing.T) {
	t.Parallel()
	dir, at := t.TempDir(), start2026
	cfg := Config{Now: func() time.Time { return at }, KeepPersonal: 30 * 24 * time.Hour}
	n := start(t, dir, cfg)
	old, err := n.client.Score(t.Context(), "old", application("old", 10, 600))
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := n.client.Receipt(t.Context(), old.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	n.stop()
	at = at.Add(32 * 24 * time.Hour)
	n = start(t, dir, cfg)
	young, err := n.client.Score(t.Context(), "young", application("young", 10, 600))
	if err != nil {
		t.Fatal(err)
	}
	read := func(seq uint64) codes.Code {
		_, err := pb.NewScoringClient(n.client.Conn()).GetDecision(t.Context(),
			&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: seq}})
		return status.Code(err)
	}
	for end := time.Now().Add(20 * time.Second); read(old.Sequence) != codes.FailedPrecondition; {
		if time.Now().After(end) {
			t.Fatalf("after 32 days, an old decision answers %s", read(old.Sequence))
		}
		time.Sleep(5 * time.Millisecond)
	}
	if code := read(young.Sequence); code != codes.OK {
		t.Errorf("a young decision answers %s", code)
	}
	if fs := ledger.Verify(receipt, ledger.Trust{LogKey: n.journal.Key()}); !ledger.OK(fs) {
		t.Errorf("the receipt of the old decision: %v", fs)
	}
	ticks := 0
	err = n.journal.Scan(0, n.journal.Stats().Durable, func(_ uint64, r *journal.Record, _ error) error {
		if r.Kind == ledger.Tick {
			ticks++
		}
		return nil
	})
	if err != nil || ticks != 1 {
		t.Errorf("%d ticks, %v, want 1", ticks, err)
	}
	if _, err := New(Config{Bundle: bundle(t, planYAML, "first", 0), Journal: n.journal,
		KeepPersonal: time.Hour}); !errors.Is(err, assay.ErrInvalid) || !has(err, "keep-personal") {
		t.Errorf("an hour: %v", err)
	}
}
