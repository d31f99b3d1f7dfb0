// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt/workers"
)

// CVMetric is a metric over the folds at one number of trees.
type CVMetric struct {
	Name      string
	Mean, Std float64   // Std divides by the number of folds
	Folds     []float64 // one value per fold
}

// CVResult is the outcome of a cross-validation.
type CVResult struct {
	BestIteration int            // number of trees at which the first metric's mean is best
	Metrics       []CVMetric     // at BestIteration
	Curve         [][]CVMetric   // after each iteration
	Models        []models.Model // one per fold, cut at BestIteration
	// OutOfFold holds, for each row that a fold tests, the margin by the model of
	// that fold, which was not trained on the row; NaN for the others. For rows
	// that several folds test, the last fold counts.
	OutOfFold []float64
}

// CrossValidate trains one model per fold on its training rows, all in step,
// and measures each on the fold's test rows. Bins are fitted on training rows
// only, too. With early_stopping_round set, training ends when the mean of
// the first metric has not improved for that many iterations. opt.Valid and
// opt.Init are not used.
func CrossValidate(ctx context.Context, d *Dataset, p Params, folds []Fold, opt Options) (*CVResult, error) {
	if len(folds) == 0 || len(folds) > maxFolds {
		return nil, fmt.Errorf("%w: %d folds; want 1 to %d", assay.ErrInvalid, len(folds), maxFolds)
	}
	if err := p.Check(len(d.Columns)); err != nil {
		return nil, err
	}
	if err := d.check("training", p.Objective); err != nil {
		return nil, err
	}
	team := workers.New(p.NumThreads)
	defer team.Close()
	runs := make([]*booster, len(folds))
	for i, f := range folds {
		if len(f.Train) == 0 || len(f.Test) == 0 {
			return nil, fmt.Errorf("%w: fold %d trains on %d rows and tests on %d; both need some", assay.ErrInvalid, i,
				len(f.Train), len(f.Test))
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("cross-validation stopped: %w", err)
		}
		bins, err := Bin(ctx, d.Subset(f.Train), p)
		if err != nil {
			return nil, fmt.Errorf("fold %d: %w", i, err)
		}
		if p.Objective == models.Binary || p.Objective == models.CrossEntropy {
			if err := checkTwoClasses(bins.label); err != nil {
				return nil, fmt.Errorf("fold %d: %w", i, err)
			}
		}
		q := p
		q.EarlyStoppingRound = 0
		runs[i], err = newBooster(bins, &q, Options{Valid: d.Subset(f.Test), Metrics: opt.Metrics}, team)
		if err != nil {
			return nil, fmt.Errorf("fold %d: %w", i, err)
		}
	}
	res := &CVResult{}
	if err := res.grow(ctx, runs, &p, opt, team); err != nil {
		return nil, err
	}
	res.OutOfFold = make([]float64, d.Rows())
	for i := range res.OutOfFold {
		res.OutOfFold[i] = math.NaN()
	}
	for i, b := range runs {
		m := b.model
		m.Trees = m.Trees[:min(res.BestIteration, len(m.Trees))]
		res.Models = append(res.Models, *m)
		test := d.Subset(folds[i].Test)
		score := make([]float64, test.Rows())
		modelMargins(m, test, score, team)
		for k, r := range folds[i].Test {
			res.OutOfFold[r] = score[k]
		}
	}
	return res, nil
}

// grow steps all folds together and follows the mean of their metrics.
func (res *CVResult) grow(ctx context.Context, runs []*booster, p *Params, opt Options, team *workers.Team) error {
	begin := time.Now()
	best := math.Inf(-1)
	for it := range p.NumIterations {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("cross-validation stopped after %d iterations: %w", it, err)
		}
		var at []CVMetric
		grew := false
		rows := 0
		for _, b := range runs {
			grew = b.step() || grew
			rows += len(b.label)
			evals, _ := b.validation.measure(it + 1)
			for j, e := range evals {
				if j == len(at) {
					at = append(at, CVMetric{Name: e.Metric})
				}
				at[j].Folds = append(at[j].Folds, e.Value)
			}
		}
		if !grew && it > 0 {
			break
		}
		pr := Progress{Iteration: it + 1, Of: p.NumIterations, Elapsed: time.Since(begin)}
		for j := range at {
			at[j].summarise()
			pr.Evals = append(pr.Evals, Eval{it + 1, at[j].Name, at[j].Mean})
		}
		res.Curve = append(res.Curve, at)
		if opt.Progress != nil {
			pr.rate(rows)
			opt.Progress(pr)
		}
		x := at[0].Mean
		if !runs[0].validation.metrics[0].HigherBetter {
			x = -x
		}
		if x > best+p.EarlyStoppingDelta || it == 0 {
			best, res.BestIteration, res.Metrics = x, it+1, at
		} else if r := p.EarlyStoppingRound; r > 0 && it+1-res.BestIteration >= r {
			break
		}
	}
	return nil
}

func (m *CVMetric) summarise() {
	n := float64(len(m.Folds))
	for _, v := range m.Folds {
		m.Mean += v
	}
	m.Mean /= n
	var s float64
	for _, v := range m.Folds {
		s += float64((v - m.Mean) * (v - m.Mean))
	}
	m.Std = math.Sqrt(s / n)
}

// Table is the folds' metrics as text: one line a fold, then mean and standard
// deviation.
func (res *CVResult) Table() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%-6s", "fold")
	for _, m := range res.Metrics {
		fmt.Fprintf(&s, " %18s", m.Name)
	}
	for i := range res.Models {
		fmt.Fprintf(&s, "\n%-6d", i+1)
		for _, m := range res.Metrics {
			fmt.Fprintf(&s, " %18.5f", m.Folds[i])
		}
	}
	fmt.Fprintf(&s, "\n%-6s", "mean")
	for _, m := range res.Metrics {
		fmt.Fprintf(&s, " %18.5f", m.Mean)
	}
	fmt.Fprintf(&s, "\n%-6s", "std")
	for _, m := range res.Metrics {
		fmt.Fprintf(&s, " %18.5f", m.Std)
	}
	fmt.Fprintf(&s, "\n%d trees\n", res.BestIteration)
	return s.String()
}

// modelMargins fills score with a model's margins for the rows of d.
func modelMargins(m *models.Model, d *Dataset, score []float64, team *workers.Team) {
	const block = 1024
	team.Run((len(score)+block-1)/block, func(k int) {
		x := make([]float64, len(d.Columns))
		for i := k * block; i < min((k+1)*block, len(score)); i++ {
			for j, c := range d.Columns {
				x[j] = c[i]
			}
			score[i] = m.Margin(x)
		}
	})
}
