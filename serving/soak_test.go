// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// soaked is a server that is cut off from power again and again, and what its
// callers were told.
type soaked struct {
	t    *testing.T
	dir  string
	cfg  Config
	life sync.RWMutex // held for writing while the power is cut
	node *node
	disk *vfs.MemFS
	off  *atomic.Bool                     // the power, of disk
	told map[string]*assayclient.Decision // by request id: what was acknowledged
	mu   sync.Mutex                       // of told
	over atomic.Bool
}

// begin starts a server on a disk.
func (s *soaked) begin(disk *vfs.MemFS) {
	off := new(atomic.Bool)
	s.disk, s.off = disk, off
	// The records' files alone: what is not there is nowhere else, and the index
	// ends the process when it cannot begin a file.
	s.node = startOn(s.t, s.dir, failing(disk, off, "/journal/records", syscall.EIO), s.cfg, true)
}

// cut takes the power away: no record is written any more, and of what was not
// synced a part is gone. Then the server starts on what is left.
func (s *soaked) cut(r *rand.Rand) {
	s.life.Lock()
	defer s.life.Unlock()
	s.off.Store(true)
	after := s.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: r.IntN(101), RNG: r})
	s.node.stop()
	s.begin(after)
}

// now is the server of the moment.
func (s *soaked) now() *node {
	s.life.RLock()
	defer s.life.RUnlock()
	return s.node
}

// acknowledge notes answers.
func (s *soaked) acknowledge(rows ...assayclient.Row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range rows {
		if x.Err != nil {
			continue
		}
		d := x.Decision
		if before := s.told[d.RequestID]; before != nil && !bytes.Equal(before.Canonical, d.Canonical) {
			s.t.Errorf("request %s was decided as %d and as %d", d.RequestID, before.Sequence, d.Sequence)
		}
		s.told[d.RequestID] = d
	}
}

// answered reports whether all requests are acknowledged.
func (s *soaked) answered(reqs []assayclient.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(reqs, func(r assayclient.Request) bool { return s.told[r.ID] == nil })
}

// promisedCode reports whether a healthy request may be refused so.
func promisedCode(err error) bool {
	switch status.Code(err) {
	case codes.OK, codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded, codes.Canceled:
		return true
	}
	return false
}

// caller asks for decisions one by one, in batches and over streams, each until
// it is acknowledged.
func (s *soaked) caller(who int) {
	r := rand.New(rand.NewPCG(7, uint64(who)))
	for k := 0; !s.over.Load() && !s.t.Failed(); k++ {
		var reqs []assayclient.Request
		for i := range []int{1, 20, 20}[k%3] {
			id := fmt.Sprintf("c%d-%d-%d", who, k, i)
			e := plain(id, float64(r.IntN(3000)))
			e.Entities[0].ID = fmt.Sprint("B-", r.IntN(9))
			reqs = append(reqs, assayclient.Request{ID: id, Event: e})
		}
		for !s.t.Failed() {
			n := s.now()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			rows, err := s.ask(ctx, n, k%3, reqs)
			cancel()
			if errors.Is(err, assayclient.ErrBadProof) || !promisedCode(err) {
				s.t.Errorf("%s: %v", reqs[0].ID, err)
			}
			for _, x := range rows {
				if errors.Is(x.Err, assayclient.ErrBadProof) || !promisedCode(x.Err) {
					s.t.Errorf("%s: %v", reqs[0].ID, x.Err)
				}
			}
			s.acknowledge(rows...)
			if s.answered(reqs) {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// ask sends requests in one of three ways.
func (s *soaked) ask(ctx context.Context, n *node, way int, reqs []assayclient.Request) (rows []assayclient.Row,
	err error) {
	switch way {
	case 0:
		d, err := n.client.Score(ctx, reqs[0].ID, reqs[0].Event)
		return []assayclient.Row{{Decision: d, Err: err}}, nil
	case 1:
		return n.client.ScoreBatch(ctx, reqs)
	}
	sent := 0
	err = n.client.ScoreStream(ctx, func() (assayclient.Request, error) {
		if sent == len(reqs) {
			return assayclient.Request{}, io.EOF
		}
		sent++
		return reqs[sent-1], nil
	}, func(_ string, x assayclient.Row) error { rows = append(rows, x); return nil })
	return rows, err
}

// slow sends on a stream and reads nothing until the power is cut or it is late.
func (s *soaked) slow(who int) {
	for k := 0; !s.over.Load() && !s.t.Failed(); k++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		sent := 0
		_ = s.now().client.ScoreStream(ctx, func() (assayclient.Request, error) {
			sent++
			id := fmt.Sprintf("s%d-%d-%d", who, k, sent)
			return assayclient.Request{ID: id, Event: plain(id, 10)}, nil
		}, func(string, assayclient.Row) error { <-ctx.Done(); return ctx.Err() })
		cancel()
	}
}

// TestSoak is a day of trouble in a short time (ASSAY_SOAK says how long, such
// as 5m): one by one, in batches and over streams, decisions are asked for while
// models and policies are swapped, the power is cut, and some clients read
// nothing. In the end each acknowledged decision has exactly one record, with the
// bytes of its reply; no request has two; and each decision is what the model
// that it names makes of the vector that it names.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	length := 4 * time.Second
	if v := os.Getenv("ASSAY_SOAK"); v != "" {
		var err error
		if length, err = time.ParseDuration(v); err != nil {
			t.Fatalf("ASSAY_SOAK: %v", err)
		}
	}
	bundles := []*models.Bundle{bundle(t, windowPlan, "zero", 0), bundle(t, windowPlan, "one", 1),
		bundle(t, windowPlan, "two", 2)}
	byDigest := map[assay.Digest]*models.Bundle{}
	for _, b := range bundles {
		byDigest[b.Digest] = b
	}
	s := &soaked{t: t, dir: t.TempDir(), told: map[string]*assayclient.Decision{},
		cfg: Config{Bundle: bundles[0], Load: loading(bundles)}}
	s.begin(vfs.NewCrashableMem())
	began := time.Now()
	var callers sync.WaitGroup
	for i := range 8 {
		callers.Go(func() { s.caller(i) })
	}
	for i := range 2 {
		callers.Go(func() { s.slow(i) })
	}
	r, cuts, swaps := rand.New(rand.NewPCG(3, 3)), 0, 0
	// Every kind of trouble comes three times, however slow the machine is.
	for k := 0; (k < 9 || time.Since(began) < length) && !t.Failed(); k++ {
		time.Sleep(time.Duration(50+r.IntN(150)) * time.Millisecond)
		adm := pb.NewAdminClient(s.now().client.Conn())
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		switch k % 3 {
		case 0:
			_, err := adm.ActivateModel(ctx,
				&pb.ActivateModelRequest{RequestId: fmt.Sprint("model-", k),
					Bundle: []string{"one", "two", "zero"}[k/3%3]})
			if swaps++; err != nil {
				t.Errorf("activation: %v", err)
			}
		case 1:
			_, err := adm.SetPolicy(ctx,
				&pb.SetPolicyRequest{RequestId: fmt.Sprint("policy-", k),
					Yaml: fmt.Appendf(nil, "name: p%d\ncutoffs: {review_from: 0.%02d, decline_from: 0.9}\n", k,
						1+k%80)})
			if swaps++; err != nil {
				t.Errorf("policy: %v", err)
			}
		case 2:
			cuts++
			s.cut(r)
		}
		cancel()
	}
	s.over.Store(true)
	callers.Wait()
	s.check(byDigest)
	t.Logf("%d acknowledged decisions, %d power cuts, %d swaps", len(s.told), cuts, swaps)
	if !t.Failed() && (len(s.told) < 100 || cuts < 2 || swaps < 4) {
		t.Error("that is too little to have tested anything")
	}
}

// check holds the journal to what was acknowledged.
func (s *soaked) check(byDigest map[assay.Digest]*models.Bundle) {
	seen := map[string]bool{}
	err := s.node.journal.Scan(0, math.MaxUint64, func(seq uint64, rec *journal.Record, err error) error {
		if err != nil || rec.Kind == ledger.Activation || rec.Kind == ledger.Policy {
			return err
		}
		if seen[rec.RequestID] {
			s.t.Errorf("request %s has two records, the second is %d", rec.RequestID, seq)
		}
		seen[rec.RequestID] = true
		if told := s.told[rec.RequestID]; told != nil && !bytes.Equal(told.Canonical, rec.Decision) {
			s.t.Errorf("record %d is not what request %s was answered", seq, rec.RequestID)
		}
		d, err := assay.ParseDecision(rec.Decision)
		if err != nil {
			return err
		}
		v, err := assay.ParseVector(rec.Vector)
		if err != nil {
			return err
		}
		if b := byDigest[d.Score.Model]; rec.Kind != ledger.Decision || b == nil || d.Score.Model != rec.Model ||
			d.Policy != rec.Policy ||
			d.Vector != v.Digest() || d.Score.Margin != b.Model.Margin(v.Values) {
			s.t.Errorf("record %d of kind %s: the decision is not what its model makes of its vector", seq, rec.Kind)
		}
		return nil
	})
	if err != nil {
		s.t.Error(err)
	}
	for id := range s.told {
		if !seen[id] {
			s.t.Errorf("request %s was acknowledged and has no record", id)
		}
	}
}
