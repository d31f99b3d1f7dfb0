// SPDX-License-Identifier: Apache-2.0

// Package load is the client of benchmarks that load a server: connections that
// send bytes encoded beforehand, so that the client costs the same whatever it
// asks; templates that give each message ids of its own; and a closed loop, in
// which many callers each wait for their reply before they ask again.
package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Result is what a run of Closed measured.
type Result struct {
	PerSecond float64
	P50, P99  time.Duration
	Answered  int // calls that count
	Total     int // with those while warming up and after the end
}

// Closed runs callers in a closed loop. A quarter of length warms up, then calls
// count for length. The first error of a call ends the run.
func Closed(ctx context.Context, callers int, length time.Duration,
	call func(ctx context.Context, caller, k int) error) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var stop atomic.Bool
	type answer struct {
		at   time.Time
		took time.Duration
	}
	answers := make([][]answer, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for k := 0; !stop.Load(); k++ {
				start := time.Now()
				if err := call(ctx, i, k); err != nil {
					cancel(err)
					return
				}
				now := time.Now()
				answers[i] = append(answers[i], answer{now, now.Sub(start)})
			}
		})
	}
	Sleep(ctx, length/4)
	start := time.Now()
	Sleep(ctx, length)
	end := time.Now()
	stop.Store(true)
	wg.Wait()
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	// Answers after start, and not after end, count.
	total := 0
	var all []time.Duration
	for _, ofCaller := range answers {
		total += len(ofCaller)
		for _, a := range ofCaller {
			if a.at.After(start) && !a.at.After(end) {
				all = append(all, a.took)
			}
		}
	}
	if len(all) == 0 {
		return Result{}, errors.New("no call was answered in time")
	}
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[min(len(all)-1, int(q*float64(len(all))))] }
	return Result{float64(len(all)) / end.Sub(start).Seconds(), at(0.5), at(0.99), len(all), total}, nil
}

// Sleep waits for d, or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
