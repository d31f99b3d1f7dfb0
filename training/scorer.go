// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/serving/scoring"
)

// Scorer is a bundle made ready to score tables: what the server scores events
// with. Its own Policy decides, not the model's.
type Scorer struct {
	*scoring.Model
	Policy *policy.Policy // nil for a bundle without one, which decides nothing here
}

// OpenScorer reads a bundle and compiles it.
func OpenScorer(dir string) (*Scorer, error) {
	b, err := models.ReadBundle(dir)
	if err != nil {
		return nil, err
	}
	return NewScorer(b)
}

// NewScorer makes a bundle ready as the server does.
func NewScorer(b *models.Bundle) (*Scorer, error) {
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
	s := &Scorer{Model: m}
	if len(b.Policy) > 0 {
		s.Policy = m.Policy
	}
	return s, nil
}

// Scored is one table's scores, in row order.
type Scored struct {
	Subset  Subset // the rows; of an event log without a label, those of the scored kind
	Matrix  *features.Matrix
	Margins []float64
	Scores  []assay.Score
}

// PDs returns the calibrated probability of each row.
func (sc *Scored) PDs() []float64 {
	out := make([]float64, len(sc.Scores))
	for i, x := range sc.Scores {
		out[i] = x.PD
	}
	return out
}

// NeedColumns reports fields of the plan that a table has no column for. An
// event may leave an optional field out; a table without the column is most
// likely the wrong table.
func NeedColumns(plan *features.Plan, t *Table) error {
	missing := plan.MissingColumns(t.Frame.Record)
	if len(missing) > 0 {
		return fmt.Errorf("%w: %s has no column %s: add them (empty cells where a value is missing), use a model or "+
			"plan of "+
			"this table, or declare the field `optional: true` before training%s",
			assay.ErrInvalid, t.Name, strings.Join(missing, ", "), nearest.Hint(missing[0], t.Columns()))
	}
	return nil
}

// Accept is the package's Accept by the scorer's plan.
func (s *Scorer) Accept(u Progress, t *Table) error { return Accept(u, s.Plan, t) }

// Accept checks that a table has the plan's columns and that its rows keep the
// plan's rules. It notes columns whose values training did not know.
func Accept(u Progress, plan *features.Plan, t *Table) error {
	if err := errors.Join(NeedColumns(plan, t), t.ApplyRules(u, plan.Spec())); err != nil {
		return err
	}
	return NoteUnseen(u, plan, t)
}

// NoteUnseen warns of text columns nearly all of whose values are new to a plan.
func NoteUnseen(u Progress, plan *features.Plan, t *Table) error {
	found, err := plan.Unseen(t.Frame.Record)
	if err != nil {
		return err
	}
	for _, x := range found {
		if x.LikelyWrongColumn() {
			u.Note("%s: %s", t.Name, x)
		}
	}
	return nil
}

// TrainedWindows is the share of the training rows that found something in each
// window; nil if the bundle does not say.
func (s *Scorer) TrainedWindows() map[string]float64 {
	if r := s.Bundle.Manifest.Reference; r != nil {
		return r.Windows
	}
	return nil
}

// Score scores the subset.
func (s *Scorer) Score(ctx context.Context, p Subset) (*Scored, error) {
	if err := NeedColumns(s.Plan, p.Table); err != nil {
		return nil, err
	}
	m, err := p.Matrix(ctx, s.Plan)
	if err != nil {
		return nil, err
	}
	if m.Row != nil && p.log == nil {
		p.Rows = m.Row
	}
	out := &Scored{Subset: p, Matrix: m, Margins: matrixMargins(m, s.Forest, p.Rows)}
	out.Scores = make([]assay.Score, len(out.Margins))
	for i, x := range out.Margins {
		out.Scores[i] = s.Bundle.Score(x)
	}
	return out, nil
}

// Decide applies the policy to each row that was scored.
func (s *Scorer) Decide(sc *Scored) ([]policy.Result, error) {
	if s.Policy == nil {
		return nil, nil
	}
	p := sc.Subset
	out := make([]policy.Result, len(p.Rows))
	x := make([]float64, len(sc.Matrix.Columns))
	at := matrixRows(sc.Matrix, p.Rows)
	for i, row := range p.Rows {
		for j, c := range sc.Matrix.Columns {
			x[j] = c[at[i]]
		}
		ev, err := s.Plan.EventOf(p.Frame.Record, row, fmt.Sprintf("row-%d", row+1), epoch)
		if err != nil {
			return nil, err
		}
		s.Policy.Decide(&out[i], &policy.Input{Event: &ev, Vector: x, Score: sc.Scores[i]})
	}
	return out, nil
}
