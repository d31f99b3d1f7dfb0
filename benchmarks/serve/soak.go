// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/journals"
	"github.com/assayrisk/assay/benchmarks/internal/load"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// soak scores from many connections, each with one request at a time and for a
// buyer and a seller of its own, while models and policies are swapped and some
// clients read nothing. Then every acknowledged decision must be in the journal
// exactly once, with the bytes that its reply carried, and no call may have failed
// with a code that the status table does not promise. The first calls of
// connections, which wait until all of them have connected at once, have figures
// of their own.
func soak(ctx context.Context, o options) error {
	end := time.Now().Add(o.soak)
	o.gogc = 100 // as assayd runs
	server, err := startServer(ctx, o, "assay")
	if err != nil {
		return err
	}
	var s soakCalls
	var wg sync.WaitGroup
	for i := range o.connections {
		wg.Go(func() { s.connect(ctx, server.addr, i, o.pause) })
	}
	slow, stopSlow := context.WithCancel(ctx)
	defer stopSlow()
	for i := range min(16, o.connections) {
		wg.Go(func() { readSlowly(slow, server.addr, i) })
	}
	m := soakMemory{before: server.memory(ctx)}
	fmt.Printf("soak: %d connections for %v; %s\n", o.connections, o.soak, m.before)
	swaps := 0
	for time.Now().Before(end) && ctx.Err() == nil {
		load.Sleep(ctx, o.soak/16)
		swaps += swapModelAndPolicy(ctx, server.addr, swaps)
		m.during = append(m.during, server.memory(ctx))
		fmt.Printf("soak: %v left, %d acknowledged; %s\n", time.Until(end).Round(time.Second),
			s.acknowledged.Load(), m.during[len(m.during)-1])
	}
	if o.heap != "" {
		if err := server.writeHeapProfile(o.heap); err != nil {
			return err
		}
	}
	s.stop.Store(true)
	stopSlow()
	wg.Wait()
	if len(m.during) == 0 {
		server.stop()
		return errors.New("the soak was ended before it began")
	}
	load.Sleep(ctx, 2*time.Second)
	m.after = server.memory(ctx)
	fmt.Printf("soak: after it %s\n", m.after)
	server.stop()
	lost, err := countLost(ctx, o.dir, &s.decisions)
	if err != nil {
		return err
	}
	m.printFigures(o.connections)
	return s.finish(o.soak, swaps, lost)
}

// soakCalls counts the calls of all connections.
type soakCalls struct {
	stop                 atomic.Bool
	decisions            sync.Map // canonical bytes of acknowledged decisions, by request id
	acknowledged, failed atomic.Int64

	mu struct {
		sync.Mutex
		first, later latencies // of a connection's first call, and of its other calls
		unpromised   int       // calls that failed with a code that the status table does not promise
	}
}

// connect opens connection i and scores on it until the soak stops.
func (s *soakCalls) connect(ctx context.Context, addr string, i int, pause time.Duration) {
	c, err := assayclient.Dial(addr, assayclient.Config{Attempts: 1,
		DialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.WaitForReady(true))}})
	if err != nil {
		return
	}
	defer c.Close()
	first := true
	s.score(ctx, c, i, pause, func(took time.Duration) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if first {
			s.mu.first = append(s.mu.first, took)
		} else {
			s.mu.later = append(s.mu.later, took)
		}
		first = false
	})
}

// countFailure counts a call that failed and will be tried again.
func (s *soakCalls) countFailure(code codes.Code) {
	s.failed.Add(1)
	switch code {
	case codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.unpromised++
	fmt.Printf("soak: a call failed with %s, a code that the status table does not promise\n", code)
}

// finish prints the figures of the calls, when all connections are closed.
func (s *soakCalls) finish(length time.Duration, swaps, lost int) error {
	first, later, unpromised := s.mu.first, s.mu.later, s.mu.unpromised
	slices.Sort(first)
	slices.Sort(later)
	if len(later) == 0 {
		return errors.New("the soak was ended before a connection had made its second call")
	}
	perSecond := float64(s.acknowledged.Load()) / length.Seconds()
	fmt.Printf("soak: %d acknowledged (%.0f/s), %d calls tried again, %d swaps\n", s.acknowledged.Load(), perSecond,
		s.failed.Load(), swaps)
	fmt.Println(figure.One("RATE", "soak_decisions", perSecond))
	for _, q := range []struct {
		name string
		took time.Duration
	}{
		{"soak_p50", later.quantile(0.5)}, {"soak_p99", later.quantile(0.99)}, {"soak_p999", later.quantile(0.999)},
		{"soak_first_p50", first.quantile(0.5)}, {"soak_first_p99", first.quantile(0.99)},
	} {
		fmt.Println(figure.One("MS", q.name, figure.Milliseconds(q.took)))
	}
	for _, c := range []struct {
		name  string
		count float64
	}{
		{"soak_acknowledged", float64(s.acknowledged.Load())}, {"soak_swaps", float64(swaps)},
		{"soak_tried_again", float64(s.failed.Load())}, {"soak_errors_unpromised", float64(unpromised)},
		{"soak_lost", float64(lost)},
	} {
		fmt.Println(figure.One("COUNT", c.name, c.count))
	}
	if unpromised > 0 {
		return fmt.Errorf("%d calls failed with a code that the status table does not promise", unpromised)
	}
	if lost > 0 {
		return fmt.Errorf("%d acknowledged decisions are not in the journal as they were acknowledged", lost)
	}
	return nil
}

// soakMemory is the server's memory before, during and after the soak.
type soakMemory struct {
	before, after memoryHeld
	during        []memoryHeld
}

// printFigures prints what the server held. Memory does not grow if the greatest
// of the second half is that of the first half, but for the collector's timing.
func (m soakMemory) printFigures(connections int) {
	most := func(of []memoryHeld, value func(memoryHeld) float64) (most float64) {
		for _, h := range of {
			most = max(most, value(h))
		}
		return most
	}
	resident := func(h memoryHeld) float64 { return h.resident }
	half := len(m.during) / 2
	for _, f := range []figure.Figure{
		figure.One("COUNT", "soak_connections", float64(connections)),
		figure.One("MB", "soak_memory_start", m.before.resident),
		figure.One("MB", "soak_memory_first_half", most(m.during[:half], resident)),
		figure.One("MB", "soak_memory_second_half", most(m.during[half:], resident)),
		figure.One("MB", "soak_memory_peak", most(m.during, resident)),
		figure.One("MB", "soak_memory_end", m.during[len(m.during)-1].resident),
		figure.One("COUNT", "soak_goroutines_start", m.before.goroutines),
		figure.One("COUNT", "soak_goroutines_peak", most(m.during, func(h memoryHeld) float64 { return h.goroutines })),
		figure.One("COUNT", "soak_goroutines_after", m.after.goroutines),
	} {
		fmt.Println(f)
	}
}

// score scores until the soak stops. It tries an id until it is answered, and
// calls answered with the time that the last attempt took.
func (s *soakCalls) score(ctx context.Context, c *assayclient.Client, i int, pause time.Duration,
	answered func(took time.Duration)) {
	r := rand.New(rand.NewPCG(uint64(i), 11))
	for k := 0; !s.stop.Load() && ctx.Err() == nil; k++ {
		x := newApplication(r)
		e := x.event(r, time.Now())
		e.ID = fmt.Sprintf("soak-%d-%d", i, k)
		e.Entities[0].ID, e.Entities[1].ID = fmt.Sprintf("B-%05d", i), fmt.Sprintf("S-%05d", i%1000)
		for !s.stop.Load() && ctx.Err() == nil {
			call, cancel := context.WithTimeout(ctx, 10*time.Second)
			start := time.Now()
			d, err := c.Score(call, e.ID, &e)
			cancel()
			if err == nil {
				s.decisions.Store(e.ID, d.Canonical)
				s.acknowledged.Add(1)
				answered(time.Since(start))
				break
			}
			s.countFailure(status.Code(err))
			load.Sleep(ctx, 20*time.Millisecond)
		}
		if pause > 0 {
			load.Sleep(ctx, time.Duration(float64(pause)*(0.5+r.Float64())))
		}
	}
}

// readSlowly sends on a stream as much as it can and reads nothing for half a
// minute; then it begins again with another stream.
func readSlowly(ctx context.Context, addr string, i int) {
	r := rand.New(rand.NewPCG(uint64(i), 13))
	for k := 0; ctx.Err() == nil; k++ {
		call, cancel := context.WithTimeout(ctx, 30*time.Second)
		c, err := assayclient.Dial(addr, assayclient.Config{})
		if err == nil {
			m := 0
			_ = c.ScoreStream(call, func() (assayclient.Request, error) {
				m++
				x := newApplication(r)
				e := x.event(r, time.Now())
				e.ID = fmt.Sprintf("slow-%d-%d-%d", i, k, m)
				return assayclient.Request{ID: e.ID, Event: &e}, nil
			}, func(string, assayclient.Row) error { <-call.Done(); return call.Err() })
			c.Close()
		}
		cancel()
	}
}

// swapModelAndPolicy activates the other bundle and another policy, and returns
// how many of the two calls succeeded.
func swapModelAndPolicy(ctx context.Context, addr string, i int) int {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return 0
	}
	defer conn.Close()
	call, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	adm := pb.NewAdminClient(conn)
	id := fmt.Sprintf("swap-%d-%d", time.Now().UnixNano(), i)
	done := 0
	if _, err := adm.ActivateModel(call,
		&pb.ActivateModelRequest{RequestId: id, Bundle: []string{"bundle2", "bundle"}[i/2%2]}); err == nil {
		done++
	}
	if _, err := adm.SetPolicy(call,
		&pb.SetPolicyRequest{RequestId: id + "-p",
			Yaml: fmt.Appendf(nil, "name: soak-%d\ncutoffs: {review_from: 0.1, decline_from: 0.3}\n", i)}); err == nil {
		done++
	}
	return done
}

// countLost reads the journal and counts the acknowledged decisions that are not
// in it exactly once and with the same bytes.
func countLost(ctx context.Context, dir string, acknowledged *sync.Map) (lost int, err error) {
	seen := map[string]int{}
	err = journals.Run(ctx, filepath.Join(dir, "node"), journal.Config{}, func(j *journal.Journal) error {
		return j.Scan(0, ^uint64(0), func(_ uint64, r *journal.Record, err error) error {
			if err != nil || r.Kind != ledger.Decision {
				return err
			}
			seen[r.RequestID]++
			if b, ok := acknowledged.Load(r.RequestID); ok && !bytes.Equal(b.([]byte), r.Decision) {
				lost++
			}
			return nil
		})
	})
	acknowledged.Range(func(id, _ any) bool {
		if seen[id.(string)] != 1 {
			lost++
		}
		return true
	})
	return lost, err
}
