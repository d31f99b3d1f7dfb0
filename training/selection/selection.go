// SPDX-License-Identifier: Apache-2.0

// Package selection says what each feature of a plan is worth on a table: what
// it tells about the outcome in the rows that train, and whether it stays the
// same in the rows that came later.
//
//	Table ─▶ New: plan, vectors, outcomes, split ─▶ Score ─▶ DropByGain ─▶ features to keep
//
// New (selection.go) splits the rows in time and fits the plan on the training
// rows alone; a table without times can get later rows from a second one.
// DropByGain (gain.go) asks a model which of the features it does not miss.
package selection

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/features/screening"
	"github.com/assayrisk/assay/training"
)

// Selection is what features are chosen by: a plan, its vectors and outcomes,
// and which rows train and which came later.
type Selection struct {
	Plan         *features.Plan
	Train, Later []int  // rows of the matrix
	Split        string // how the rows are split, for people

	matrix    *features.Matrix
	outOfFold *features.Matrix // the same, target encodings out of fold: what a model may be trained on
	label     []float64        // by row of the matrix, NaN where it is not known
	at        []int64          // microseconds, by row of the matrix; nil if not known
}

// trainShare is the share of rows, by time, that train unless Options.Before
// says otherwise.
const trainShare = 0.7

// Options say which plan the features are of, and where the rows are split.
type Options struct {
	Plan   *features.Plan // nil: Spec is fitted on the training rows
	Spec   *plantext.Spec // nil: inferred from the table
	Before time.Time      // training rows came before it; zero: the first 70 % by time train
}

// New splits a table, and gets its vectors.
func New(ctx context.Context, u training.Progress, t *training.Table, o Options) (*Selection, error) {
	s := &Selection{Plan: o.Plan}
	spec, err := o.Spec, error(nil)
	if s.Plan != nil {
		spec = s.Plan.Spec()
	}
	if spec == nil {
		if spec, err = training.InferSpec(u, t); err != nil {
			return nil, err
		}
	}
	if err := t.ApplyRules(u, spec); err != nil {
		return nil, err
	}
	rows, err := s.outcomes(t, spec)
	if err != nil {
		return nil, err
	}
	if err := s.split(t, o.Before); err != nil {
		return nil, err
	}
	fit := &features.FitReport{}
	if s.Plan == nil {
		if fit, err = s.fit(ctx, u, t, spec, rows); err != nil {
			return nil, err
		}
	}
	if err := training.NeedColumns(s.Plan, t); err != nil {
		return nil, err
	}
	if s.matrix, err = t.Matrix(ctx, s.Plan); err != nil {
		return nil, err
	}
	s.outOfFold = s.matrix
	if o.Plan != nil {
		return s, nil
	}
	s.outOfFold = &features.Matrix{Rows: s.matrix.Rows, Plan: s.matrix.Plan, Row: s.matrix.Row}
	for _, c := range s.matrix.Columns {
		s.outOfFold.Columns = append(s.outOfFold.Columns, slices.Clone(c))
	}
	return s, fit.OutOfFold(s.outOfFold)
}

// fit fits the plan on the training rows; rows are those of the record that the
// rows of the matrix are.
func (s *Selection) fit(ctx context.Context, u training.Progress, t *training.Table, spec *plantext.Spec,
	rows []int) (*features.FitReport, error) {
	u.Step("fit the plan on %d rows", len(s.Train))
	log, err := t.Play(ctx, spec)
	if err != nil {
		return nil, err
	}
	training.NoteWindows(u, log.Windows())
	if err := t.CheckWindows(spec, log.Windows()); err != nil {
		return nil, err
	}
	var fit *features.FitReport
	if s.Plan, fit, err = log.Fit(ctx, pickRows(rows, s.Train)); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	return fit, training.NoteLookups(u, spec, fit)
}

// outcomes finds the scored rows of the table, their labels and times.
func (s *Selection) outcomes(t *training.Table, spec *plantext.Spec) (rows []int, err error) {
	if rows, s.label, _, err = features.ReadLabels(spec, t.Frame.Record); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	if s.label == nil { // the plan has none: the table's own
		if err := t.NeedLabel(); err != nil {
			return nil, err
		}
		s.label = pickRows(t.Label, rows)
	}
	s.at, err = features.ScoredTimes(spec, t.Frame.Record)
	return rows, err
}

// split divides the rows in time. Without times, all rows train.
func (s *Selection) split(t *training.Table, before time.Time) error {
	if s.at == nil {
		if !before.IsZero() {
			return fmt.Errorf("%w: %s has no times to split by: --before needs a plan with a time column",
				assay.ErrInvalid, t.Name)
		}
		s.Train = t.All().Rows
		s.Split = fmt.Sprintf("scored on all %d rows; stability needs later rows: a plan with a time column, or "+
			"--later",
			len(s.Train))
		return nil
	}
	cut := before.UnixMicro()
	if before.IsZero() {
		sorted := slices.Sorted(slices.Values(s.at))
		cut = sorted[int(trainShare*float64(len(sorted)))]
	}
	for i, us := range s.at {
		if us < cut {
			s.Train = append(s.Train, i)
		} else {
			s.Later = append(s.Later, i)
		}
	}
	if len(s.Train) == 0 || len(s.Later) == 0 {
		return fmt.Errorf("%w: %d rows of %s lie before the cut and %d after it; both need some", assay.ErrInvalid,
			len(s.Train), t.Name, len(s.Later))
	}
	s.Split = fmt.Sprintf("scored on %d rows before %s, stability against %d rows since", len(s.Train),
		time.UnixMicro(cut).UTC().Format(time.RFC3339), len(s.Later))
	return nil
}

// HasTimes reports whether the rows are split in time.
func (s *Selection) HasTimes() bool { return s.at != nil }

// AddLater appends the vectors of a second table as later rows; it is for a
// selection without times. first and second are what people call the tables.
func (s *Selection) AddLater(ctx context.Context, u training.Progress, t *training.Table, first, second string) error {
	if err := training.Accept(u, s.Plan, t); err != nil {
		return err
	}
	m, err := t.Matrix(ctx, s.Plan)
	if err != nil {
		return err
	}
	t.NoteHistory(u, m.Windows, training.WindowShares(s.matrix.Windows))
	all := &features.Matrix{Rows: s.matrix.Rows + m.Rows, Plan: m.Plan}
	for i, c := range m.Columns {
		all.Columns = append(all.Columns, append(slices.Clone(s.matrix.Columns[i]), c...))
	}
	for i := range m.Rows {
		s.Later = append(s.Later, s.matrix.Rows+i)
		s.label = append(s.label, math.NaN())
	}
	s.matrix = all
	s.Split = fmt.Sprintf("scored on %d rows of %s, stability against %d rows of %s", len(s.Train), first, m.Rows,
		second)
	return nil
}

// Score scores each feature of the plan.
func (s *Selection) Score(cfg screening.Config) ([]screening.Score, error) {
	return screening.Select(s.Plan.Features(), s.matrix, s.label, s.Train, s.Later, cfg)
}

// StabilityByMonth gives the stability index of each feature in each later
// month; no months if times are not known.
func (s *Selection) StabilityByMonth() (months []string, psi [][]float64) {
	if s.at == nil {
		return nil, nil
	}
	rows := map[string][]int{}
	for _, i := range s.Later {
		m := time.UnixMicro(s.at[i]).UTC().Format("2006-01")
		if rows[m] == nil {
			months = append(months, m)
		}
		rows[m] = append(rows[m], i)
	}
	slices.Sort(months)
	var parts [][]int
	for _, m := range months {
		parts = append(parts, rows[m])
	}
	return months, screening.Stability(s.Plan.Features(), s.matrix, s.Train, parts)
}

func pickRows[T any](x []T, rows []int) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = x[r]
	}
	return out
}
