// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models/baseline"
	"github.com/assayrisk/assay/models/eval"
)

// maxForestRows bounds the rows that the random forest challenger scores: its
// library walks a tree of its own for every row.
const maxForestRows = 100_000

// challenge fits the challengers: a scorecard, a single tree and a random
// forest on the training rows where they are known, else a scorecard out of
// fold on the evaluated rows. Rows that no challenger can be fitted on (one
// class, too few) leave the section empty, and the report says so.
func (e *evaluation) challenge(ctx context.Context, in *eval.Input, test, train *scored) error {
	var err error
	if train == nil {
		err = e.challengeOutOfFold(ctx, in, test)
	} else {
		err = e.challengeTrained(ctx, in, test, train)
	}
	if err != nil && !errors.Is(err, baseline.ErrInput) {
		return err
	}
	for _, r := range e.rivals {
		c, err := r.rival(ctx, e.test)
		if err != nil {
			return err
		}
		in.Challenger = append(in.Challenger, *c)
	}
	switch {
	case e.champion != nil:
		in.Champion, err = e.champion.rival(ctx, e.test)
		return err
	case len(in.Challenger) > 0:
		in.Champion = &in.Challenger[0]
	}
	return nil
}

// rival scores the rows by another bundle.
func (s *scorer) rival(ctx context.Context, rows part) (*eval.Challenger, error) {
	sc, err := s.score(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("challenger %s: %w", s.bundle.Manifest.Name, err)
	}
	if len(sc.margins) != len(rows.rows) {
		return nil, fmt.Errorf("%w: challenger %s scores %d rows of %d: its plan reads the table otherwise", assay.ErrInvalid, s.bundle.Manifest.Name, len(sc.margins), len(rows.rows))
	}
	m := &s.bundle.Manifest
	return &eval.Challenger{
		Name: m.Name + " " + s.bundle.Digest.Short(), Score: sc.margins, PD: sc.pds(),
		Note: fmt.Sprintf("the bundle %s: %d trees on %d features, trained by %s on %s", s.bundle.Digest, m.Model.Trees, m.Model.Features, m.Model.Trainer, m.Data.Name),
	}, nil
}

// data shows a part of a matrix to the challengers. Rows that train one are there
// as often as they weigh, since the challengers know no weights.
func (e *evaluation) data(from part, m *features.Matrix, trains bool) (*baseline.Data, [][]string) {
	if trains {
		from.rows = from.inProportion()
	}
	d := &baseline.Data{Label: from.labels()}
	var categories [][]string
	at := matrixRows(m, from.rows)
	for j, f := range e.scorer.plan.Features() {
		d.Names = append(d.Names, f.Name)
		d.Categorical = append(d.Categorical, f.Categorical)
		d.Columns = append(d.Columns, pick(m.Columns[j], at))
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

func (e *evaluation) challengeTrained(ctx context.Context, in *eval.Input, test, train *scored) error {
	d, categories := e.data(e.train, train.matrix, true)
	card, err := baseline.FitLogistic(ctx, d, baseline.Config{})
	if err != nil {
		return err
	}
	tree, err := baseline.FitTree(ctx, d, categories, baseline.ForestConfig{Seed: 1})
	if err != nil {
		return err
	}
	n := len(e.test.rows)
	c := eval.Challenger{
		Name: "logistic scorecard", Simple: true, Score: make([]float64, n), PD: make([]float64, n), Rules: cardTable(card, categories),
		Note: "weight-of-evidence logistic regression on the same features, fitted on the training rows" + e.train.asItWeighs(),
	}
	one := eval.Challenger{
		Name: "single tree", Simple: true, Score: make([]float64, n), Rules: treeTable(tree),
		Note: "one tree of at most four questions, fitted on the training rows" + e.train.asItWeighs(),
	}
	eachRow(test.matrix, e.test.rows, func(i int, x []float64) {
		c.Score[i] = card.Score(x)
		c.PD[i] = sigmoid(c.Score[i])
		one.Score[i] = tree.Score(x)
	})
	one.PD = one.Score
	in.Challenger = append(in.Challenger, c, one)
	if n > maxForestRows {
		in.Card = append(in.Card, eval.Fact{Name: "Challengers", Value: fmt.Sprintf("no random forest: it is left out beyond %s evaluated rows", eval.Count.Print(maxForestRows))})
		return nil
	}
	bag, err := baseline.FitForest(ctx, d, baseline.ForestConfig{Seed: 1})
	if err != nil {
		return err
	}
	held, _ := e.data(e.test, test.matrix, false)
	votes, err := bag.Scores(ctx, held.Columns)
	if err != nil {
		return err
	}
	in.Challenger = append(in.Challenger, eval.Challenger{
		Name: "random forest", Score: votes,
		Note: fmt.Sprintf("a bag of trees, each fitted on at most %s of the training rows, drawn so that good and bad are equally frequent; the score is the share of trees that call a row bad, not a probability", eval.Count.Print(baseline.DefaultForestRows)) + e.train.asItWeighs(),
	})
	return nil
}

func (e *evaluation) challengeOutOfFold(ctx context.Context, in *eval.Input, test *scored) error {
	n := len(e.test.rows)
	c := eval.Challenger{
		Name: "logistic scorecard", Simple: true, Score: make([]float64, n), PD: make([]float64, n),
		Note: "weight-of-evidence logistic regression on the same features, fitted out of fold on the evaluated rows" + e.test.asItWeighs(),
	}
	folds := stratifiedFolds(e.test.label, e.test.rows, 5)
	at := map[int]int{}
	for i, r := range e.test.rows {
		at[r] = i
	}
	for k := range folds {
		d, _ := e.data(part{e.test.table, others(folds, k)}, test.matrix, true)
		l, err := baseline.FitLogistic(ctx, d, baseline.Config{})
		if err != nil {
			return err
		}
		eachRow(test.matrix, folds[k], func(i int, x []float64) {
			row := at[folds[k][i]]
			c.Score[row] = l.Score(x)
			c.PD[row] = sigmoid(c.Score[row])
		})
	}
	in.Challenger = append(in.Challenger, c)
	return nil
}

// cardTable prints a scorecard in full.
func cardTable(card *baseline.Logistic, categories [][]string) *eval.Table {
	t := &eval.Table{
		Title: "Scorecard", Folded: true, Caption: "Points add up; 20 points more double the odds of good to bad. Weight of evidence is what a bin says alone (above 0: riskier), points are what it adds to the other variables: the two need not lie on a line, but a riskier bin never earns more points. Bins that would are pooled and earn the same.",
		Columns: []eval.Column{
			{Name: "Variable"}, {Name: "Bin"}, {Name: "Rows", Format: eval.Count}, {Name: "Bad", Format: eval.Count},
			{Name: "Weight of evidence", Format: eval.Signed3}, {Name: "Points", Format: eval.Fixed1},
		},
	}
	if out := card.LeftOut(); len(out) > 0 {
		t.Caption += " Left out, because next to the others their sign was wrong: " + strings.Join(out, ", ") + "."
	}
	for _, a := range card.Attributes(categories) {
		t.Rows = append(t.Rows, []eval.Cell{eval.T(a.Variable), eval.T(a.Bin), eval.I(a.Rows), eval.I(a.Bad), eval.V(a.WOE), eval.V(a.Points)})
	}
	return t
}

// treeTable prints a tree's rules.
func treeTable(tree *baseline.Tree) *eval.Table {
	t := &eval.Table{
		Title: "Rules of the single tree", Folded: true,
		Columns: []eval.Column{{Name: "When"}, {Name: "Rows", Format: eval.Count}, {Name: "PD", Format: eval.Percent}},
	}
	for _, l := range tree.Leaves() {
		when := make([]eval.Piece, 0, len(l.When))
		for i, c := range l.When {
			words := c.Words
			if i > 0 {
				words = "and " + words
			}
			when = append(when, eval.Piece{Words: words, Names: c.Values})
		}
		rule := eval.T(l.Rule)
		if len(when) > 0 {
			rule = eval.Phrase(when...)
		}
		t.Rows = append(t.Rows, []eval.Cell{rule, eval.I(l.Rows), eval.V(l.PD())})
	}
	return t
}
