// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/training"
)

// selection is what features are chosen by: a plan, its vectors and outcomes,
// and which rows train and which came later.
type selection struct {
	plan         *features.Plan
	matrix       *features.Matrix
	blind        *features.Matrix // the same, target encodings out of fold; for models
	label        []float64        // by row of the matrix, NaN where it is not known
	train, later []int            // rows of the matrix
	at           []int64          // microseconds, by row of the matrix; nil if not known
	how          string           // the split, for people
}

// trainShare is the share of rows, by time, that train unless --before says
// otherwise.
const trainShare = 0.7

// selection reads the table, splits it, and gets the plan: that of a bundle,
// or one that is fitted on the training rows alone.
func (f *featuresFlags) selection(ctx context.Context, u *ui) (*selection, error) {
	before, err := parseTime("before", f.report.before)
	if err != nil {
		return nil, err
	}
	s := &selection{}
	var spec *features.Spec
	if f.model != "" {
		if s.plan, _, err = bundlePlan(f.model); err != nil {
			return nil, err
		}
		spec = s.plan.Spec()
	} else if spec, err = readSpec(ctx, f.plan); err != nil {
		return nil, err
	}
	f.readAs(spec)
	t, err := f.read(ctx, u)
	if err != nil {
		return nil, err
	}
	if spec == nil {
		if spec, err = training.InferSpec(u, t); err != nil {
			return nil, err
		}
	}
	if err := t.Obey(u, spec); err != nil {
		return nil, err
	}
	rows, err := s.outcomes(t, spec)
	if err != nil {
		return nil, err
	}
	if err := s.split(t, before); err != nil {
		return nil, err
	}
	fit := &features.FitReport{}
	if s.plan == nil {
		u.Step("fit the plan on %d rows", len(s.train))
		log, err := t.Play(ctx, spec)
		if err != nil {
			return nil, err
		}
		training.NoteWindows(u, log.Windows())
		if err := t.CheckWindows(spec, log.Windows()); err != nil {
			return nil, err
		}
		if s.plan, fit, err = log.Fit(ctx, pickRows(rows, s.train)); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Name, err)
		}
		if err := training.NoteLookups(u, spec, fit); err != nil {
			return nil, err
		}
	}
	if err := training.NeedColumns(s.plan, t); err != nil {
		return nil, err
	}
	if s.matrix, err = t.Matrix(ctx, s.plan); err != nil {
		return nil, err
	}
	s.blind = s.matrix
	if f.model == "" {
		s.blind = &features.Matrix{Rows: s.matrix.Rows, Plan: s.matrix.Plan, Row: s.matrix.Row}
		for _, c := range s.matrix.Columns {
			s.blind.Columns = append(s.blind.Columns, slices.Clone(c))
		}
		if err := fit.OutOfFold(s.blind); err != nil {
			return nil, err
		}
	}
	if f.report.later == "" {
		return s, nil
	}
	return s, f.addLater(ctx, u, s)
}

// outcomes finds the scored rows of the table, their labels and times.
func (s *selection) outcomes(t *training.Table, spec *features.Spec) (rows []int, err error) {
	if rows, s.label, _, err = spec.Labels(t.Frame.Record); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	if s.label == nil { // the plan has none: the table's own
		if err := t.NeedLabel(); err != nil {
			return nil, err
		}
		s.label = pickRows(t.Label, rows)
	}
	s.at, err = spec.Times(t.Frame.Record)
	return rows, err
}

// split divides the rows in time. Without times, all rows train.
func (s *selection) split(t *training.Table, before time.Time) error {
	if s.at == nil {
		if !before.IsZero() {
			return fmt.Errorf("%w: %s has no times to split by: --before needs a plan with a time column",
				assay.ErrInvalid, t.Name)
		}
		s.train = t.All().Rows
		s.how = fmt.Sprintf("scored on all %d rows; stability needs later rows: a plan with a time column, or --later",
			len(s.train))
		return nil
	}
	cut := before.UnixMicro()
	if before.IsZero() {
		sorted := slices.Sorted(slices.Values(s.at))
		cut = sorted[int(trainShare*float64(len(sorted)))]
	}
	for i, us := range s.at {
		if us < cut {
			s.train = append(s.train, i)
		} else {
			s.later = append(s.later, i)
		}
	}
	if len(s.train) == 0 || len(s.later) == 0 {
		return fmt.Errorf("%w: %d rows of %s lie before the cut and %d after it; both need some", assay.ErrInvalid,
			len(s.train), t.Name, len(s.later))
	}
	s.how = fmt.Sprintf("scored on %d rows before %s, stability against %d rows since", len(s.train),
		time.UnixMicro(cut).UTC().Format(time.RFC3339), len(s.later))
	return nil
}

// addLater appends the vectors of a second table as later rows.
func (f *featuresFlags) addLater(ctx context.Context, u *ui, s *selection) error {
	if s.at != nil {
		return usagef("--later is for a table without times; this one is split in time already")
	}
	t, err := f.readFile(ctx, u, f.report.later)
	if err != nil {
		return err
	}
	if err := training.Accept(u, s.plan, t); err != nil {
		return err
	}
	m, err := t.Matrix(ctx, s.plan)
	if err != nil {
		return err
	}
	t.NoteHistory(u, m.Windows, training.WindowShares(s.matrix.Windows))
	all := &features.Matrix{Rows: s.matrix.Rows + m.Rows, Plan: m.Plan}
	for i, c := range m.Columns {
		all.Columns = append(all.Columns, append(slices.Clone(s.matrix.Columns[i]), c...))
	}
	for i := range m.Rows {
		s.later = append(s.later, s.matrix.Rows+i)
		s.label = append(s.label, math.NaN())
	}
	s.matrix = all
	s.how = fmt.Sprintf("scored on %d rows of %s, stability against %d rows of %s", len(s.train), f.data,
		m.Rows, f.report.later)
	return nil
}

// byMonth gives the stability index of each feature in each later month; no
// months if times are not known.
func (s *selection) byMonth() (months []string, psi [][]float64) {
	if s.at == nil {
		return nil, nil
	}
	rows := map[string][]int{}
	for _, i := range s.later {
		m := time.UnixMicro(s.at[i]).UTC().Format("2006-01")
		rows[m] = append(rows[m], i)
	}
	months = sortedKeys(rows)
	var parts [][]int
	for _, m := range months {
		parts = append(parts, rows[m])
	}
	return months, features.Stability(s.plan.Features(), s.matrix, s.train, parts)
}

func pickRows[T any](x []T, at []int) []T {
	out := make([]T, len(at))
	for i, r := range at {
		out[i] = x[r]
	}
	return out
}
