// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
)

// Options are what training can do besides fitting the training rows. The zero
// value asks for nothing.
type Options struct {
	Valid    *Dataset       // measured after each iteration; needed for early stopping
	Progress func(Progress) // called after each iteration
	Init     *models.Model  // trees to continue from; it is not changed
	Metrics  []Metric       // custom metrics, after those of Params.Metric
}

// Progress reports one finished iteration.
type Progress struct {
	Iteration, Of int
	Evals         []Eval
	RowsPerSecond float64 // training rows times iterations over elapsed time
	Elapsed, Left time.Duration
}

// Eval is a metric of one iteration on the validation rows.
type Eval struct {
	Iteration int
	Metric    string
	Value     float64
}

// Result is a trained model and how it came about.
type Result struct {
	Model         *models.Model
	BestIteration int // trees kept of those grown; all of them without early stopping
	History       []Eval
	Stopped       string // why training ended before num_iterations, or empty
}

// Train fits a model to the rows of train. The model's bits depend on train
// and p alone, not on p.NumThreads or the machine. When ctx ends, Train stops
// between two iterations and returns its error.
func Train(ctx context.Context, train *Dataset, p Params, opt Options) (*Result, error) {
	if err := p.Check(len(train.Columns)); err != nil {
		return nil, err
	}
	if err := train.check("training", p.Objective); err != nil {
		return nil, err
	}
	if opt.Valid != nil {
		if err := opt.Valid.check("validation", p.Objective); err != nil {
			return nil, err
		}
		if len(opt.Valid.Columns) != len(train.Columns) {
			return nil, fmt.Errorf("%w: the validation data has %d feature columns and the training data %d", assay.ErrInvalid, len(opt.Valid.Columns), len(train.Columns))
		}
	}
	if p.EarlyStoppingRound > 0 && opt.Valid == nil {
		return nil, fmt.Errorf("%w: early_stopping_round needs validation data", assay.ErrInvalid)
	}
	if p.Objective == models.Binary || p.Objective == models.CrossEntropy {
		if err := twoClasses(train.Label); err != nil {
			return nil, err
		}
	}
	for i, c := range p.MonotoneConstraints {
		if c != 0 && train.categorical(i) {
			return nil, fmt.Errorf("%w: parameter monotone_constraints: column %q is categorical", assay.ErrInvalid, train.name(i))
		}
	}
	team := newTeam(p.NumThreads)
	defer team.close()
	b, err := newBooster(train, &p, opt, team)
	if err != nil {
		return nil, err
	}
	return b.run(ctx)
}

// twoClasses reports labels that are all the same.
func twoClasses(label []float64) error {
	for _, y := range label {
		if y != label[0] {
			return nil
		}
	}
	return fmt.Errorf("%w: the training data: every label is %v; a classifier needs both classes", assay.ErrInvalid, label[0])
}

// booster is one training run.
type booster struct {
	p         *Params
	opt       Options
	team      *team
	m         *matrix
	label     []float64
	obj       objective
	gr        *gradients
	grower    *grower
	score     []float64
	rows, bag []uint32
	inBag     []bool
	bias      float64 // margin that the first new tree carries
	model     *models.Model
	valid     *validation
}

func newBooster(d *Dataset, p *Params, opt Options, team *team) (*booster, error) {
	n := d.Rows()
	b := &booster{p: p, opt: opt, team: team, label: d.Label}
	b.m = newMatrix(d.Names, fitBinners(d, p, team), n, team.size)
	b.m.fill(d, 0, team)
	b.obj = newObjective(p, d.Label, d.Weight)
	b.gr = &gradients{g: make([]float32, n), h: make([]float32, n), packed: make([]cell, n)}
	b.grower = newGrower(b.m, p, b.gr, team)
	b.score = make([]float64, n)
	b.rows = make([]uint32, n)
	b.model = &models.Model{Objective: p.Objective, Sigmoid: 1, Features: b.m.describe(d, p), Params: p.Map()}
	if p.Objective == models.Binary {
		b.model.Sigmoid = p.Sigmoid
	}
	if p.Objective == models.Quantile {
		b.model.Alpha = p.Alpha
	}
	if err := b.startFrom(d, b.score); err != nil {
		return nil, err
	}
	if p.BoostFromAverage && d.InitScore == nil && opt.Init == nil {
		b.bias = b.obj.start()
		for i := range b.score {
			b.score[i] = b.bias
		}
	}
	if opt.Valid != nil {
		v, err := newValidation(b, opt.Valid)
		if err != nil {
			return nil, err
		}
		b.valid = v
	}
	return b, nil
}

// startFrom fills score with the margins that rows begin from.
func (b *booster) startFrom(d *Dataset, score []float64) error {
	init := b.opt.Init
	if init == nil {
		copy(score, d.InitScore)
		return nil
	}
	if len(init.Features) != len(d.Columns) || init.Objective != b.p.Objective || init.Average || init.Float32Sums {
		return fmt.Errorf("%w: training cannot continue from a model of another objective, of other features or of another way to sum", assay.ErrInvalid)
	}
	b.model.Init = init.Init
	if len(b.model.Trees) == 0 {
		b.model.Trees = append(b.model.Trees, init.Trees...)
	}
	const block = 1024
	b.team.each((len(score)+block-1)/block, func(k int) {
		x := make([]float64, len(d.Columns))
		for i := k * block; i < min((k+1)*block, len(score)); i++ {
			for j, c := range d.Columns {
				x[j] = c[i]
			}
			score[i] = init.Margin(x)
			if d.InitScore != nil {
				score[i] += d.InitScore[i]
			}
		}
	})
	return nil
}

// run grows the trees.
func (b *booster) run(ctx context.Context) (*Result, error) {
	res := &Result{Model: b.model}
	begin := time.Now()
	first := len(b.model.Trees)
	for it := range b.p.NumIterations {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("training stopped after %d iterations: %w", it, err)
		}
		if !b.step(it) {
			res.Stopped = "no split satisfies the constraints any more"
			break
		}
		pr := Progress{Iteration: it + 1, Of: b.p.NumIterations, Elapsed: time.Since(begin)}
		stop := false
		if b.valid != nil {
			pr.Evals, stop = b.valid.measure(it + 1)
			res.History = append(res.History, pr.Evals...)
		}
		if b.opt.Progress != nil {
			pr.RowsPerSecond = float64(len(b.label)) * float64(it+1) / max(pr.Elapsed.Seconds(), 1e-9)
			pr.Left = time.Duration(float64(pr.Elapsed) / float64(it+1) * float64(b.p.NumIterations-it-1))
			b.opt.Progress(pr)
		}
		if stop {
			res.Stopped = "the validation metric no longer improves"
			break
		}
	}
	if len(b.model.Trees) == first && first == 0 && b.bias != 0 {
		b.model.Trees = append(b.model.Trees, models.Tree{LeafValue: []float64{b.bias}, LeafHess: []float64{0}, LeafCount: []int64{int64(len(b.label))}, Shrinkage: 1})
	}
	res.BestIteration = len(b.model.Trees) - first
	if b.valid != nil && b.p.EarlyStoppingRound > 0 && b.valid.best > 0 {
		res.BestIteration = min(b.valid.best, res.BestIteration)
		b.model.Trees = b.model.Trees[:first+res.BestIteration]
	}
	if err := b.model.Validate(); err != nil {
		return nil, err
	}
	return res, nil
}

// step grows one tree; it returns false when the tree would have no split.
func (b *booster) step(it int) bool {
	b.gr.compute(b.obj, b.score, b.team)
	rows := b.sample(it)
	all := rows == nil
	seed := uint64(b.p.Seed)
	total := b.gr.quantise(rows, seed, uint64(it+len(b.model.Trees)), b.team)
	if all {
		rows = b.rows
		for i := range rows {
			rows[i] = uint32(i)
		}
	} else {
		rows = b.rows[:copy(b.rows, rows)]
	}
	t := b.grower.grow(rows, total, uint64(it))
	if t.Leaves() < 2 {
		return false
	}
	b.finish(t, all)
	b.model.Trees = append(b.model.Trees, *t)
	if b.valid != nil {
		b.valid.add(b.grower, t)
	}
	return true
}

// sample returns the rows of this iteration, nil for all.
func (b *booster) sample(it int) []uint32 {
	if b.p.GOSS {
		if float64(it) < 1/b.p.LearningRate { // as in LightGBM: all rows at first
			return nil
		}
		b.bag = goss(b.p, b.gr, it, b.bag)
		return b.bag
	}
	if b.p.BaggingFreq > 0 && it%b.p.BaggingFreq == 0 {
		b.bag = bag(b.p, b.label, it, b.bag)
	}
	if len(b.bag) == 0 {
		return nil
	}
	return b.bag
}

// finish shrinks the tree's values, adds the bias to the first tree, and
// updates the margins.
func (b *booster) finish(t *models.Tree, all bool) {
	g := b.grower
	if b.p.Objective == models.Quantile {
		b.team.each(len(g.leaves), func(i int) {
			l := g.leaves[i]
			if v, ok := b.obj.renew(b.score, g.rows[l.start:l.start+l.n]); ok {
				t.LeafValue[i] = min(max(v, l.bound.lo), l.bound.hi)
			}
		})
	}
	t.Shrinkage = b.p.LearningRate
	step := append([]float64{}, t.LeafValue...)
	for i := range step {
		step[i] *= b.p.LearningRate
		t.LeafValue[i] = step[i] + b.bias
	}
	for i := range t.NodeValue {
		t.NodeValue[i] = float64(t.NodeValue[i]*b.p.LearningRate) + b.bias
	}
	if all {
		b.team.each(len(g.leaves), func(i int) {
			l, v := g.leaves[i], step[i]
			for _, r := range g.rows[l.start : l.start+l.n] {
				b.score[r] += v
			}
		})
	} else {
		walk := newWalker(g, t)
		walk.add(b.m, b.score, step, b.team)
	}
	b.bias = 0
}

// describe fills the model's record of its columns.
func (m *matrix) describe(d *Dataset, p *Params) []models.FeatureInfo {
	f := make([]models.FeatureInfo, len(m.binners))
	for j, b := range m.binners {
		f[j] = models.FeatureInfo{Name: d.name(j), Categorical: b.categorical, Constant: b.trivial()}
		if b.categorical {
			f[j].Categories = b.seen()
		} else {
			f[j].Min, f[j].Max = b.min, b.max
			if math.IsInf(b.min, 0) || math.IsInf(b.max, 0) {
				f[j].Min, f[j].Max = max(b.min, -math.MaxFloat64), min(b.max, math.MaxFloat64)
			}
		}
		if len(p.MonotoneConstraints) > 0 {
			f[j].Monotone = p.MonotoneConstraints[j]
		}
	}
	return f
}
