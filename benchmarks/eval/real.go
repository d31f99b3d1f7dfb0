// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/baseline"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/gbdt"
)

// table is a set as the model sees it, cut into training, calibration and
// evaluation rows.
type table struct {
	info  []features.FeatureInfo
	parts [3]part
	plan  *features.Plan
	name  string
}

type part struct {
	columns [][]float64
	label   []float64
}

func (p part) row(i int, x []float64) []float64 {
	for j, c := range p.columns {
		x[j] = c[i]
	}
	return x
}

// open reads the set and cuts it by label in turn: three fifths train, one
// calibrates, one is evaluated.
func open(ctx context.Context, set, label string) (*table, error) {
	frame, err := datasets.Read(ctx, set, datasets.Options{Label: label})
	if err != nil {
		return nil, err
	}
	rec := frame.Record
	index := rec.Schema().FieldIndices(frame.Label)
	if len(index) != 1 {
		return nil, fmt.Errorf("%s has no label column: name it with -label", set)
	}
	col, ok := rec.Column(index[0]).(*array.Float64)
	if !ok {
		return nil, fmt.Errorf("the label of %s is not numeric", set)
	}
	y := col.Float64Values()
	spec, err := features.Infer(rec, frame.Label)
	if err != nil {
		return nil, err
	}
	var rows [3][]int
	seen := map[float64]int{}
	for i, v := range y {
		p := [5]int{0, 0, 0, 1, 2}[seen[v]%5]
		rows[p] = append(rows[p], i)
		seen[v]++
	}
	plan, _, err := spec.Fit(ctx, rec, rows[0])
	if err != nil {
		return nil, err
	}
	m, err := plan.Matrix(ctx, rec)
	if err != nil {
		return nil, err
	}
	t := &table{info: plan.Features(), plan: plan, name: set}
	for p := range rows {
		t.parts[p].columns = make([][]float64, len(m.Columns))
		for _, i := range rows[p] {
			t.parts[p].label = append(t.parts[p].label, y[i])
			for j, c := range m.Columns {
				t.parts[p].columns[j] = append(t.parts[p].columns[j], c[i])
			}
		}
	}
	return t, nil
}

func (t *table) dataset(p part) *gbdt.Dataset {
	d := &gbdt.Dataset{Columns: p.columns, Label: p.label}
	for _, f := range t.info {
		d.Names, d.Categorical = append(d.Names, f.Name), append(d.Categorical, f.Categorical)
	}
	return d
}

func realSet(ctx context.Context, set, label, out string) error {
	t, err := open(ctx, set, label)
	if err != nil {
		return err
	}
	start := time.Now()
	p := gbdt.DefaultParams()
	p.NumIterations, p.NumLeaves, p.LearningRate, p.FeatureFraction, p.EarlyStoppingRound = 400, 7, 0.05, 0.6, 50
	p.Metric = []string{"auc"}
	trained, err := gbdt.Train(ctx, t.dataset(t.parts[0]), p, gbdt.Options{Valid: t.dataset(t.parts[1])})
	if err != nil {
		return err
	}
	f, err := forest.Compile(trained.Model)
	if err != nil {
		return err
	}
	in, err := t.input(ctx, f, trained.Model)
	if err != nil {
		return err
	}
	prepared := time.Now()
	r, err := eval.Build(ctx, in)
	if err != nil {
		return err
	}
	built := time.Now()
	if out != "" {
		if err := write(r, out); err != nil {
			return err
		}
	}
	fmt.Printf("%s: AUC %.4f; trained and challenged in %.1f s, evaluated in %.1f s, peak memory %d MB\n", set, float64(r.AUC), prepared.Sub(start).Seconds(), built.Sub(prepared).Seconds(), peak())
	return nil
}

// input wires the parts of a report as the evaluate command does, with
// made-up decision times, so that the monthly sections show too.
func (t *table) input(ctx context.Context, f *forest.Forest, m *models.Model) (eval.Input, error) {
	margins := func(p part) []float64 {
		out, x := make([]float64, len(p.label)), make([]float64, len(p.columns))
		for i := range out {
			out[i] = f.Margin(p.row(i, x))
		}
		return out
	}
	cal, err := models.FitCalibration(models.CalibrationPlatt, margins(t.parts[1]), t.parts[1].label, nil)
	if err != nil {
		return eval.Input{}, err
	}
	pds := func(margin []float64) []float64 {
		out := make([]float64, len(margin))
		for i, s := range margin {
			out[i] = cal.Apply(s)
		}
		return out
	}
	test, train := t.parts[2], t.parts[0]
	in := eval.Input{Title: t.name + " scoring model", Label: test.label, Margin: margins(test), Seed: 1,
		Purpose: "Benchmark of the evaluation report: gradient-boosted trees with fixed parameters, fitted to three fifths of the set, calibrated on one fifth and evaluated on the last.",
		Card: []eval.Fact{{Name: "Plan digest", Value: t.plan.Digest().String()}, {Name: "Trees", Value: fmt.Sprint(len(m.Trees))},
			{Name: "Features", Value: fmt.Sprint(len(t.info))}, {Name: "Calibration", Value: "Platt, fitted on the calibration fifth"}}}
	in.PD = pds(in.Margin)
	for _, s := range in.Margin {
		in.RawPD = append(in.RawPD, m.Probability(s))
	}
	tm := margins(train)
	in.Train = &eval.Train{Label: train.label, Margin: tm, PD: pds(tm)}
	first := time.Date(2024, 1, 3, 0, 0, 0, 0, time.UTC)
	for i := range test.label {
		in.Time = append(in.Time, first.AddDate(0, 0, i*500/len(test.label)))
	}
	data := &baseline.Data{Columns: train.columns, Label: train.label}
	var categories [][]string
	for j, c := range t.info {
		feature := eval.Feature{Name: c.Name, Values: test.columns[j], Train: train.columns[j], Monotone: c.Monotone, Group: c.Group, Sensitive: c.Sensitive}
		if c.Categorical {
			feature.Categories = c.Categories
		}
		in.Features = append(in.Features, feature)
		data.Names, data.Categorical = append(data.Names, c.Name), append(data.Categorical, c.Categorical)
		categories = append(categories, feature.Categories)
	}
	if err := t.challenge(ctx, &in, data, categories); err != nil {
		return in, err
	}
	x := make([]float64, len(t.info))
	in.Contributions = func(dst []float64, row int) { f.Contributions(dst, test.row(row, x)) }
	phi := make([]float64, len(t.info)+1)
	in.Reasons = func(row int) (out []eval.Reason) {
		f.Contributions(phi, test.row(row, x))
		for range 4 {
			best := -1
			for j, v := range phi[:len(t.info)] {
				if v > 0.02 && (best < 0 || v > phi[best]) {
					best = j
				}
			}
			if best < 0 {
				break
			}
			phi[best] = 0
			out = append(out, eval.Reason{Code: t.info[best].ReasonCode, Text: t.info[best].ReasonText})
		}
		return out
	}
	in.Score = func(x []float64) float64 { return cal.Apply(f.Margin(x)) }
	in.Served = in.Margin
	in.Groups = groups(in.Features)
	return in, nil
}

func (t *table) challenge(ctx context.Context, in *eval.Input, data *baseline.Data, categories [][]string) error {
	test, x := t.parts[2], make([]float64, len(t.info))
	card, err := baseline.FitLogistic(ctx, data, baseline.Config{})
	if err != nil {
		return err
	}
	c := eval.Challenger{Name: "WOE scorecard", Simple: true, Note: "Logistic regression on weight-of-evidence bins; a row's points are the sum of one line for each variable."}
	tree, err := baseline.FitTree(ctx, data, categories, baseline.ForestConfig{Seed: 1})
	if err != nil {
		return err
	}
	one := eval.Challenger{Name: "Single tree", Simple: true, Note: "One tree of at most four questions."}
	for i := range test.label {
		test.row(i, x)
		c.Score, c.PD = append(c.Score, card.Score(x)), append(c.PD, card.PD(x))
		one.Score = append(one.Score, tree.Score(x))
	}
	one.PD = one.Score
	c.Rules = &eval.Table{Title: "Scorecard", Folded: true, Caption: "Points add up; 20 points more double the odds of good to bad.",
		Columns: []eval.Column{{Name: "Variable"}, {Name: "Bin"}, {Name: "Rows", Format: eval.Count}, {Name: "Bad", Format: eval.Count}, {Name: "Weight of evidence", Format: eval.Signed3}, {Name: "Points", Format: eval.Fixed3}}}
	for _, a := range card.Attributes(categories) {
		c.Rules.Rows = append(c.Rules.Rows, []eval.Cell{eval.T(a.Variable), eval.T(a.Bin), eval.I(a.Rows), eval.I(a.Bad), eval.V(a.WOE), eval.V(a.Points)})
	}
	one.Rules = &eval.Table{Title: "Rules of the single tree", Folded: true, Columns: []eval.Column{{Name: "When"}, {Name: "Rows", Format: eval.Count}, {Name: "PD", Format: eval.Percent}}}
	for _, l := range tree.Leaves() {
		one.Rules.Rows = append(one.Rules.Rows, []eval.Cell{eval.T(l.Rule), eval.I(l.Rows), eval.V(l.PD())})
	}
	bag, err := baseline.FitForest(ctx, data, baseline.ForestConfig{Seed: 1})
	if err != nil {
		return err
	}
	votes, err := bag.Scores(ctx, test.columns)
	if err != nil {
		return err
	}
	in.Challenger = []eval.Challenger{c, one, {Name: "Random forest", Score: votes, Note: "A bag of 50 trees; the score is the share of trees that call a row bad, not a probability."}}
	in.Champion = &in.Challenger[0]
	return nil
}

// groups cuts the first number whose name says age into bands.
func groups(features []eval.Feature) []eval.Category {
	for _, f := range features {
		if f.Categories != nil || !(f.Name == "Age" || f.Name == "age" || f.Name == "AGE") {
			continue
		}
		g := eval.Category{Name: "age", Levels: []string{"up to 25", "26 to 35", "36 to 50", "51 to 65", "over 65"}}
		for _, v := range f.Values {
			switch {
			case math.IsNaN(v):
				g.Code = append(g.Code, -1)
			case v <= 25:
				g.Code = append(g.Code, 0)
			case v <= 35:
				g.Code = append(g.Code, 1)
			case v <= 50:
				g.Code = append(g.Code, 2)
			case v <= 65:
				g.Code = append(g.Code, 3)
			default:
				g.Code = append(g.Code, 4)
			}
		}
		return []eval.Category{g}
	}
	return nil
}

func write(r *eval.Report, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	h, err := os.Create(filepath.Join(dir, "report.html"))
	if err != nil {
		return err
	}
	defer h.Close()
	if err := r.WriteHTML(h); err != nil {
		return err
	}
	j, err := os.Create(filepath.Join(dir, "report.json"))
	if err != nil {
		return err
	}
	defer j.Close()
	return r.WriteJSON(j)
}
