// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
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
	from, to := journal.AllTimes()
	for _, x := range []struct {
		name  string
		query engine.Query
		want  int // records that are read
	}{
		{"rare", engine.Query{From: from, To: to, AnyOutcome: true,
			Entity: &assay.Entity{Role: "buyer", ID: "rare"}}, 1},
		{"failed", engine.Query{From: from, To: to, Outcome: assay.Failed}, 0},
		{"the caller's", engine.Query{From: from, To: to, AnyOutcome: true, OwnOnly: true, Caller: "b"}, 200},
	} {
		search, err := x.query.Search(n.journal)
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for at, durable := uint64(0), n.journal.Stats().Durable; at < durable; {
			first, end, err := search.Next(at)
			if err != nil {
				t.Fatal(err)
			}
			at = min(end, durable)
			read += int(at - min(first, at))
		}
		if read != x.want {
			t.Errorf("%s: %d records are read, want %d", x.name, read, x.want)
		}
		if err := search.Close(); err != nil {
			t.Fatal(err)
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
