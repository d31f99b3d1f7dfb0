// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/load"
)

// latencies are sorted.
type latencies []time.Duration

func (l latencies) quantile(q float64) time.Duration {
	if len(l) == 0 {
		return 0
	}
	return l[min(len(l)-1, int(q*float64(len(l))))].Round(10 * time.Microsecond)
}

// openLoop sends perSecond requests a second, whether earlier ones have been
// answered or not, and measures each from when it should have been sent.
func openLoop(ctx context.Context, addr, kind string, perSecond int, length time.Duration) (latencies, error) {
	conns, err := load.Dial(addr, connections)
	if err != nil {
		return nil, err
	}
	defer load.Close(conns)
	msgs, err := messages(kind, rand.New(rand.NewPCG(3, 4)))
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var all latencies
	var failed error
	var wg sync.WaitGroup
	name, gap := method(kind), time.Second/time.Duration(perSecond)
	warm := int(time.Second / gap / 2)
	start := time.Now()
	for i := range warm + int(length/gap) {
		due := start.Add(time.Duration(i) * gap)
		if d := time.Until(due); d > 0 {
			time.Sleep(d)
		}
		if ctx.Err() != nil {
			break
		}
		b := msgs[i%len(msgs)].Next()
		wg.Go(func() {
			err := conns[i%len(conns)].Invoke(ctx, name, b, nil)
			took := time.Since(due)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
			} else if i >= warm {
				all = append(all, took)
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return nil, fmt.Errorf("%s: %w", kind, failed)
	}
	slices.Sort(all)
	return all, nil
}

// printLatencies measures the echo and the server in turn at each rate, and
// prints the medians of the runs' quantiles, in milliseconds.
func printLatencies(ctx context.Context, runs int, length time.Duration, echo, assay string) error {
	quantiles := []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}}
	for _, perSecond := range []int{1000, 5000} {
		servers := []struct{ name, addr, kind string }{{"echo", echo, "echo"}, {"assay", assay, "unary"}}
		found := make([][][]float64, len(servers)) // milliseconds by server, quantile and run
		for i := range found {
			found[i] = make([][]float64, len(quantiles))
		}
		for range runs {
			for i, s := range servers {
				l, err := openLoop(ctx, s.addr, s.kind, perSecond, length)
				if err != nil {
					return err
				}
				for j, q := range quantiles {
					found[i][j] = append(found[i][j], float64(l.quantile(q.q))/1e6)
				}
			}
		}
		for i, s := range servers {
			for j, q := range quantiles {
				fmt.Println(figure.Of("MS", fmt.Sprintf("%s_%dps_%s", s.name, perSecond, q.name), found[i][j]))
			}
		}
	}
	return nil
}
