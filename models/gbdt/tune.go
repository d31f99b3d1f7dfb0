// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/assayrisk/assay"
)

// Trial is one set of parameters of a search, and how it did on the folds. A
// search can continue from trials that were kept as JSON.
type Trial struct {
	Number     int               `json:"number"` // 0 has the parameters that the search began from
	Params     map[string]string `json:"params"` // what this trial changes
	Metric     string            `json:"metric"`
	Mean       float64           `json:"mean"` // over the folds
	Std        float64           `json:"std"`
	Iterations int               `json:"iterations"`
}

// TuneOptions steers a search.
type TuneOptions struct {
	Trials int         // sets of parameters to try, in addition to the given one; 1 to 10000
	Done   []Trial     // trials of an earlier run with the same seed; they are not repeated
	Each   func(Trial) // called after each new trial, for example to store it
	// Metrics are custom metrics, as in Options; with them and no
	// Params.Metric, the first one decides.
	Metrics []Metric
}

// TuneResult is every trial in order, and the best one. The best trial's mean is
// the best of many noisy numbers and therefore too good: measure the final model
// on rows that no fold has seen.
type TuneResult struct {
	Trials []Trial
	Best   Trial
	Params Params // p with the best trial's changes and its number of iterations
}

// Tune searches at random around p: the parameters of trial n depend only on
// p.Seed and n (Bergstra and Bengio, "Random search for hyper-parameter
// optimization", JMLR 2012). Each is cross-validated on the same folds and
// judged by the mean of the first metric; a tie goes to the earlier trial.
func Tune(ctx context.Context, d *Dataset, p Params, folds []Fold, opt TuneOptions) (*TuneResult, error) {
	if opt.Trials < 1 || opt.Trials > 10000 {
		return nil, fmt.Errorf("%w: %d trials; want 1 to 10000", assay.ErrInvalid, opt.Trials)
	}
	higher := false
	switch {
	case len(p.Metric) > 0:
		m, err := metricByName(p.Metric[0], &p)
		if err != nil {
			return nil, err
		}
		higher = m.HigherBetter
	case len(opt.Metrics) > 0:
		higher = opt.Metrics[0].HigherBetter
	}
	done := map[int]Trial{}
	for _, t := range opt.Done {
		done[t.Number] = t
	}
	res := &TuneResult{}
	for n := range opt.Trials + 1 {
		changes := map[string]string{}
		if n > 0 {
			changes = drawTrial(uint64(p.Seed), n)
		}
		q := p
		for _, name := range tunedParams {
			if v, ok := changes[name]; ok {
				if err := q.set(name, v); err != nil {
					return nil, fmt.Errorf("parameter %s: %w", name, err)
				}
			}
		}
		t, ok := done[n]
		if ok {
			if fmt.Sprint(t.Params) != fmt.Sprint(changes) {
				return nil, fmt.Errorf("%w: trial %d was run with other parameters; the search has another seed or "+
					"version", assay.ErrConflict, n)
			}
		} else {
			cv, err := CrossValidate(ctx, d, q, folds, Options{Metrics: opt.Metrics})
			if err != nil {
				return nil, fmt.Errorf("trial %d: %w", n, err)
			}
			m := cv.Metrics[0]
			t = Trial{n, changes, m.Name, m.Mean, m.Std, cv.BestIteration}
			if opt.Each != nil {
				opt.Each(t)
			}
		}
		q.NumIterations = t.Iterations
		if n == 0 || higher && t.Mean > res.Best.Mean || !higher && t.Mean < res.Best.Mean {
			res.Best, res.Params = t, q
		}
		res.Trials = append(res.Trials, t)
	}
	return res, nil
}

// tunedParams are the parameters that a search changes.
var tunedParams = [...]string{
	"learning_rate", "num_leaves", "min_data_in_leaf", "lambda_l2", "feature_fraction",
	"bagging_fraction", "bagging_freq", "min_gain_to_split",
}

// drawTrial draws the parameters of a trial.
func drawTrial(seed uint64, n int) map[string]string {
	u := func(k uint64) float64 { return unit(hash(seed, drawTune, uint64(n), k)) }
	between := func(k uint64, lo, hi float64) float64 { return exp(log(lo) + float64(u(k)*log(hi/lo))) }
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
	whole := func(v float64) string { return strconv.Itoa(int(math.Round(v))) }
	return map[string]string{
		"learning_rate":     number(between(0, 0.02, 0.2)),
		"num_leaves":        whole(between(1, 4, 96)),
		"min_data_in_leaf":  whole(between(2, 5, 200)),
		"lambda_l2":         number(between(3, 0.01, 100)),
		"feature_fraction":  number(0.3 + float64(0.7*u(4))),
		"bagging_fraction":  number(0.5 + float64(0.5*u(5))),
		"bagging_freq":      "1",
		"min_gain_to_split": number(between(6, 1e-3, 1)),
	}
}
