// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

// TestList: filters over many blocks of records give what looking at every
// record gives, before and after a restart, and blocks that hold nothing are
// passed over.
func TestList(t *testing.T) {
	dir, cfg := t.TempDir(), Config{Auth: keys("a:score,audit,admin", "b:score"),
		Policy: []byte("name: p\ncutoffs: {review_from: 0.2, decline_from: 0.6}\n")}
	n := start(t, dir, cfg)
	for block := range 4 {
		var rows []assayclient.Request
		for i := range 200 {
			e := application(fmt.Sprintf("e-%d-%d", block, i), float64(i*10), 300+float64(i*7%400))
			e.Entities[0].ID = fmt.Sprintf("B-%d", i%5)
			if block == 2 && i == 100 {
				e.Entities[0].ID = "rare"
			}
			rows = append(rows, assayclient.Request{ID: e.ID, Event: e})
		}
		who := "a"
		if block == 1 {
			who = "b"
		}
		out, err := n.dial(assayclient.Config{APIKey: who + "-key"}).ScoreBatch(t.Context(), rows)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range out {
			if r.Err != nil {
				t.Fatalf("row %d: %v", i, r.Err)
			}
		}
	}
	check := func(n *node) {
		t.Helper()
		rpc := pb.NewScoringClient(n.dial(assayclient.Config{APIKey: "a-key"}).Conn())
		var all []*pb.GetDecisionResponse
		for seq := uint64(begun); seq < n.journal.Stats().Durable; seq++ {
			d, err := rpc.GetDecision(t.Context(),
				&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: seq}})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, d)
		}
		middle := all[450].Decision.Decided
		for name, q := range map[string]*pb.ListDecisionsRequest{
			"all":     {},
			"rare":    {Entity: &pb.Entity{Role: "buyer", Id: "rare"}},
			"nobody":  {Entity: &pb.Entity{Role: "buyer", Id: "nobody"}},
			"entity":  {Entity: &pb.Entity{Role: "buyer", Id: "B-3"}, PageSize: 7},
			"decline": {Outcome: pb.Outcome_OUTCOME_DECLINE, PageSize: 50},
			"failed":  {Outcome: pb.Outcome_OUTCOME_FAILED},
			"from":    {From: middle},
			"to":      {To: middle, Outcome: pb.Outcome_OUTCOME_APPROVE},
			"never":   {From: timestamppb.New(time.Now().Add(time.Hour))},
		} {
			var want, got []uint64
			for _, d := range all {
				at := d.Decision.Decided.AsTime()
				if q.Entity != nil && (d.Event.Entities[0].Id != q.Entity.Id) || q.Outcome != 0 &&
					d.Decision.Outcome != q.Outcome ||
					q.From != nil && at.Before(q.From.AsTime()) || q.To != nil && !at.Before(q.To.AsTime()) {
					continue
				}
				want = append(want, d.Decision.Sequence)
			}
			for {
				l, err := rpc.ListDecisions(t.Context(), q)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for _, d := range l.Decisions {
					got = append(got, d.Sequence)
				}
				if q.PageToken = l.NextPageToken; q.PageToken == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d decisions, want %d", name, len(got), len(want))
			}
		}
	}
	check(n)
	n.stop()
	n = start(t, dir, cfg)
	check(n)
	rare := engine.Query{From: math.MinInt64, To: math.MaxInt64, AnyOutcome: true,
		Entity: &assay.Entity{Role: "buyer", ID: "rare"}}
	index := n.server.engine.Index()
	for end := time.Now().Add(10 * time.Second); index.Filled() < 800; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the index was not filled")
		}
	}
	check(n)
	if at, ok := index.Next(0, &rare); !ok || at == 0 {
		t.Errorf("the first block for the rare entity: %d, %v", at, ok)
	}
	if at, ok := index.Next(768, &rare); ok {
		t.Errorf("a block after the rare entity: %d", at)
	}
	if o, ok := wire.Outcome(pb.Outcome_OUTCOME_FAILED); ok {
		if at, ok := index.Next(0, &engine.Query{From: math.MinInt64, To: math.MaxInt64, Outcome: o}); ok {
			t.Errorf("a block with a failed decision: %d", at)
		}
	}
}
