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
	ChiStop  float64 // neighbouring bins with a smaller chi-squared are merged; 0 = 3.841 (p = 0.05)
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
// likelihood. The deviations matter where variables carry the same information:
// the weight of evidence of a bin is what the bin says by itself, its points are
// what it adds to the other variables. Within a variable a riskier bin never earns more points:
// a variable whose coefficient has the wrong sign is left out, bins whose points
// contradict their order are pooled, and the rest is fitted again until there is
// neither. Errors match ErrInput, or are ctx's.
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
		b := chooseBins(d, j, c)
		tally, code := make([]counts, b.bins), make([]uint16, len(x))
		for i, v := range x {
			k := b.binOf(v)
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

// solve minimises the mean log-loss plus the penalties. woe and codes have one
// entry for each variable in use.
func (l *Logistic) solve(ctx context.Context, woe [][]float64, codes [][]uint16, label []float64) (*solution, error) {
	f := newLoss(l.config, woe, codes, label)
	n, m := len(label), len(codes)
	problem := optimize.Problem{Func: f.value, Grad: f.gradient, Status: func() (optimize.Status, error) {
		if err := ctx.Err(); err != nil {
			return optimize.Failure, err
		}
		return optimize.NotTerminated, nil
	}}
	start := make([]float64, f.first[m])
	for j := range m {
		start[j] = 1 / math.Sqrt(float64(m))
	}
	start[m] = bitmath.Log(float64(l.Bad) / float64(n-l.Bad))
	r, err := optimize.Minimize(problem, start, &optimize.Settings{GradientThreshold: 1e-8, MajorIterations: 1000,
		Converger: optimize.NeverTerminate{}}, &optimize.LBFGS{})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// A line search that cannot improve any further ends with an error, although
	// no float64 gives a smaller loss; the gradient decides.
	if r == nil || err != nil && !isFlat(problem, r.X) {
		return nil, fmt.Errorf("scorecard: the logistic regression did not converge: %w", err)
	}
	out := &solution{coef: r.X[:m:m], intercept: r.X[m]}
	for j := range m {
		out.margin = append(out.margin, points(woe[j], r.X[j], r.X[f.first[j]:f.first[j+1]]))
	}
	return out, nil
}

// loss is what solve minimises, as a function of the coefficients of the weights
// of evidence, the intercept, and the deviations of the bins, in this order; an
// infinite penalty on deviations leaves these out. Rows are reduced to bin numbers,
// so that a gradient is one sum a bin.
type loss struct {
	woe           [][]float64
	codes         [][]uint16
	label         []float64
	ridge, free   float64 // penalties, for the mean loss
	first         []int   // where the deviations of a variable begin
	eta, residual []float64
}

func newLoss(c Config, woe [][]float64, codes [][]uint16, label []float64) *loss {
	n, m := len(label), len(codes)
	f := &loss{woe: woe, codes: codes, label: label, ridge: c.Ridge / float64(n), free: c.Free / float64(n),
		first: make([]int, m+1), eta: make([]float64, n), residual: make([]float64, n)}
	f.first[0] = m + 1
	for j, w := range woe {
		f.first[j+1] = f.first[j]
		if !math.IsInf(c.Free, 1) {
			f.first[j+1] += len(w)
		}
	}
	return f
}

// margins sets eta to each row's log-odds.
func (f *loss) margins(beta []float64) {
	for i := range f.eta {
		f.eta[i] = beta[len(f.codes)]
	}
	for j, code := range f.codes {
		t := points(f.woe[j], beta[j], beta[f.first[j]:f.first[j+1]])
		for i, k := range code {
			f.eta[i] += t[k]
		}
	}
}

func (f *loss) penalty(beta []float64) (s float64) {
	m := len(f.codes)
	for _, b := range beta[:m] {
		s += float64(f.ridge / 2 * float64(b*b))
	}
	for _, d := range beta[m+1:] {
		s += float64(f.free / 2 * float64(d*d))
	}
	return s
}

func (f *loss) value(beta []float64) float64 {
	f.margins(beta)
	var s float64
	for i, e := range f.eta {
		// log(1 + exp(e)) - y e, without overflow
		s += math.Max(e, 0) + bitmath.Log1p(bitmath.Exp(-math.Abs(e)))
		if f.label[i] == 1 {
			s -= e
		}
	}
	return s/float64(len(f.label)) + f.penalty(beta)
}

func (f *loss) gradient(grad, beta []float64) {
	n, m := float64(len(f.label)), len(f.codes)
	f.margins(beta)
	grad[m] = 0
	for i, e := range f.eta {
		f.residual[i] = 1/(1+bitmath.Exp(-e)) - f.label[i]
		grad[m] += f.residual[i]
	}
	grad[m] /= n
	for j, code := range f.codes {
		sums := make([]float64, len(f.woe[j]))
		for i, k := range code {
			sums[k] += f.residual[i]
		}
		var g float64
		for k, s := range sums {
			g += float64(s * f.woe[j][k])
		}
		grad[j] = g/n + float64(f.ridge*beta[j])
		for k := f.first[j]; k < f.first[j+1]; k++ {
			grad[k] = sums[k-f.first[j]]/n + float64(f.free*beta[k])
		}
	}
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
		t[k] = float64(coef * w) // the conversion rounds: else the compiler may fuse it with what follows
		if len(deviation) > 0 {
			t[k] += deviation[k]
		}
	}
	return t
}

// isFlat tells whether the gradient at x is close to zero.
func isFlat(p optimize.Problem, x []float64) bool {
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
			s += l.margin[j][b.binOf(x[j])]
		}
	}
	return s
}

// PD returns the probability of the bad event.
func (l *Logistic) PD(x []float64) float64 { return 1 / (1 + bitmath.Exp(-l.Score(x))) }
