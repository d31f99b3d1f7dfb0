// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
)

// decided scores n events of one buyer.
func (n *node) decided(apiKey string, events int) {
	n.t.Helper()
	var rows []assayclient.Request
	for i := range events {
		e := application(fmt.Sprintf("e-%d", i), float64(i), 600)
		rows = append(rows, assayclient.Request{ID: e.ID, Event: e})
	}
	out, err := n.dial(assayclient.Config{APIKey: apiKey}).ScoreBatch(n.t.Context(), rows)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, r := range out {
		if r.Err != nil {
			n.t.Fatal(r.Err)
		}
	}
}

// TestListCostsWhatItReads: a page that reads much takes as much of its caller's
// rate, whether or not it finds anything; a caller that is over its rate gets
// the page so far, goes on later, and misses nothing.
func TestListCostsWhatItReads(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const burst = 20
	n := start(t, t.TempDir(), Config{Auth: keys("a:score", "b:score,audit"), RatePerSecond: 1, RateBurst: burst,
		Now: func() time.Time {
			return now
		}})
	for part := range 30 { // of a caller whose bucket is filled again and again
		now = now.Add(time.Hour)
		e := part * 16
		var rows []assayclient.Request
		for i := range 16 {
			ev := application(fmt.Sprintf("e-%d", e+i), float64(i), 600)
			ev.Time = now.Add(-time.Hour)
			rows = append(rows, assayclient.Request{ID: ev.ID, Event: ev})
		}
		if _, err := n.dial(assayclient.Config{APIKey: "a-key"}).ScoreBatch(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Hour)
	rpc := pb.NewScoringClient(n.dial(assayclient.Config{APIKey: "b-key", Attempts: 1}).Conn())
	// The page below opens 480 records: 20 rows pay for 20*16 of them.
	first, err := rpc.ListDecisions(t.Context(), &pb.ListDecisionsRequest{PageSize: 1000})
	if err != nil || len(first.Decisions) == 0 || len(first.Decisions) > burst*recordsPerRow ||
		first.NextPageToken == "" {
		t.Fatalf("the first page: %v, %d decisions, token %q", err, len(first.GetDecisions()), first.GetNextPageToken())
	}
	more := &pb.ListDecisionsRequest{PageSize: 1000, PageToken: first.NextPageToken}
	if _, err := rpc.ListDecisions(t.Context(), more); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("over its rate: %v", err)
	}
	now = now.Add(time.Hour)
	rest, err := rpc.ListDecisions(t.Context(), more)
	if err != nil || len(first.Decisions)+len(rest.Decisions) != 480 {
		t.Errorf("the rest: %v, %d and %d decisions of 480", err, len(first.Decisions), len(rest.GetDecisions()))
	}
	// What the index knows not to match is not read: it costs one row.
	now = now.Add(time.Hour)
	none := &pb.ListDecisionsRequest{PageSize: 1000, Outcome: pb.Outcome_OUTCOME_FAILED,
		Entity: &pb.Entity{Role: "buyer", Id: "B-1"}}
	for i := range burst + 1 {
		l, err := rpc.ListDecisions(t.Context(), none)
		if i < burst && (err != nil || len(l.Decisions) != 0) {
			t.Fatalf("list %d: %v, %d decisions", i, err, len(l.GetDecisions()))
		}
		if i == burst && status.Code(err) != codes.ResourceExhausted {
			t.Errorf("list %d of a caller that may make %d: %v", i, burst, err)
		}
	}
}

// TestListsGiveWay: while rows are being scored a page waits every few records,
// and no more pages are filled at once than leave a processor free.
func TestListsGiveWay(t *testing.T) {
	if testing.Short() {
		t.Skip("takes over a second")
	}
	n := start(t, t.TempDir(), Config{})
	n.decided("", 320)
	rpc := pb.NewScoringClient(n.client.Conn())
	list := func() {
		t.Helper()
		if l, err := rpc.ListDecisions(t.Context(), &pb.ListDecisionsRequest{PageSize: 1000}); err != nil ||
			len(l.Decisions) != 320 {
			t.Fatalf("%v, %d decisions", err, len(l.GetDecisions()))
		}
	}
	list()
	if w := n.server.yields.Load(); w != 0 {
		t.Errorf("on an idle server a page waited %d times", w)
	}
	if err := n.server.engine.Admit("", 1); err != nil { // as if a row were under way
		t.Fatal(err)
	}
	list()
	n.server.engine.Done(1)
	if w := n.server.yields.Load(); w < 320/yieldEvery-1 {
		t.Errorf("while a row was scored, a page waited %d times", w)
	}
	// All places are taken: a page waits for its turn, and for no longer than
	// its caller.
	for range cap(n.server.fillSlots) {
		n.server.fillSlots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := rpc.ListDecisions(ctx, &pb.ListDecisionsRequest{PageSize: 1}); status.Code(err) !=
		codes.DeadlineExceeded {
		t.Errorf("a page without a place: %v", err)
	}
	<-n.server.fillSlots
	list()
}

// TestListReadsABoundedNumber: a page ends after so many records, whether or not
// it has found any.
func TestListReadsABoundedNumber(t *testing.T) {
	t.Parallel()
	p := page{size: maxPage, read: maxScan, query: &engine.Query{},
		beforeRecord: func(context.Context, int) error { return nil }}
	if err := p.addRecord(t.Context(), 7, &journal.Record{}, nil); err != errPageFull || p.next != 0 {
		t.Errorf("record %d of a page: %v, to go on at %d", maxScan+1, err, p.next)
	}
	if p.read--; p.addRecord(t.Context(), 7, &journal.Record{}, nil) != nil || p.next != 8 {
		t.Errorf("record %d of a page ends it, to go on at %d", maxScan, p.next)
	}
}
