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

// TestList: filters over many blocks of records find what reading every record
// finds, before and after a restart, and blocks without a match are skipped.
func TestList(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes over a second")
	}
	dir, cfg := t.TempDir(), Config{Auth: keys("a:score,audit,admin", "b:score"),
		Policy: []byte("name: p\ncutoffs: {review_from: 0.2, decline_from: 0.6}\n")}
	n := start(t, dir, cfg)
	n.decideBlocks()
	n.checkLists()
	n.stop()
	n = start(t, dir, cfg)
	n.checkLists()
	rare := engine.Query{From: math.MinInt64, To: math.MaxInt64, AnyOutcome: true,
		Entity: &assay.Entity{Role: "buyer", ID: "rare"}}
	index := n.server.engine.Index()
	for end := time.Now().Add(10 * time.Second); index.Filled() < 800; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the index was not filled")
		}
	}
	n.checkLists()
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

// decideBlocks scores four batches of 200 events of five buyers, and one event of
// another buyer in the third; the second batch is that of another caller.
func (n *node) decideBlocks() {
	n.t.Helper()
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
		out, err := n.dial(assayclient.Config{APIKey: who + "-key"}).ScoreBatch(n.t.Context(), rows)
		if err != nil {
			n.t.Fatal(err)
		}
		for i, r := range out {
			if r.Err != nil {
				n.t.Fatalf("row %d: %v", i, r.Err)
			}
		}
	}
}

// checkLists compares lists by several filters with the decisions themselves.
func (n *node) checkLists() {
	n.t.Helper()
	rpc := pb.NewScoringClient(n.dial(assayclient.Config{APIKey: "a-key"}).Conn())
	var all []*pb.GetDecisionResponse
	for seq := uint64(begun); seq < n.journal.Stats().Durable; seq++ {
		d, err := rpc.GetDecision(n.t.Context(),
			&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: seq}})
		if err != nil {
			n.t.Fatal(err)
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
		var want []uint64
		for _, d := range all {
			at := d.Decision.Decided.AsTime()
			if q.Entity != nil && (d.Event.Entities[0].Id != q.Entity.Id) || q.Outcome != 0 &&
				d.Decision.Outcome != q.Outcome ||
				q.From != nil && at.Before(q.From.AsTime()) || q.To != nil && !at.Before(q.To.AsTime()) {
				continue
			}
			want = append(want, d.Decision.Sequence)
		}
		if got := listed(n.t, rpc, q); !slices.Equal(got, want) {
			n.t.Errorf("%s: %d decisions, want %d", name, len(got), len(want))
		}
	}
}

// listed returns the sequence numbers of all pages of a list.
func listed(t testing.TB, rpc pb.ScoringClient, q *pb.ListDecisionsRequest) (out []uint64) {
	t.Helper()
	for {
		l, err := rpc.ListDecisions(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range l.Decisions {
			out = append(out, d.Sequence)
		}
		if q.PageToken = l.NextPageToken; q.PageToken == "" {
			return out
		}
	}
}
