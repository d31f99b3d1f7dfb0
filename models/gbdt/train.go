// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt/workers"
)

// Options are what training can do in addition to fitting the training rows. The
// zero value asks for nothing.
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

// rate computes the speed and the time left from the iterations done so far.
func (p *Progress) rate(rows int) {
	done := float64(p.Iteration)
	p.RowsPerSecond = float64(rows) * done / max(p.Elapsed.Seconds(), 1e-9)
	p.Left = time.Duration(float64(p.Elapsed) / done * float64(p.Of-p.Iteration))
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
	if opt.Init != nil {
		d, err := startFrom(opt.Init, train, &p)
		if err != nil {
			return nil, err
		}
		train = d
	}
	bins, err := Bin(ctx, train, p)
	if err != nil {
		return nil, err
	}
	return bins.Train(ctx, p, opt)
}

// Bins is a training table after binning: one byte a cell, twice unless BinChunks
// or BinSample made it. It does not hold the raw columns.
type Bins struct {
	m                        *matrix
	categorical              []bool
	label, weight, initScore []float64
}

// Rows returns the number of rows.
func (b *Bins) Rows() int { return len(b.label) }

// Bin finds the bins of the columns of d and assigns its rows to them.
func Bin(ctx context.Context, d *Dataset, p Params) (*Bins, error) {
	if err := p.Check(len(d.Columns)); err != nil {
		return nil, err
	}
	if err := d.check("training", p.Objective); err != nil {
		return nil, err
	}
	team := workers.New(p.NumThreads)
	defer team.Close()
	b := &Bins{categorical: d.Categorical, label: d.Label, weight: d.Weight, initScore: d.InitScore}
	binners := fitBinners(d, &p, team)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("binning stopped: %w", err)
	}
	b.m = newMatrix(d.names(), binners, d.Rows(), team.Size(), false)
	b.m.fill(d, 0, team)
	b.m.buildSparse(team)
	return b, nil
}

// Train fits a model to binned rows. The parameters about bins have no effect any
// more. With opt.Init, the initial scores of the rows must be the margins that
// opt.Init gives them; the function Train takes care of that.
func (b *Bins) Train(ctx context.Context, p Params, opt Options) (*Result, error) {
	columns := len(b.m.binners)
	if err := p.Check(columns); err != nil {
		return nil, err
	}
	if err := checkLabels(b.label, p.Objective); err != nil {
		return nil, fmt.Errorf("%w: the training data: %w", assay.ErrInvalid, err)
	}
	if b.weight != nil && slices.Max(b.weight) == 0 {
		return nil, fmt.Errorf("%w: the training data: all weights are zero", assay.ErrInvalid)
	}
	if opt.Init != nil {
		if err := checkContinues(opt.Init, columns, &p); err != nil {
			return nil, err
		}
	}
	if opt.Valid != nil {
		if err := opt.Valid.check("validation", p.Objective); err != nil {
			return nil, err
		}
		if k := len(opt.Valid.Columns); k != columns {
			return nil, fmt.Errorf("%w: the validation data has %d feature columns and the training data %d",
				assay.ErrInvalid, k, columns)
		}
	}
	if p.EarlyStoppingRound > 0 && opt.Valid == nil {
		return nil, fmt.Errorf("%w: early_stopping_round needs validation data", assay.ErrInvalid)
	}
	if p.Objective == models.Binary || p.Objective == models.CrossEntropy {
		if err := checkTwoClasses(b.label); err != nil {
			return nil, err
		}
	}
	for i, c := range p.MonotoneConstraints {
		if c != 0 && b.m.binners[i].categorical {
			return nil, fmt.Errorf("%w: parameter monotone_constraints: column %q is categorical",
				assay.ErrInvalid, b.m.names[i])
		}
	}
	team := workers.New(p.NumThreads)
	defer team.Close()
	run, err := newBooster(b, &p, opt, team)
	if err != nil {
		return nil, err
	}
	return run.run(ctx)
}

// checkContinues reports why training cannot continue from a model, if it cannot.
func checkContinues(init *models.Model, columns int, p *Params) error {
	if len(init.Features) != columns || init.Objective != p.Objective || init.Average || init.Float32Sums {
		return fmt.Errorf("%w: training cannot continue from a model of another objective, of other features or of "+
			"another way to sum", assay.ErrInvalid)
	}
	return nil
}

// startFrom returns d with the margins of init as initial scores.
func startFrom(init *models.Model, d *Dataset, p *Params) (*Dataset, error) {
	if err := checkContinues(init, len(d.Columns), p); err != nil {
		return nil, err
	}
	if err := d.check("training", p.Objective); err != nil {
		return nil, err
	}
	score := make([]float64, d.Rows())
	team := workers.New(p.NumThreads)
	defer team.Close()
	modelMargins(init, d, score, team)
	for i := range d.InitScore {
		score[i] += d.InitScore[i]
	}
	s := *d
	s.InitScore = score
	return &s, nil
}

// checkTwoClasses refuses labels that are all the same.
func checkTwoClasses(label []float64) error {
	for _, y := range label {
		if y != label[0] {
			return nil
		}
	}
	return fmt.Errorf("%w: the training data: every label is %v; a classifier needs both classes",
		assay.ErrInvalid, label[0])
}

// booster is one training run.
type booster struct {
	p          *Params
	opt        Options
	team       *workers.Team
	matrix     *matrix
	label      []float64
	objective  objective
	gradients  *gradients
	grower     *grower
	score      []float64
	rows, bag  []uint32
	bias       float64 // margin that the first new tree carries
	model      *models.Model
	validation *validation
}

func newBooster(d *Bins, p *Params, opt Options, team *workers.Team) (*booster, error) {
	n := d.Rows()
	b := &booster{p: p, opt: opt, team: team, label: d.label, matrix: d.m}
	b.objective = newObjective(p, d.label, d.weight)
	b.gradients = newGradients(n)
	b.grower = newGrower(b.matrix, p, b.gradients, team)
	b.score = make([]float64, n)
	b.rows = make([]uint32, n)
	b.model = &models.Model{Objective: p.Objective, Sigmoid: 1, Features: b.matrix.featureInfos(p), Params: p.Map()}
	if p.Objective == models.Binary {
		b.model.Sigmoid = p.Sigmoid
	}
	if p.Objective == models.Quantile {
		b.model.Alpha = p.Alpha
	}
	if opt.Init != nil {
		b.model.Init = opt.Init.Init
		b.model.Trees = append(b.model.Trees, opt.Init.Trees...)
	}
	copy(b.score, d.initScore)
	if p.BoostFromAverage && d.initScore == nil {
		b.bias = b.objective.start()
		for i := range b.score {
			b.score[i] = b.bias
		}
	}
	if opt.Valid != nil {
		v, err := newValidation(b, opt.Valid)
		if err != nil {
			return nil, err
		}
		b.validation = v
	}
	return b, nil
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
		if !b.step() {
			res.Stopped = "no split satisfies the constraints any more"
			break
		}
		pr := Progress{Iteration: it + 1, Of: b.p.NumIterations, Elapsed: time.Since(begin)}
		stop := false
		if b.validation != nil {
			pr.Evals, stop = b.validation.measure(it + 1)
			res.History = append(res.History, pr.Evals...)
		}
		if b.opt.Progress != nil {
			pr.rate(len(b.label))
			b.opt.Progress(pr)
		}
		if stop {
			res.Stopped = "the validation metric no longer improves"
			break
		}
	}
	if len(b.model.Trees) == 0 { // nothing to split on: the model is a constant
		b.model.Trees = append(b.model.Trees, models.Tree{LeafValue: []float64{b.bias}, LeafHess: []float64{0},
			LeafCount: []int64{int64(len(b.label))}, Shrinkage: 1})
	}
	res.BestIteration = len(b.model.Trees) - first
	if b.validation != nil && b.p.EarlyStoppingRound > 0 && b.validation.bestIteration > 0 {
		res.BestIteration = min(b.validation.bestIteration, res.BestIteration)
		b.model.Trees = b.model.Trees[:first+res.BestIteration]
	}
	if err := b.model.Validate(); err != nil {
		return nil, err
	}
	return res, nil
}

// step grows one tree; it returns false when the tree would have no split.
func (b *booster) step() bool {
	it := len(b.model.Trees) // the key of random draws, so that continued training repeats none
	b.gradients.compute(b.objective, b.score, b.team)
	rows := b.sample(it)
	all := rows == nil
	seed := uint64(b.p.Seed)
	total := b.gradients.quantise(rows, seed, uint64(it), b.team)
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
	if b.validation != nil {
		b.validation.add(b.grower, t)
	}
	return true
}

// sample returns the rows of this iteration, nil for all.
func (b *booster) sample(it int) []uint32 {
	if b.p.GOSS {
		if float64(it) < 1/b.p.LearningRate { // as in LightGBM: all rows at first
			return nil
		}
		b.bag = gossRows(b.p, b.gradients, it, b.bag)
		return b.bag
	}
	if b.p.BaggingFreq > 0 && (it%b.p.BaggingFreq == 0 || b.bag == nil) {
		b.bag = bagRows(b.p, b.label, it, b.bag)
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
		b.team.Run(len(g.leaves), func(i int) {
			l := g.leaves[i]
			if v, ok := b.objective.leafValue(b.score, g.rows[l.start:l.start+l.n]); ok {
				t.LeafValue[i] = min(max(v, l.bound.lo), l.bound.hi)
			}
		})
	}
	t.Shrinkage = b.p.LearningRate
	step := append([]float64{}, t.LeafValue...)
	for i := range step {
		step[i] = float64(step[i] * b.p.LearningRate) // the conversion rounds: never fused with what follows
		t.LeafValue[i] = step[i] + b.bias
	}
	for i := range t.NodeValue {
		t.NodeValue[i] = float64(t.NodeValue[i]*b.p.LearningRate) + b.bias
	}
	if all {
		b.team.Run(len(g.leaves), func(i int) {
			l, v := g.leaves[i], step[i]
			for _, r := range g.rows[l.start : l.start+l.n] {
				b.score[r] += v
			}
		})
	} else {
		walk := newWalker(g, t)
		walk.add(b.matrix, b.score, step, b.team)
	}
	b.bias = 0
}

// featureInfos is the model's record of its columns.
func (m *matrix) featureInfos(p *Params) []models.FeatureInfo {
	f := make([]models.FeatureInfo, len(m.binners))
	for j, b := range m.binners {
		f[j] = models.FeatureInfo{Name: m.names[j], Categorical: b.categorical, Constant: b.isConstant()}
		if b.categorical {
			f[j].Categories = b.seenCodes()
		} else {
			f[j].Min, f[j].Max = max(b.min, -math.MaxFloat64), min(b.max, math.MaxFloat64)
		}
		if len(p.MonotoneConstraints) > 0 {
			f[j].Monotone = p.MonotoneConstraints[j]
		}
	}
	return f
}
