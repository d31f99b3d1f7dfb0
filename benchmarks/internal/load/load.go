// SPDX-License-Identifier: Apache-2.0

// Package load asks a server from many callers at once, each waiting for its
// reply before it asks again, and says how many were answered, how soon, and
// what the server used for it. It sends bytes that were encoded beforehand, so
// that the client costs the same whatever it asks.
package load

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Result is what a run saw.
type Result struct {
	PerSecond float64
	P50, P99  time.Duration
	Answered  int // while it was counting
	Total     int // with those before and after
}

// Closed runs callers for length after a warming quarter of it. The first error
// of a call ends the run.
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
	wait(ctx, length/4)
	start := time.Now()
	wait(ctx, length)
	end := time.Now()
	stop.Store(true)
	wg.Wait()
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	// What was answered after start, and not after end, counts.
	total := 0
	var all []time.Duration
	for _, of := range answers {
		total += len(of)
		for _, a := range of {
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

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
