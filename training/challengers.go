// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/bitmath"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/baseline"
	"github.com/assayrisk/assay/models/eval/report"
	"github.com/assayrisk/assay/models/eval/report/document"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/gbdt"
)

// maxForestRows bounds the rows that the random forest challenger scores: its
// library walks a tree of its own for every row.
const maxForestRows = 100_000

// addChallengers fits the challengers: a scorecard, a single tree and a random
// forest on the training rows where they are known, else a scorecard out of
// fold on the evaluated rows. Rows that no challenger can be fitted on (one
// class, too few) leave the section empty, and the report says so.
func (e *Evaluation) addChallengers(ctx context.Context, in *report.Input, test, train *Scored) error {
	var err error
	if train == nil {
		err = e.challengeOutOfFold(ctx, in, test)
	} else {
		err = e.challengeTrained(ctx, in, test, train)
	}
	if err != nil && !errors.Is(err, baseline.ErrInput) {
		return err
	}
	for _, r := range e.Challengers {
		c, err := r.asChallenger(ctx, e.Test)
		if err != nil {
			return err
		}
		in.Challenger = append(in.Challenger, *c)
	}
	switch {
	case e.Champion != nil:
		in.Champion, err = e.Champion.asChallenger(ctx, e.Test)
		return err
	case len(in.Challenger) > 0:
		in.Champion = &in.Challenger[0]
	}
	return nil
}

// asChallenger scores the rows by another bundle.
func (s *Scorer) asChallenger(ctx context.Context, rows Subset) (*report.Challenger, error) {
	sc, err := s.Score(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("challenger %s: %w", s.Bundle.Manifest.Name, err)
	}
	if len(sc.Margins) != len(rows.Rows) {
		return nil, fmt.Errorf("%w: challenger %s scores %d rows of %d: its plan reads the table otherwise",
			assay.ErrInvalid, s.Bundle.Manifest.Name, len(sc.Margins), len(rows.Rows))
	}
	m := &s.Bundle.Manifest
	return &report.Challenger{
		Name: m.Name + " " + s.Bundle.Digest.Short(), Score: sc.Margins, PD: sc.PDs(),
		Note: fmt.Sprintf("the bundle %s: %d trees on %d features, trained by %s on %s", s.Bundle.Digest, m.Model.Trees,
			m.Model.Features, m.Model.Trainer, m.Data.Name),
	}, nil
}

// data is a subset in the form that challengers take. Rows that train one occur as
// often as they weigh, since the challengers know no weights.
func (e *Evaluation) data(from Subset, m *features.Matrix, trains bool) (*baseline.Data, [][]string) {
	if trains {
		from.Rows = from.resampledByWeight()
	}
	d := &baseline.Data{Label: from.Labels()}
	var categories [][]string
	at := matrixRows(m, from.Rows)
	for j, f := range e.Scorer.Plan.Features() {
		d.Names = append(d.Names, f.Name)
		d.Categorical = append(d.Categorical, f.Categorical)
		d.Columns = append(d.Columns, pickRows(m.Columns[j], at))
		categories = append(categories, f.Categories)
	}
	return d, categories
}

// eachRow calls fn with the vector of each row, in order.
func eachRow(m *features.Matrix, rows []int, fn func(i int, x []float64)) {
	x := make([]float64, len(m.Columns))
	for i, r := range matrixRows(m, rows) {
		for j, c := range m.Columns {
			x[j] = c[r]
		}
		fn(i, x)
	}
}

func (e *Evaluation) challengeTrained(ctx context.Context, in *report.Input, test, train *Scored) error {
	d, categories := e.data(e.Train, train.Matrix, true)
	card, err := baseline.FitLogistic(ctx, d, baseline.Config{})
	if err != nil {
		return err
	}
	tree, err := baseline.FitTree(ctx, d, categories, baseline.ForestConfig{Seed: 1})
	if err != nil {
		return err
	}
	n := len(e.Test.Rows)
	c := report.Challenger{
		Name: "logistic scorecard", Simple: true, Score: make([]float64, n), PD: make([]float64, n),
		Rules: cardTable(card, categories),
		Note: "weight-of-evidence logistic regression on the same features, fitted on the training rows" +
			e.Train.weightWords(),
	}
	one := report.Challenger{
		Name: "single tree", Simple: true, Score: make([]float64, n), Rules: treeTable(tree),
		Note: "one tree of at most four questions, fitted on the training rows" + e.Train.weightWords(),
	}
	eachRow(test.Matrix, e.Test.Rows, func(i int, x []float64) {
		c.Score[i] = card.Score(x)
		c.PD[i] = bitmath.Sigmoid(c.Score[i])
		one.Score[i] = tree.Score(x)
	})
	one.PD = one.Score
	in.Challenger = append(in.Challenger, c, one)
	if n > maxForestRows {
		in.Card = append(in.Card,
			report.Fact{Name: "Challengers",
				Value: fmt.Sprintf("no random forest: it is left out beyond %s evaluated rows",
					numfmt.Count.Print(maxForestRows))})
		return nil
	}
	bag, err := baseline.FitForest(ctx, d, baseline.ForestConfig{Seed: 1})
	if err != nil {
		return err
	}
	held, _ := e.data(e.Test, test.Matrix, false)
	votes, err := bag.Scores(ctx, held.Columns)
	if err != nil {
		return err
	}
	in.Challenger = append(in.Challenger, report.Challenger{
		Name: "random forest", Score: votes,
		Note: fmt.Sprintf("a bag of trees, each fitted on at most %s of the training rows, drawn so that good and "+
			"bad are equally frequent; the score is the share of trees that call a row bad, not a probability",
			numfmt.Count.Print(baseline.DefaultForestRows)) + e.Train.weightWords(),
	})
	return nil
}

func (e *Evaluation) challengeOutOfFold(ctx context.Context, in *report.Input, test *Scored) error {
	n := len(e.Test.Rows)
	c := report.Challenger{
		Name: "logistic scorecard", Simple: true, Score: make([]float64, n), PD: make([]float64, n),
		Note: "weight-of-evidence logistic regression on the same features, fitted out of fold on the evaluated rows" +
			e.Test.weightWords(),
	}
	folds := stratifiedFolds(e.Test.Label, e.Test.Rows, 5)
	at := map[int]int{}
	for i, r := range e.Test.Rows {
		at[r] = i
	}
	for k := range folds {
		d, _ := e.data(Subset{e.Test.Table, allBut(folds, k)}, test.Matrix, true)
		l, err := baseline.FitLogistic(ctx, d, baseline.Config{})
		if err != nil {
			return err
		}
		eachRow(test.Matrix, folds[k], func(i int, x []float64) {
			row := at[folds[k][i]]
			c.Score[row] = l.Score(x)
			c.PD[row] = bitmath.Sigmoid(c.Score[row])
		})
	}
	in.Challenger = append(in.Challenger, c)
	return nil
}

// cardTable prints a scorecard in full.
func cardTable(card *baseline.Logistic, categories [][]string) *document.Table {
	t := &document.Table{
		Title: "Scorecard", Folded: true, Caption: "Points add up; 20 points more double the odds of good to bad. " +
			"Weight of evidence is what a bin says alone (above 0: riskier), points are what it adds to the other " +
			"variables: the two need not lie on a line, but a riskier bin never earns more points. Bins that would " +
			"are pooled and earn the same.",
		Columns: []document.Column{
			{Name: "Variable"}, {Name: "Bin"}, {Name: "Rows", Format: numfmt.Count},
			{Name: "Bad", Format: numfmt.Count},
			{Name: "Weight of evidence", Format: numfmt.Signed3}, {Name: "Points", Format: numfmt.Fixed1},
		},
	}
	if out := card.LeftOut(); len(out) > 0 {
		t.Caption += " Left out, because next to the others their sign was wrong: " + strings.Join(out, ", ") + "."
	}
	for _, a := range card.Attributes(categories) {
		t.Rows = append(t.Rows, []document.Cell{document.Words(a.Variable), document.Words(a.Bin),
			document.Count(a.Rows), document.Count(a.Bad),
			document.Value(a.WOE), document.Value(a.Points)})
	}
	return t
}

// treeTable prints a tree's rules.
func treeTable(tree *baseline.Tree) *document.Table {
	t := &document.Table{
		Title: "Rules of the single tree", Folded: true,
		Columns: []document.Column{{Name: "When"}, {Name: "Rows", Format: numfmt.Count},
			{Name: "PD", Format: numfmt.Percent}},
	}
	for _, l := range tree.Leaves() {
		when := make([]document.Piece, 0, len(l.When))
		for i, c := range l.When {
			words := c.Words
			if i > 0 {
				words = "and " + words
			}
			when = append(when, document.Piece{Words: words, Names: c.Values})
		}
		rule := document.Words(l.Rule)
		if len(when) > 0 {
			rule = document.Phrase(when...)
		}
		t.Rows = append(t.Rows, []document.Cell{rule, document.Count(l.Rows), document.Value(l.PD())})
	}
	return t
}

// hardenLevel is the noise added in training, in standard deviations; a
// category is replaced with that probability.
const hardenLevel = 0.2

// addHardening trains the recipe once more, on the training rows and a disturbed
// copy of each.
func (e *Evaluation) addHardening(ctx context.Context, in *report.Input, train *Scored) error {
	if !e.Harden || train == nil {
		return nil
	}
	if e.Recipe == nil {
		return optionError("--harden: the model was trained elsewhere, so its recipe is not known here")
	}
	p, err := e.Recipe.trainerParams(e.Scorer.Plan)
	if err != nil {
		return err
	}
	d := e.Train.dataset(e.Scorer.Plan, train.Matrix)
	for j, x := range report.Noise(d.Columns, in.Features, hardenLevel, in.Seed) {
		d.Columns[j] = append(d.Columns[j], x...)
	}
	d.Label = append(d.Label, d.Label...)
	if d.Weight != nil {
		d.Weight = append(d.Weight, d.Weight...)
	}
	res, err := gbdt.Train(ctx, d, p, gbdt.Options{})
	if err != nil {
		return err
	}
	f, err := forest.Compile(res.Model)
	if err != nil {
		return err
	}
	cal := &e.Scorer.Bundle.Calibration
	in.Hardening = &report.Hardening{
		Note: fmt.Sprintf("The same plan and parameters, trained on each of the %s training rows as it is and once "+
			"more with noise: %.1f robust standard deviations on numbers, and categories replaced by another row's "+
			"with probability %.1f. Calibrated as the model is; only its order of rows is compared.",
			numfmt.Count.Print(float64(len(e.Train.Rows))), hardenLevel, hardenLevel),
		Score: func(x []float64) float64 { return cal.Apply(f.Margin(x)) },
	}
	return nil
}
