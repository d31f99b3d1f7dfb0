// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/wire"
)

// callers: who may not call, and who went away.
func (s seen) callers(t *testing.T) {
	n := start(t, t.TempDir(), statusConfig(t))
	table := auth.Methods()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for full, need := range table {
		method := strings.TrimPrefix(strings.TrimPrefix(full, "/"), "assay.v1.")
		if need == auth.Public || strings.HasPrefix(method, "grpc.") {
			continue
		}
		call := func(ctx context.Context, key string) func() error {
			conn := n.dial(assayclient.Config{APIKey: key}).Conn()
			return func() error {
				if code := callEmpty(ctx, conn, full); code != codes.OK {
					return status.Error(code, "")
				}
				return nil
			}
		}
		s.want(t, method, codes.Unauthenticated, "a wrong key", call(t.Context(), "wrong"))
		who := "reader-key"
		if need&auth.Read != 0 {
			who = "recorder-key"
		}
		s.want(t, method, codes.PermissionDenied, "another role", call(t.Context(), who))
		s.want(t, method, codes.Canceled, "the caller went away", call(gone, "all-key"))
	}
}

// rates: more than a caller may ask for, or than the server takes.
func (s seen) rates(t *testing.T) {
	cfg := statusConfig(t)
	cfg.RatePerSecond, cfg.RateBurst = 0.01, 1
	n := start(t, t.TempDir(), cfg)
	c, ctx := n.all("all-key"), t.Context()
	if _, err := c.score.Score(ctx, scoreRequest("one", application("one", 10, 600))); err != nil {
		t.Fatal(err)
	}
	limited := c.limited(ctx)
	reads := map[string]func() error{
		"Scoring/GetDecision": func() error {
			_, err := c.score.GetDecision(ctx,
				&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: begun}})
			return err
		},
		"Scoring/GetReceipt": func() error {
			_, err := c.score.GetReceipt(ctx, &pb.GetReceiptRequest{Sequence: begun})
			return err
		},
		"Scoring/ListDecisions": func() error {
			_, err := c.score.ListDecisions(ctx, &pb.ListDecisionsRequest{})
			return err
		},
	}
	for _, calls := range []map[string]func() error{limited, reads} {
		for method, call := range calls {
			s.want(t, method, codes.ResourceExhausted, "over the rate", call)
		}
	}
	cfg = statusConfig(t)
	cfg.MaxInFlight = 1
	n = start(t, t.TempDir(), cfg)
	defer n.fill(1)()
	for method, call := range n.all("all-key").limited(ctx) {
		s.want(t, method, codes.ResourceExhausted, "a full server", call)
	}
}

// faults: scoring that fails, an unpublished record, deadlines, and draining.
func (s seen) faults(t *testing.T) {
	n := start(t, t.TempDir(), statusConfig(t))
	c, ctx := n.all("all-key"), t.Context()
	mend := n.failScoring()
	for _, method := range []string{"Scoring/Score", "Scoring/ScoreBatch", "Scoring/ScoreStream"} {
		s.want(t, method, codes.Internal, "scoring that fails", c.byID(ctx, method, 0)[method])
	}
	mend()
	s.deadlines(t, n)
	s.want(t, "Scoring/GetReceipt", codes.FailedPrecondition, "not published yet", func() error {
		for i := range 200 { // between a record and its publication there are 50 ms
			m, err := c.score.Record(ctx,
				&pb.RecordRequest{RequestId: fmt.Sprintf("fresh %d", i),
					Event: wire.Event(application("fresh", 10, 600))})
			if err != nil {
				return err
			}
			if _, err := c.score.GetReceipt(ctx, &pb.GetReceiptRequest{Sequence: m.Sequence}); err != nil {
				return err
			}
		}
		return nil
	})
	conn := n.dial(assayclient.Config{APIKey: "all-key"}).Conn()
	n.server.draining.Store(true) // the first step of a drain; the connections stay open
	for full, need := range auth.Methods() {
		method := strings.TrimPrefix(strings.TrimPrefix(full, "/"), "assay.v1.")
		if need == auth.Public || strings.HasPrefix(method, "grpc.") {
			continue
		}
		s.want(t, method, codes.Unavailable, "draining", func() error {
			return status.Error(callEmpty(ctx, conn, full), "")
		})
	}
}

// deadlines: calls that wait longer than their deadline. The server itself must
// end them, not the client alone: it sees the deadline, or that the client has
// left at its deadline, whichever comes first.
func (s seen) deadlines(t *testing.T, n *node) {
	c, ctx := n.all("all-key"), t.Context()
	// The id is held by a request under way: the others wait for it.
	release := n.server.engine.HoldSequencing()
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := c.score.Score(ctx, scoreRequest("held", application("held", 10, 600))); err != nil {
			t.Error(err)
		}
	})
	for n.server.engine.ClaimedIDs() == 0 { // under way alone is too soon: the others would claim the id
		time.Sleep(time.Millisecond)
	}
	for _, method := range []string{"Scoring/Score", "Scoring/Record"} {
		s.want(t, method, codes.DeadlineExceeded, "an id that is under way", func() error {
			short, cancel := context.WithTimeout(ctx, time.Second) // long enough for a busy machine to begin the call
			defer cancel()
			return c.byID(short, "held", 0)[method]()
		})
	}
	s.want(t, "Scoring/WatchCheckpoints", codes.DeadlineExceeded, "no other checkpoint", func() error {
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		return c.watch(short)
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		w := httptest.NewRecorder()
		n.server.Ops().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		missing := ""
		for _, m := range []string{"Score", "Record", "WatchCheckpoints"} {
			if !regexp.MustCompile(
				`grpc_server_handled_total\{grpc_code="(?:DeadlineExceeded|Canceled)",grpc_method="` + m +
					`"[^}]*\} [1-9]`).Match(w.Body.Bytes()) {
				missing = m
			}
		}
		if missing == "" {
			break
		}
		if time.Now().After(end) {
			t.Errorf("the server did not end %s at its deadline", missing)
			break
		}
	}
	release()
	first.Wait()
}

// disk: nothing can be made durable any more.
func (s seen) disk(t *testing.T) {
	var broken atomic.Bool
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFileSync, errorfs.OpFileSyncData,
			errorfs.OpCreate, errorfs.OpRename:
			if broken.Load() {
				return syscall.ENOSPC
			}
		}
		return nil
	})
	n := startOn(t, t.TempDir(), errorfs.Wrap(vfs.NewCrashableMem(), inject), statusConfig(t), true)
	c, ctx := n.all("all-key"), t.Context()
	if _, err := c.score.Score(ctx, scoreRequest("known", application("known", 10, 600))); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	_, _ = c.score.Score(ctx, scoreRequest("finds out", application("finds out", 10, 600)))
	for method, call := range c.byID(ctx, "broken", 1) {
		s.want(t, method, codes.Unavailable, "a full disk", call)
	}
}
