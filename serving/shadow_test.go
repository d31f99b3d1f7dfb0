// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// challenged is a configuration with one challenger to load.
func challenged(t *testing.T) Config {
	b := bundle(t, planYAML, "challenger", 1)
	return Config{Load: func(_ context.Context, name string) (*models.Bundle, error) {
		if name != "challenger" {
			return nil, errors.New("no such bundle")
		}
		return b, nil
	}}
}

// shadowed waits until a decision has shadow scores.
func (n *node) shadowed(seq uint64) []*pb.ShadowScore {
	n.t.Helper()
	rpc := pb.NewScoringClient(n.client.Conn())
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		got, err := rpc.GetDecision(n.t.Context(),
			&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: seq}})
		if err != nil {
			n.t.Fatal(err)
		}
		if len(got.Shadows) > 0 {
			return got.Shadows
		}
		if time.Now().After(end) {
			n.t.Fatalf("decision %d has no shadow score", seq)
		}
	}
}

// TestShadow: each decision, by whatever method, gets a challenger's score, in a
// record of its own that has a receipt, and keeps it after a restart; erasing the
// subject erases it.
func TestShadow(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir, cfg := t.TempDir(), challenged(t)
	n := start(t, dir, cfg)
	adm := pb.NewAdminClient(n.client.Conn())
	before, err := n.client.Score(t.Context(), "before", application("before", 10, 600))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := adm.SetShadow(t.Context(),
		&pb.SetShadowRequest{RequestId: "s", Bundles: []string{"challenger"}}); err != nil {
		t.Fatal(err)
	}
	margins := map[uint64]float64{}
	d, err := n.client.Score(t.Context(), "r", application("e", 10, 600))
	if err != nil {
		t.Fatal(err)
	}
	margins[d.Sequence] = d.Score.Margin
	var rows []assayclient.Request
	for i := range 300 {
		id := fmt.Sprintf("row-%d", i)
		rows = append(rows, assayclient.Request{ID: id, Event: application(id, float64(10*i), 600)})
	}
	got, err := n.client.ScoreBatch(t.Context(), rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		margins[r.Decision.Sequence] = r.Decision.Score.Margin
	}
	n.stop() // what waits is scored before the end
	n = start(t, dir, cfg)
	adm, rpc := pb.NewAdminClient(n.client.Conn()), pb.NewScoringClient(n.client.Conn())
	var at uint64
	for seq, margin := range margins {
		sh := n.shadowed(seq)
		if len(sh) != 1 || sh[0].Model != "challenger" || sh[0].Margin != margin+1 || len(sh[0].ModelDigest) != 32 {
			t.Fatalf("decision %d: shadows %+v, want the margin %v", seq, sh, margin+1)
		}
		at = sh[0].Sequence
	}
	if first, err := rpc.GetDecision(t.Context(),
		&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: before.Sequence}}); err != nil ||
		len(first.Shadows) != 0 {
		t.Errorf("a decision from before the challenger: %v, %+v", err, first.GetShadows())
	}
	// The record is of its own kind, no decision, and has a receipt.
	if rec, err := n.journal.Get(at); err != nil || rec.Kind != ledger.Shadow {
		t.Fatalf("record %d: %+v, %v", at, rec, err)
	}
	if _, err := rpc.GetDecision(t.Context(),
		&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: at}}); status.Code(
		err) != codes.NotFound {
		t.Errorf("the shadow record as a decision: %v", err)
	}
	receipt, err := n.client.Receipt(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	if fs := ledger.Verify(receipt, ledger.Trust{LogKey: n.journal.Key()}); !ledger.OK(fs) {
		t.Errorf("the shadow record's receipt: %v", fs)
	}
	e := application("e", 10, 600).Entities[0]
	if _, err := adm.EraseSubject(t.Context(), &pb.EraseSubjectRequest{RequestId: "x", Role: e.Role, Id: e.ID}); err !=
		nil {
		t.Fatal(err)
	}
	if rec, err := n.journal.Get(at); err == nil || len(rec.Decision) != 0 {
		t.Error("the shadow scores of an erased subject can be read")
	}
}
