// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"context"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Bootstrap returns percentile intervals (Efron 1979) of statistics that are
// functions of how often each of n rows was drawn. stat gets those counts
// (length n, sum n) and fills dst, which has one value per statistic; it must
// not keep or change counts. Replicates for which a statistic is NaN are left
// out of its interval; with fewer than half of them left the interval is NaN.
// The result depends on seed alone, not on the number of threads. Percentile
// intervals do not cover a maximum such as KS.
func Bootstrap(ctx context.Context, n, statistics, replicates int, seed uint64,
	stat func(dst []float64, counts []uint16)) (low, high []float64, err error) {
	draws, err := resamples(ctx, n, statistics, replicates, seed, stat)
	if err != nil {
		return nil, nil, err
	}
	low, high = make([]float64, statistics), make([]float64, statistics)
	for s, d := range draws {
		low[s], high[s] = percentiles(d, replicates)
	}
	return low, high, nil
}

// resamples computes each statistic of each replicate.
func resamples(ctx context.Context, n, statistics, replicates int, seed uint64,
	stat func(dst []float64, counts []uint16)) ([][]float64, error) {
	draws := make([][]float64, statistics)
	for s := range draws {
		draws[s] = make([]float64, replicates)
	}
	g, ctx := errgroup.WithContext(ctx)
	threads := runtime.GOMAXPROCS(0)
	for t := range threads {
		g.Go(func() error {
			counts, dst := make([]uint16, n), make([]float64, statistics)
			for r := t; r < replicates; r += threads {
				if err := ctx.Err(); err != nil {
					return err
				}
				clear(counts)
				rng := Stream(seed, r)
				for range n {
					counts[rng.Below(n)]++
				}
				stat(dst, counts)
				for s, v := range dst {
					draws[s][r] = v
				}
			}
			return nil
		})
	}
	return draws, g.Wait()
}

func percentiles(d []float64, replicates int) (low, high float64) {
	d = slices.DeleteFunc(d, math.IsNaN)
	if 2*len(d) < replicates || len(d) == 0 {
		return math.NaN(), math.NaN()
	}
	slices.Sort(d)
	return Quantile(d, (1-Level)/2), Quantile(d, (1+Level)/2)
}

// Quantile returns the p-quantile of sorted values with straight lines between
// them (type 7 of Hyndman and Fan 1996, numpy's default). NaN for none.
func Quantile(sorted []float64, p float64) float64 {
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	h := p * float64(n-1)
	k := int(h)
	if k >= n-1 {
		return sorted[n-1]
	}
	if h == float64(k) {
		return sorted[k] // also next to an infinity
	}
	return sorted[k] + float64((h-float64(k))*(sorted[k+1]-sorted[k]))
}

// resampled returns the curve of a resample: bad says which rows are bad, counts
// how often each was drawn, and weight, unless it is nil, what each weighs, all
// from the highest score to the lowest. Steps without a drawn row are left out, so
// that scores no longer match the steps; the curve into is reused.
func (c *Curve) resampled(into *Curve, bad []uint8, counts []uint16, weight []float64) *Curve {
	if into.bad == nil {
		*into = Curve{bad: make([]float64, len(c.bad)), good: make([]float64, len(c.good))}
	}
	into.bad, into.good = into.bad[:cap(into.bad)], into.good[:cap(into.good)]
	into.BadTally, into.GoodTally = Tally{}, Tally{}
	at, step := 0, 0
	for k := range c.bad {
		var nb, ng float64
		if weight == nil {
			nb, ng = drawn(bad[at:c.end[k]], counts[at:c.end[k]])
		} else {
			nb, ng = drawnWeight(bad[at:c.end[k]], counts[at:c.end[k]], weight[at:c.end[k]])
		}
		at = int(c.end[k])
		if nb+ng == 0 {
			continue
		}
		into.bad[step], into.good[step] = nb, ng
		into.BadTally.Sum, into.GoodTally.Sum = into.BadTally.Sum+nb, into.GoodTally.Sum+ng
		step++
	}
	into.bad, into.good, into.score = into.bad[:step], into.good[:step], c.score[:step]
	return into
}

// drawn counts the bad and the good rows that were drawn.
func drawn(bad []uint8, counts []uint16) (nb, ng float64) {
	var b, n int32
	for i, m := range counts {
		n += int32(m)
		b += int32(m) & -int32(bad[i])
	}
	return float64(b), float64(n - b)
}

// drawnWeight adds up their weights.
func drawnWeight(bad []uint8, counts []uint16, weight []float64) (nb, ng float64) {
	for i, m := range counts {
		if w := float64(float64(m) * weight[i]); bad[i] == 1 {
			nb += w
		} else {
			ng += w
		}
	}
	return nb, ng
}
