// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"io"
	"math"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/assayclient"
)

// requests makes rows of which every fourth is wrong.
func requests(prefix string, n int) []assayclient.Request {
	out := make([]assayclient.Request, n)
	for i := range out {
		e := application(fmt.Sprintf("%s-%d", prefix, i), float64(i), 600)
		if i%4 == 3 {
			e.Fields[0].Value = assay.NumberValue(-1)
		}
		out[i] = assayclient.Request{ID: e.ID, Event: e}
	}
	return out
}

// checkRows: wrong rows have their error in their place, the others a decision
// of their own.
func checkRows(t *testing.T, rows []assayclient.Row) {
	t.Helper()
	seen := map[uint64]bool{}
	for i, r := range rows {
		if i%4 == 3 {
			if status.Code(r.Err) != codes.InvalidArgument {
				t.Errorf("row %d: got %v, want INVALID_ARGUMENT", i, r.Err)
			}
			continue
		}
		if r.Err != nil {
			t.Errorf("row %d: %v", i, r.Err)
		} else if seen[r.Decision.Sequence] {
			t.Errorf("row %d shares sequence number %d", i, r.Decision.Sequence)
		} else {
			seen[r.Decision.Sequence] = true
		}
	}
}

func TestBatch(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	reqs := requests("b", 600) // more than one group
	reqs[8] = reqs[4]          // one id twice in a batch
	rows, err := n.client.ScoreBatch(t.Context(), reqs)
	if err != nil {
		t.Fatal(err)
	}
	if rows[8].Err != nil || !rows[8].Decision.Repeated || rows[8].Decision.Sequence != rows[4].Decision.Sequence {
		t.Errorf("the second row of one id: %+v, want the first row's decision", rows[8])
	}
	rows[8] = assayclient.Row{Decision: &assayclient.Decision{Decision: assay.Decision{Sequence: math.MaxUint64}}}
	checkRows(t, rows)
	if taken := n.journal.Stats().Taken - begun; taken != 449 {
		t.Errorf("%d sequence numbers taken, want 449", taken)
	}
}

// TestBatchesThatShareIDs: two batches with the same ids in opposite orders
// must not wait for each other for ever.
func TestBatchesThatShareIDs(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for round := range 20 {
		var a, b []assayclient.Request
		for i := range 20 {
			e := application(fmt.Sprintf("s-%d-%d", round, i), 1, 600)
			a = append(a, assayclient.Request{ID: e.ID, Event: e})
			b = append([]assayclient.Request{{ID: e.ID, Event: e}}, b...)
		}
		var wg sync.WaitGroup
		for _, reqs := range [][]assayclient.Request{a, b} {
			wg.Go(func() {
				rows, err := n.client.ScoreBatch(ctx, reqs)
				if err != nil {
					t.Error(err)
				}
				for _, r := range rows {
					if r.Err != nil {
						t.Error(r.Err)
					}
				}
			})
		}
		wg.Wait()
	}
	if taken := n.journal.Stats().Taken - begun; taken != 400 {
		t.Errorf("%d sequence numbers taken, want 400", taken)
	}
}

func TestStream(t *testing.T) { streamRows(t, Config{}) }

// TestStreamOfSmallBurst: rows of a stream that are decided together are not a
// request of more rows than a caller may ask for at once.
func TestStreamOfSmallBurst(t *testing.T) {
	t.Parallel()
	streamRows(t, Config{RatePerSecond: 1e9, RateBurst: 3})
}

func streamRows(t *testing.T, cfg Config) {
	n := start(t, t.TempDir(), cfg)
	reqs := requests("s", 1000)
	var rows []assayclient.Row
	i := 0
	err := n.client.ScoreStream(t.Context(), func() (assayclient.Request, error) {
		if i == len(reqs) {
			return assayclient.Request{}, io.EOF
		}
		i++
		return reqs[i-1], nil
	}, func(id string, r assayclient.Row) error {
		if want := reqs[len(rows)].ID; id != want {
			return fmt.Errorf("answer %d is for %s, want %s: the order of the requests", len(rows), id, want)
		}
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(reqs) {
		t.Fatalf("%d answers, want %d", len(rows), len(reqs))
	}
	checkRows(t, rows)
}
