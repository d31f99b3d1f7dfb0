// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"context"
	"fmt"
	"math"

	"github.com/assayrisk/assay/internal/bitmath"
	"gonum.org/v1/gonum/optimize"
)

// Config of a scorecard. The zero value works.
type Config struct {
	MaxBins  int     // bins of a number, missing not counted; 0 = 8
	MinShare float64 // smallest share of the rows in a bin; 0 = 0.05
	ChiStop  float64 // neighbours closer than this are merged; 0 = 3.841 (p = 0.05)
	// Ridge is the penalty on the squared coefficients, Free that on the squared
	// deviation of a bin's log-odds from coefficient times weight of evidence,
	// both in units of the total log-likelihood, as the inverse variance of a
	// normal prior. 0 = 1 and 10; Free +Inf = a plain WOE scorecard.
	Ridge, Free float64
	// Points: Base points at odds of good to bad of Odds, PDO more points
	// double the odds. 0 = 600, 50, 20.
	Base, Odds, PDO float64
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		v *float64
		d float64
	}{{&c.MinShare, 0.05}, {&c.ChiStop, 3.841458820694124}, {&c.Ridge, 1}, {&c.Free, 10}, {&c.Base, 600},
		{&c.Odds, 50}, {&c.PDO, 20}} {
		if *d.v == 0 {
			*d.v = d.d
		}
	}
	if c.MaxBins == 0 {
		c.MaxBins = 8
	}
	return c
}

// Logistic is a fitted scorecard. It is immutable and may be used at the same
// time from many goroutines.
type Logistic struct {
	Intercept float64
	Coef      []float64 // of each variable's weight of evidence; 0 = left out
	Rows, Bad int       // of the training table
	bins      []*binning
	woe       [][]float64 // by variable and bin
	tally     [][]counts
	margin    [][]float64 // log-odds that a bin adds; nil = the variable is left out
	config    Config
}

// FitLogistic bins every column, turns bins into their weight of evidence
// ln(share of bad rows / share of good rows), and fits
//
//	log-odds of the bad event = Intercept + sum_j (Coef_j WOE_jk + Deviation_jk)
//
// for the bin k that each variable j falls into, by penalised maximum
// likelihood. The deviations matter where variables say the same thing twice:
// the weight of evidence of a bin is what it says alone, its points are what it
// adds to the others. Within a variable a riskier bin never earns more points:
// a variable whose coefficient has the wrong sign is left out, bins whose points
// contradict their order are pooled, and the rest is fitted again until neither
// is found. Errors match ErrInput, or are ctx's.
func FitLogistic(ctx context.Context, d *Data, c Config) (*Logistic, error) {
	if err := d.validate(); err != nil {
		return nil, fmt.Errorf("scorecard: %w", err)
	}
	c = c.withDefaults()
	l := &Logistic{config: c, Rows: len(d.Label)}
	codes := make([][]uint16, len(d.Columns))
	for j, x := range d.Columns {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b := bin(d, j, c)
		tally, code := make([]counts, b.bins), make([]uint16, len(x))
		for i, v := range x {
			k := b.of(v)
			code[i] = uint16(k)
			if d.Label[i] == 1 {
				tally[k].bad++
			} else {
				tally[k].good++
			}
		}
		codes[j] = code
		l.bins, l.tally, l.woe = append(l.bins, b), append(l.tally, tally), append(l.woe, evidence(tally))
	}
	for _, t := range l.tally[0] {
		l.Bad += t.bad
	}
	if err := l.fitOrdered(ctx, codes, d.Label); err != nil {
		return nil, err
	}
	return l, nil
}

// evidence is the weight of evidence of each bin, with half a row of each
// class added, so that a bin without bad rows has a finite one; an empty bin
// has 0: nothing is known about it.
func evidence(tally []counts) []float64 {
	bad, good := 0, 0
	for _, t := range tally {
		bad, good = bad+t.bad, good+t.good
	}
	woe := make([]float64, len(tally))
	for k, t := range tally {
		if t.rows() > 0 {
			woe[k] = bitmath.Log((float64(t.bad) + 0.5) / (float64(bad) + 0.5) /
				((float64(t.good) + 0.5) / (float64(good) + 0.5)))
		}
	}
	return woe
}

// solve minimises the mean log-loss plus the ridge. Rows are reduced to bin
// numbers, so that a gradient is one sum a bin. The parameters are the
// coefficients of the weights of evidence, the intercept, and the deviations
// of the bins; an infinite penalty leaves the last out. woe and codes have one
// entry for each variable in use.
func (l *Logistic) solve(ctx context.Context, woe [][]float64, codes [][]uint16, label []float64) (*solution, error) {
	n, m := len(label), len(codes)
	first := make([]int, m+1) // where the deviations of a variable begin
	first[0] = m + 1
	for j, w := range woe {
		first[j+1] = first[j]
		if !math.IsInf(l.config.Free, 1) {
			first[j+1] += len(w)
		}
	}
	ridge, free := l.config.Ridge/float64(n), l.config.Free/float64(n)
	eta, residual := make([]float64, n), make([]float64, n)
	margins := func(beta []float64) {
		for i := range eta {
			eta[i] = beta[m]
		}
		for j, code := range codes {
			t := points(woe[j], beta[j], beta[first[j]:first[j+1]])
			for i, k := range code {
				eta[i] += t[k]
			}
		}
	}
	penalty := func(beta []float64) (s float64) {
		for _, b := range beta[:m] {
			s += float64(ridge / 2 * float64(b*b))
		}
		for _, d := range beta[m+1:] {
			s += float64(free / 2 * float64(d*d))
		}
		return s
	}
	problem := optimize.Problem{
		Func: func(beta []float64) float64 {
			margins(beta)
			var s float64
			for i, e := range eta {
				// log(1 + exp(e)) - y e, without overflow
				s += math.Max(e, 0) + bitmath.Log1p(bitmath.Exp(-math.Abs(e)))
				if label[i] == 1 {
					s -= e
				}
			}
			return s/float64(n) + penalty(beta)
		},
		Grad: func(grad, beta []float64) {
			margins(beta)
			grad[m] = 0
			for i, e := range eta {
				residual[i] = 1/(1+bitmath.Exp(-e)) - label[i]
				grad[m] += residual[i]
			}
			grad[m] /= float64(n)
			for j, code := range codes {
				sums := make([]float64, len(woe[j]))
				for i, k := range code {
					sums[k] += residual[i]
				}
				var g float64
				for k, s := range sums {
					g += float64(s * woe[j][k])
				}
				grad[j] = g/float64(n) + float64(ridge*beta[j])
				for k := first[j]; k < first[j+1]; k++ {
					grad[k] = sums[k-first[j]]/float64(n) + float64(free*beta[k])
				}
			}
		},
		Status: func() (optimize.Status, error) {
			if err := ctx.Err(); err != nil {
				return optimize.Failure, err
			}
			return optimize.NotTerminated, nil
		},
	}
	start := make([]float64, first[m])
	for j := range m {
		start[j] = 1 / math.Sqrt(float64(m))
	}
	start[m] = bitmath.Log(float64(l.Bad) / float64(n-l.Bad))
	r, err := optimize.Minimize(problem, start, &optimize.Settings{GradientThreshold: 1e-8, MajorIterations: 1000,
		Converger: optimize.NeverTerminate{}}, &optimize.LBFGS{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// A line search that cannot improve any further ends with an error although
	// the point is the best that float64 can tell; the gradient decides.
	if r == nil || err != nil && !flat(problem, r.X) {
		return nil, fmt.Errorf("scorecard: the logistic regression did not converge: %w", err)
	}
	out := &solution{coef: r.X[:m:m], intercept: r.X[m]}
	for j := range m {
		out.margin = append(out.margin, points(woe[j], r.X[j], r.X[first[j]:first[j+1]]))
	}
	return out, nil
}

// solution is what solve finds for the variables in use.
type solution struct {
	coef      []float64
	intercept float64
	margin    [][]float64
}

// points returns the log-odds that each bin of a variable adds. An empty bin
// adds 0.
func points(woe []float64, coef float64, deviation []float64) []float64 {
	t := make([]float64, len(woe))
	for k, w := range woe {
		t[k] = float64(coef * w) // rounded: else the compiler may fuse it with what follows
		if len(deviation) > 0 {
			t[k] += deviation[k]
		}
	}
	return t
}

func flat(p optimize.Problem, x []float64) bool {
	g := make([]float64, len(x))
	p.Grad(g, x)
	for _, v := range g {
		if !(math.Abs(v) < 1e-5) {
			return false
		}
	}
	return true
}

// Score returns the log-odds of the bad event for a row with one value per
// column, in the order of training.
func (l *Logistic) Score(x []float64) float64 {
	s := l.Intercept
	for j, b := range l.bins {
		if l.margin[j] != nil {
			s += l.margin[j][b.of(x[j])]
		}
	}
	return s
}

// PD returns the probability of the bad event.
func (l *Logistic) PD(x []float64) float64 { return 1 / (1 + bitmath.Exp(-l.Score(x))) }
