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
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// soak scores from many connections, each with one request at a time and for a
// buyer and a seller of its own, while models and policies are swapped and some
// clients read nothing. Then every acknowledged decision must stand in the
// journal exactly once, with the bytes that its reply carried, and no call may
// have failed with a code that the status table does not promise. A connection's
// first call, which waits until all of them have connected at once, has figures
// of its own.
func soak(ctx context.Context, o options) error {
	end := time.Now().Add(o.soak)
	o.gogc = 100 // as assayd runs
	server, err := spawn(ctx, o, "assay")
	if err != nil {
		return err
	}
	var acked sync.Map // request id -> []byte
	var n, failed atomic.Int64
	var mu sync.Mutex
	var all, firsts latencies
	codesSeen := make(chan codes.Code, 1<<16)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range o.connections {
		wg.Go(func() {
			c, err := assayclient.Dial(server.addr,
				assayclient.Config{Attempts: 1,
					Options: []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.WaitForReady(true))}})
			if err != nil {
				return
			}
			defer c.Close()
			first := true
			ack := func(id string, canonical []byte, took time.Duration) {
				acked.Store(id, canonical)
				n.Add(1)
				mu.Lock()
				defer mu.Unlock()
				if first {
					firsts = append(firsts, took)
				} else {
					all = append(all, took)
				}
				first = false
			}
			soakCaller(ctx, c, i, o.pause, &stop, ack, func(code codes.Code) {
				failed.Add(1)
				select {
				case codesSeen <- code:
				default:
				}
			})
		})
	}
	slow, stopSlow := context.WithCancel(ctx)
	defer stopSlow()
	for i := range min(16, o.connections) {
		wg.Go(func() { slowReader(slow, server.addr, i) })
	}
	fmt.Printf("soak: %d connections for %v; %s\n", o.connections, o.soak, server.memory())
	before := server.memory()
	var course []held
	swaps := 0
	for time.Now().Before(end) && ctx.Err() == nil {
		wait(ctx, o.soak/16)
		swaps += swapSome(ctx, server.addr, swaps)
		course = append(course, server.memory())
		fmt.Printf("soak: %v left, %d acknowledged; %s\n", time.Until(end).Round(time.Second),
			n.Load(), course[len(course)-1])
	}
	if o.heap != "" {
		if err := server.heap(o.heap); err != nil {
			return err
		}
	}
	stop.Store(true)
	stopSlow()
	wg.Wait()
	if len(course) == 0 {
		server.stop()
		return errors.New("the soak was ended before it began")
	}
	wait(ctx, 2*time.Second)
	after := server.memory()
	fmt.Printf("soak: after it %s\n", after)
	server.stop()
	close(codesSeen)
	unpromised := 0
	for c := range codesSeen {
		switch c {
		case codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded:
		default:
			unpromised++
			fmt.Printf("soak: a call failed with %s, which a healthy request is not promised\n", c)
		}
	}
	slices.Sort(all)
	slices.Sort(firsts)
	if len(all) == 0 {
		return errors.New("the soak was ended before a connection had made its second call")
	}
	lost, err := audit(ctx, o.dir, &acked)
	if err != nil {
		return err
	}
	fmt.Printf("soak: %d acknowledged (%.0f/s), %d calls tried again, %d swaps\n", n.Load(),
		float64(n.Load())/o.soak.Seconds(), failed.Load(), swaps)
	soakFigures(o, before, after, course)
	for _, f := range []figure.Figure{
		{Kind: "RATE", Name: "soak_decisions", Value: float64(n.Load()) / o.soak.Seconds()},
		{Kind: "MS", Name: "soak_p50", Value: all.at(0.5).Seconds() * 1e3}, {Kind: "MS", Name: "soak_p99",
			Value: all.at(0.99).Seconds() * 1e3},
		{Kind: "MS", Name: "soak_p999", Value: all.at(0.999).Seconds() * 1e3},
		{Kind: "MS", Name: "soak_first_p50", Value: firsts.at(0.5).Seconds() * 1e3},
		{Kind: "MS", Name: "soak_first_p99", Value: firsts.at(0.99).Seconds() * 1e3},
		{Kind: "COUNT", Name: "soak_acknowledged", Value: float64(n.Load())}, {Kind: "COUNT", Name: "soak_swaps",
			Value: float64(swaps)},
		{Kind: "COUNT", Name: "soak_tried_again", Value: float64(failed.Load())},
		{Kind: "COUNT", Name: "soak_errors_unpromised", Value: float64(unpromised)},
		{Kind: "COUNT", Name: "soak_lost", Value: float64(lost)},
	} {
		fmt.Println(f)
	}
	if unpromised > 0 {
		return fmt.Errorf("%d calls failed with a code that a healthy request is not promised", unpromised)
	}
	if lost > 0 {
		return fmt.Errorf("%d acknowledged decisions are not in the journal as they were acknowledged", lost)
	}
	return nil
}

// soakFigures prints what the server held. Memory is flat when the greatest of
// the second half is that of the first half, but for the collector's timing.
func soakFigures(o options, before, after held, course []held) {
	most := func(of []held, x func(held) float64) (m float64) {
		for _, h := range of {
			m = max(m, x(h))
		}
		return m
	}
	resident, goroutines := func(h held) float64 { return h.resident }, func(h held) float64 { return h.goroutines }
	for _, f := range []figure.Figure{
		{Kind: "COUNT", Name: "soak_connections", Value: float64(o.connections)},
		{Kind: "MB", Name: "soak_memory_start", Value: before.resident},
		{Kind: "MB", Name: "soak_memory_first_half", Value: most(course[:len(course)/2], resident)},
		{Kind: "MB", Name: "soak_memory_second_half", Value: most(course[len(course)/2:], resident)},
		{Kind: "MB", Name: "soak_memory_peak", Value: most(course, resident)},
		{Kind: "MB", Name: "soak_memory_end", Value: course[len(course)-1].resident},
		{Kind: "COUNT", Name: "soak_goroutines_start", Value: before.goroutines},
		{Kind: "COUNT", Name: "soak_goroutines_peak", Value: most(course, goroutines)},
		{Kind: "COUNT", Name: "soak_goroutines_after", Value: after.goroutines},
	} {
		fmt.Println(f)
	}
}

// soakCaller scores until it is told to stop; an id is tried until it is answered.
func soakCaller(ctx context.Context, c *assayclient.Client, i int, pause time.Duration, stop *atomic.Bool,
	ack func(string, []byte, time.Duration), fail func(codes.Code)) {
	r := rand.New(rand.NewPCG(uint64(i), 11))
	for k := 0; !stop.Load() && ctx.Err() == nil; k++ {
		x := newRow(r)
		e := x.event(r, time.Now())
		e.ID = fmt.Sprintf("soak-%d-%d", i, k)
		e.Entities[0].ID, e.Entities[1].ID = fmt.Sprintf("B-%05d", i), fmt.Sprintf("S-%05d", i%1000)
		for !stop.Load() && ctx.Err() == nil {
			call, cancel := context.WithTimeout(ctx, 10*time.Second)
			from := time.Now()
			d, err := c.Score(call, e.ID, &e)
			cancel()
			if err == nil {
				ack(e.ID, d.Canonical, time.Since(from))
				break
			}
			fail(status.Code(err))
			wait(ctx, 20*time.Millisecond)
		}
		if pause > 0 {
			wait(ctx, time.Duration(float64(pause)*(0.5+r.Float64())))
		}
	}
}

// slowReader sends on a stream all that it may and reads nothing, until the
// stream has stood for a while; then it begins again.
func slowReader(ctx context.Context, addr string, i int) {
	r := rand.New(rand.NewPCG(uint64(i), 13))
	for k := 0; ctx.Err() == nil; k++ {
		call, cancel := context.WithTimeout(ctx, 30*time.Second)
		c, err := assayclient.Dial(addr, assayclient.Config{})
		if err == nil {
			m := 0
			_ = c.ScoreStream(call, func() (assayclient.Request, error) {
				m++
				x := newRow(r)
				e := x.event(r, time.Now())
				e.ID = fmt.Sprintf("slow-%d-%d-%d", i, k, m)
				return assayclient.Request{ID: e.ID, Event: &e}, nil
			}, func(string, assayclient.Row) error { <-call.Done(); return call.Err() })
			c.Close()
		}
		cancel()
	}
}

// swapSome activates the other bundle and another policy.
func swapSome(ctx context.Context, addr string, i int) int {
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

// audit reads the journal and counts the acknowledged decisions that are not
// in it exactly once and with the same bytes.
func audit(ctx context.Context, dir string, acked *sync.Map) (lost int, err error) {
	j, err := journal.Open(ctx, filepath.Join(dir, "node"), journal.Config{})
	if err != nil {
		return 0, err
	}
	jctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- j.Run(jctx) }()
	seen := map[string]int{}
	err = j.Scan(0, ^uint64(0), func(_ uint64, r *journal.Record, err error) error {
		if err != nil || r.Kind != ledger.Decision {
			return err
		}
		seen[r.RequestID]++
		if b, ok := acked.Load(r.RequestID); ok && !bytes.Equal(b.([]byte), r.Decision) {
			lost++
		}
		return nil
	})
	acked.Range(func(id, _ any) bool {
		if seen[id.(string)] != 1 {
			lost++
		}
		return true
	})
	cancel()
	return lost, errors.Join(err, <-done, j.Close())
}
