// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
)

// TestDeadlineAfterTheNumber: a decision that has its number when the deadline
// passes is finished, and asking again with its id gets it.
func TestDeadlineAfterTheNumber(t *testing.T) {
	if testing.Short() {
		t.Skip("takes over a second")
	}
	var disk sync.RWMutex // held while the disk is stuck
	still := errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileWrite, errorfs.OpFileWriteAt:
			disk.RLock()
			defer disk.RUnlock()
		}
		return nil
	})
	n := startOn(t, t.TempDir(), errorfs.Wrap(vfs.NewMem(), still), Config{}, false)
	once := n.dial(assayclient.Config{LogKey: n.journal.Key(), Attempts: 1})
	disk.Lock()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	_, err := once.Score(ctx, "late", application("late", 10, 600))
	cancel()
	taken := n.journal.Stats()
	disk.Unlock()
	if status.Code(err) != codes.DeadlineExceeded || taken.Taken != begun+1 || taken.Durable != begun {
		t.Fatalf("on a stuck disk: %v with %d numbers taken and %d durable, want DEADLINE_EXCEEDED with "+
			"%d and %d", err, taken.Taken, taken.Durable, begun+1, begun)
	}
	d, err := once.Score(t.Context(), "late", application("late", 10, 600))
	if err != nil || !d.Repeated || d.Sequence != begun {
		t.Errorf("asked again: %+v, %v, want decision %d again", d, err, begun)
	}
	if rec, err := n.journal.Get(begun); err != nil || rec.Kind != ledger.Decision ||
		n.journal.Stats().Taken != begun+1 {
		t.Errorf("the record is %+v, %v, of %d", rec, err, n.journal.Stats().Taken)
	}
}

// TestDeadlineBeforeTheNumber: no method begins work past its deadline, nor is a row
// of a batch begun.
func TestDeadlineBeforeTheNumber(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	past, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for method, need := range auth.Methods() {
		if need == auth.Public {
			continue
		}
		if _, err := n.server.authorize(past, method); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want that it is too late", method, err)
		}
	}
	// The deadline passes after the call was let in.
	s := &scoringServer{Server: n.server}
	if _, err := s.Score(past, scoreRequest("one", application("one", 10, 600))); !errors.Is(err,
		context.DeadlineExceeded) {
		t.Errorf("a request: %v, want that it is too late", err)
	}
	req := &pb.ScoreBatchRequest{}
	for _, id := range []string{"a", "b", "c"} {
		req.Rows = append(req.Rows, scoreRequest(id, application(id, 10, 600)))
	}
	resp, err := s.ScoreBatch(past, req)
	if err != nil || len(resp.Rows) != 3 {
		t.Fatalf("a batch: %v, %v", resp, err)
	}
	for i, r := range resp.Rows {
		if codes.Code(r.GetError().GetCode()) != codes.DeadlineExceeded {
			t.Errorf("row %d: %v, want DEADLINE_EXCEEDED", i, r)
		}
	}
	if taken := n.journal.Stats().Taken; taken != begun {
		t.Errorf("%d numbers were taken by work that nobody waits for", taken-begun)
	}
}
