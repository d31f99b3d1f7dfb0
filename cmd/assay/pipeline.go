// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/gbdt"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving/policy"
)

// recipe is everything that decides what a bundle will be: the same recipe on
// the same rows gives the same bundle, byte for byte.
type recipe struct {
	name      string
	spec      *features.Spec
	params    map[string]string // LightGBM's names
	calibrate string
	folds     int    // of the training rows, for out-of-fold calibration
	policy    []byte // YAML, may be nil
	notes     []string
	trees     int   // in place of the parameters' num_iterations; 0: as they say
	base      *base // a model to go on from, nil to begin anew
}

// fitted is one plan and the forest that was trained on its vectors.
type fitted struct {
	plan   *features.Plan
	matrix *features.Matrix // of the training table, all its rows
	rows   []int            // of that table, those trained on: what cleaning left
	report *features.FitReport
	result *gbdt.Result
	forest *forest.Forest

	outOfFold []float64 // margin of each row given for training, by a model that did not see it; nil = none was needed
}

// fit learns a plan and a forest from the training rows. valid rows, if any,
// stop the training early.
func (r *recipe) fit(ctx context.Context, train, valid part, progress func(gbdt.Progress)) (*fitted, error) {
	plan, report, err := r.fitPlan(ctx, train)
	if err != nil {
		return nil, err
	}
	train.rows = report.Kept // what the plan's cleaning left
	p, err := r.parse(plan)
	if err != nil {
		return nil, err
	}
	m, err := train.matrix(ctx, plan)
	if err != nil {
		return nil, err
	}
	opt := gbdt.Options{Progress: progress}
	if len(valid.rows) == 0 && r.trees > 0 {
		p.EarlyStoppingRound = 0 // it has happened already
	}
	if len(valid.rows) > 0 {
		vm, err := valid.matrix(ctx, plan)
		if err != nil {
			return nil, fmt.Errorf("validation rows: %w", err)
		}
		opt.Valid = valid.dataset(plan, vm)
	}
	data := train.dataset(plan, m)
	if r.base == nil && r.targetEncoded() {
		// What a target encoding says of a row must not have seen its label.
		blind := &features.Matrix{Rows: m.Rows, Plan: m.Plan, Row: m.Row}
		for _, c := range m.Columns {
			blind.Columns = append(blind.Columns, slices.Clone(c))
		}
		if err := report.OutOfFold(blind); err != nil {
			return nil, err
		}
		data = train.dataset(plan, blind)
	}
	res, err := r.grow(ctx, data, p, opt)
	if err != nil {
		return nil, err
	}
	f, err := forest.Compile(res.Model)
	if err != nil {
		return nil, err
	}
	return &fitted{plan: plan, matrix: m, rows: train.rows, report: report, result: res, forest: f}, nil
}

// targetEncoded reports whether the plan learns features from labels.
func (r *recipe) targetEncoded() bool {
	return slices.ContainsFunc(r.spec.Features, func(f features.FeatureSpec) bool {
		return f.Kernel == "woe" || f.Kernel == "target_mean"
	})
}

// parse turns the parameters into the trainer's, with the plan's monotone
// directions unless the parameters name their own.
func (r *recipe) parse(plan *features.Plan) (gbdt.Params, error) {
	kv := map[string]string{}
	for k, v := range r.params {
		kv[k] = v
	}
	p, err := gbdt.ParseParams(kv)
	if err != nil {
		return p, err
	}
	if r.trees > 0 {
		p.NumIterations = r.trees
	}
	if p.MonotoneConstraints == nil {
		var any bool
		dirs := make([]int8, len(plan.Features()))
		for i, f := range plan.Features() {
			dirs[i] = f.Monotone
			any = any || f.Monotone != 0
		}
		if any {
			p.MonotoneConstraints = dirs
		}
	}
	return p, nil
}

// dataset shows a part of a table's matrix to the trainer.
func (p part) dataset(plan *features.Plan, m *features.Matrix) *gbdt.Dataset {
	d := &gbdt.Dataset{Label: p.labels(), Weight: p.weights()}
	rows := matrixRows(m, p.rows)
	for j, f := range plan.Features() {
		d.Names = append(d.Names, f.Name)
		d.Categorical = append(d.Categorical, f.Categorical)
		d.Columns = append(d.Columns, pick(m.Columns[j], rows))
	}
	return d
}

// margins scores the part.
func (p part) margins(ctx context.Context, plan *features.Plan, f *forest.Forest) ([]float64, error) {
	m, err := p.matrix(ctx, plan)
	if err != nil {
		return nil, err
	}
	return matrixMargins(m, f, p.rows), nil
}

// matrixMargins scores the matrix's vectors of the given rows of the record.
func matrixMargins(m *features.Matrix, f *forest.Forest, rows []int) []float64 {
	rows = matrixRows(m, rows)
	const block = 1024
	width := len(m.Columns)
	x := make([]float64, block*width)
	out := make([]float64, len(rows))
	for at := 0; at < len(rows); at += block {
		part := rows[at:min(at+block, len(rows))]
		for i, r := range part {
			for j, c := range m.Columns {
				x[i*width+j] = c[r]
			}
		}
		f.Margins(out[at:at+len(part)], x[:len(part)*width])
	}
	return out
}

// lookAtWindows says what the windows make of the table, and refuses one that
// leaves them empty. Validation rows are only warned of.
func (r *recipe) lookAtWindows(ctx context.Context, u *ui, train, valid part) error {
	if len(r.spec.Windows) == 0 {
		return nil
	}
	u.step("play the events through %d windows", len(r.spec.Windows))
	log, err := train.play(ctx, r.spec)
	if err != nil {
		return err
	}
	u.done("%d events", train.table.rows())
	sayWindows(u, log.Windows())
	sayUnread(u, r.spec)
	if err := train.filled(r.spec, log.Windows()); err != nil || len(valid.rows) == 0 {
		return err
	}
	checked, err := valid.play(ctx, r.spec)
	if err != nil {
		return err
	}
	valid.sayHistory(u, checked.Windows(), shares(log.Windows()))
	return nil
}

// build trains the final model on the training rows and makes a bundle of it.
func (r *recipe) build(ctx context.Context, u *ui, train, valid part) (*models.Bundle, *fitted, error) {
	if err := r.lookAtWindows(ctx, u, train, valid); err != nil {
		return nil, nil, err
	}
	if train.weight != nil && r.targetEncoded() {
		u.note("what the plan learns from labels (woe, target_mean) counts every row once; trees, calibration and figures go by the weight %q", train.weighed)
	}
	u.step("train on %d rows", len(train.rows))
	f, err := r.fit(ctx, train, valid, func(p gbdt.Progress) { u.progress("%s", describe(p)) })
	if err != nil {
		return nil, nil, err
	}
	u.done("%d trees on %d features", len(f.result.Model.Trees), len(f.plan.Features()))
	for _, line := range cleaned(f.report) {
		u.note("%s", line)
	}
	if err := sayLookups(u, r.spec, f.report); err != nil {
		return nil, nil, err
	}

	if len(valid.rows) > 0 {
		r.trees = f.result.BestIteration // for the folds that calibrate
	}
	if r.calibrate != models.CalibrationNone {
		u.step("calibrate on %d folds of the training rows", r.folds)
	}
	cal, of, err := r.calibration(ctx, u, train)
	if err != nil {
		return nil, nil, err
	}
	f.outOfFold = of
	metrics := map[string]float64{}
	if of != nil {
		c, err := eval.NewWeightedCurve(train.labels(), of, train.weights())
		if err != nil {
			return nil, nil, err
		}
		metrics["oof.auc"] = c.AUC()
		u.done("%s; out-of-fold AUC %.4f", cal.Method, c.AUC())
	}
	if len(valid.rows) > 0 {
		mm, err := valid.margins(ctx, f.plan, f.forest)
		if err != nil {
			return nil, nil, err
		}
		c, err := eval.NewWeightedCurve(valid.labels(), mm, valid.weights())
		if err != nil {
			return nil, nil, err
		}
		metrics["valid.auc"] = c.AUC()
	}
	train.rows = f.rows
	b, err := r.seal(u, train, len(valid.rows), f, cal, metrics)
	return b, f, err
}

// seal makes a bundle of what was fitted, once an independent implementation
// has scored the training rows to the same bits.
func (r *recipe) seal(u *ui, train part, valid int, f *fitted, cal *models.Calibration, metrics map[string]float64) (*models.Bundle, error) {
	b, err := r.bundle(train, valid, f, cal, metrics)
	if err != nil {
		return nil, err
	}
	u.step("gate: an independent implementation scores the same rows")
	passed, err := gate(b.ModelText, f, train.rows)
	if err != nil {
		return nil, err
	}
	u.done("the same bits on %d real and %d adversarial rows", passed.Rows, passed.Adversarial)
	b.Manifest.Reference = reference(f.plan, f.matrix, f.forest, cal, train)
	return b, nil
}

func (r *recipe) bundle(train part, valid int, f *fitted, cal *models.Calibration, metrics map[string]float64) (*models.Bundle, error) {
	var text bytes.Buffer
	if err := interchange.WriteLightGBM(&text, f.result.Model); err != nil {
		return nil, err
	}
	b := &models.Bundle{
		Plan: f.plan.Frozen(), ModelText: text.Bytes(), Model: f.result.Model,
		Calibration: *cal, Scale: models.DefaultScale(), Policy: r.policy,
	}
	if b.Policy == nil {
		b.Policy = policy.DefaultFor(train.badRate())
	}
	facts := models.ModelFacts{
		Trainer: "assay", Objective: string(f.result.Model.Objective), Trees: len(f.result.Model.Trees),
		Features: len(f.result.Model.Features), Init: f.result.Model.Init, Average: f.result.Model.Average,
	}
	for _, x := range f.result.Model.Features {
		if x.Monotone != 0 && facts.Monotone == nil {
			facts.Monotone = make([]int8, len(f.result.Model.Features))
		}
	}
	for i, x := range f.result.Model.Features {
		if facts.Monotone != nil {
			facts.Monotone[i] = x.Monotone
		}
	}
	b.Manifest = models.Manifest{
		Name: r.name, Plan: f.plan.Digest(), Model: facts, Params: r.params, Metrics: metrics, Notes: append(slices.Clone(r.notes), cleaned(f.report)...),
		Data: models.DataFacts{
			Name: train.name, SHA256: train.frame.Digest, Label: train.frame.Label, Weight: train.weighed,
			Rows: len(train.rows), Valid: valid, BadRate: train.badRate(),
		},
	}
	if at := train.times(); len(at) > 0 {
		from, to := at[0], at[0]
		for _, t := range at {
			if t.Before(from) {
				from = t
			}
			if t.After(to) {
				to = t
			}
		}
		b.Manifest.Data.From, b.Manifest.Data.To = from.Format(time.RFC3339), to.Format(time.RFC3339)
	}
	if s, err := strconv.ParseUint(r.params["seed"], 10, 64); err == nil {
		b.Manifest.Seed = s
	}
	return b, nil
}

// gateRows is how many training rows the activation gate scores.
const gateRows = 2000

// gate lets an independent implementation score the bundle's model text on
// real rows and on adversarial ones before anything is written.
func gate(text []byte, f *fitted, rows []int) (interchange.GateReport, error) {
	m := f.matrix
	rows = matrixRows(m, rows[:min(len(rows), gateRows)])
	x := make([]float64, 0, len(rows)*len(m.Columns))
	for _, r := range rows {
		for _, c := range m.Columns {
			x = append(x, c[r])
		}
	}
	return interchange.Gate(text, f.forest, x)
}

func describe(p gbdt.Progress) string {
	out := fmt.Sprintf("tree %d of %d, %.2gM rows/s", p.Iteration, p.Of, p.RowsPerSecond/1e6)
	for _, e := range p.Evals {
		out += fmt.Sprintf(", %s %.4f", e.Metric, e.Value)
	}
	if p.Left > time.Second {
		out += fmt.Sprintf(", %s left", p.Left.Round(time.Second))
	}
	return out
}
