// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/scoring"
)

// scorer is a bundle made ready to score tables.
type scorer struct {
	bundle *models.Bundle
	plan   *features.Plan
	forest *forest.Forest
	policy *policy.Policy // nil without one
}

// openScorer reads a bundle and compiles it.
func openScorer(dir string) (*scorer, error) {
	b, err := models.ReadBundle(dir)
	if err != nil {
		return nil, err
	}
	return newScorer(b)
}

// newScorer makes a bundle ready as the server does. A bundle without a policy
// decides nothing here.
func newScorer(b *models.Bundle) (*scorer, error) {
	if b.Model == nil {
		var err error
		if b.Model, err = interchange.LoadModel(b); err != nil {
			return nil, err
		}
	}
	m, err := scoring.New(b, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", models.ErrBundle, err)
	}
	s := &scorer{bundle: b, plan: m.Plan, forest: m.Forest}
	if len(b.Policy) > 0 {
		s.policy = m.Policy
	}
	return s, nil
}

// scored is one table's scores, in row order.
type scored struct {
	part    part // the rows; of an event log without a label, those of the scored kind
	matrix  *features.Matrix
	margins []float64
	scores  []assay.Score
}

// needColumns reports fields of the plan that a table has no column for. An
// event may leave an optional field out; a table without the column is most
// likely the wrong table.
func needColumns(plan *features.Plan, t *table) error {
	missing := plan.MissingColumns(t.frame.Record)
	if len(missing) > 0 {
		return fmt.Errorf("%w: %s has no column %s: add them (empty cells where a value is missing), use a model or plan of "+
			"this table, or declare the field `optional: true` before training%s",
			assay.ErrInvalid, t.name, strings.Join(missing, ", "), nearest.Hint(missing[0], t.columns()))
	}
	return nil
}

// columns names the table's columns.
func (t *table) columns() []string {
	var out []string
	for _, f := range t.frame.Record.Schema().Fields() {
		out = append(out, f.Name)
	}
	return out
}

// accept holds a table to the plan: it has the columns, and its rows keep the
// rules. Columns whose values training did not know are said.
func (s *scorer) accept(u *ui, t *table) error { return accept(u, s.plan, t) }

func accept(u *ui, plan *features.Plan, t *table) error {
	if err := errors.Join(needColumns(plan, t), t.obey(u, plan.Spec())); err != nil {
		return err
	}
	return sayUnseen(u, plan, t)
}

// sayUnseen warns of text columns nearly all of whose values are new to a plan.
func sayUnseen(u *ui, plan *features.Plan, t *table) error {
	found, err := plan.Unseen(t.frame.Record)
	if err != nil {
		return err
	}
	for _, x := range found {
		if x.Wrong() {
			u.note("%s: %s", t.name, x)
		}
	}
	return nil
}

// trainedWindows is the share of the training rows that found something in each
// window; nil if the bundle does not say.
func (s *scorer) trainedWindows() map[string]float64 {
	if r := s.bundle.Manifest.Reference; r != nil {
		return r.Windows
	}
	return nil
}

// score scores the part.
func (s *scorer) score(ctx context.Context, p part) (*scored, error) {
	if err := needColumns(s.plan, p.table); err != nil {
		return nil, err
	}
	m, err := p.matrix(ctx, s.plan)
	if err != nil {
		return nil, err
	}
	if m.Row != nil && p.log == nil {
		p.rows = m.Row
	}
	out := &scored{part: p, matrix: m, margins: matrixMargins(m, s.forest, p.rows)}
	out.scores = make([]assay.Score, len(out.margins))
	for i, x := range out.margins {
		out.scores[i] = s.bundle.Score(x)
	}
	return out, nil
}

// decide applies the policy to each row that was scored.
func (s *scorer) decide(sc *scored) ([]policy.Result, error) {
	if s.policy == nil {
		return nil, nil
	}
	p := sc.part
	out := make([]policy.Result, len(p.rows))
	x := make([]float64, len(sc.matrix.Columns))
	at := matrixRows(sc.matrix, p.rows)
	for i, row := range p.rows {
		for j, c := range sc.matrix.Columns {
			x[j] = c[at[i]]
		}
		ev, err := s.plan.EventOf(p.frame.Record, row, fmt.Sprintf("row-%d", row+1), epoch)
		if err != nil {
			return nil, err
		}
		s.policy.Decide(&out[i], &policy.Input{Event: &ev, Vector: x, Score: sc.scores[i]})
	}
	return out, nil
}
