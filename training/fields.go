// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/models/eval/report"
)

// maxLevels bounds the texts of one field that the report tells apart; rarer
// ones are not known to it.
const maxLevels = 40

// addFields shows the report what the rows state, before features are made of it,
// and lets it ask what the model would say had they stated something else.
func (e *Evaluation) addFields(in *report.Input) error {
	plan := e.Scorer.Plan
	var infos []features.FieldInfo
	for _, f := range plan.Fields() {
		if len(f.On) > 0 && !slices.Contains(f.On, plan.Event()) {
			continue
		}
		x, ok, err := e.Test.fieldValues(f)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		x.Movable = slices.Contains(e.Movable, f.Name)
		in.Fields, infos = append(in.Fields, x), append(infos, f)
	}
	for _, name := range e.Movable {
		if !slices.ContainsFunc(in.Fields, func(f report.Field) bool { return f.Name == name }) {
			return fmt.Errorf("%w: --movable %s: the plan has no number, text or flag of that name",
				assay.ErrInvalid, name)
		}
	}
	in.Restate = func(ctx context.Context, rows []int, trials []report.Trial) ([][]float64, error) {
		return e.restate(ctx, in.Fields, infos, rows, trials)
	}
	return nil
}

// restate scores each row under each trial, as the event that it would be.
func (e *Evaluation) restate(ctx context.Context, fields []report.Field, infos []features.FieldInfo, rows []int,
	trials []report.Trial) ([][]float64, error) {
	s := e.Scorer
	asked := Subset{Table: e.Test.Table}
	for _, i := range rows {
		asked.Rows = append(asked.Rows, e.Test.Rows[i])
	}
	out := make([][]float64, len(rows))
	var x []float64
	err := s.Replay(ctx, asked, func(i int, ev *assay.Event, st *features.State) error {
		out[i] = make([]float64, len(trials))
		for t, trial := range trials {
			changed := *ev
			changed.Fields = withValue(ev.Fields, infos[trial.Field], &fields[trial.Field], trial.Value)
			out[i][t] = math.NaN()
			if s.Plan.Admit(&changed) != nil {
				continue // the server would refuse it
			}
			v, err := s.Plan.Vector(x, &changed, st)
			if err != nil {
				return err
			}
			x = v.Values
			out[i][t] = s.Bundle.Calibration.Apply(s.Forest.Margin(x))
		}
		return nil
	})
	return out, err
}

// withValue returns a copy of an event's fields in which one has another value.
func withValue(fields []assay.Field, info features.FieldInfo, f *report.Field, v float64) []assay.Field {
	var value assay.Value // missing
	switch {
	case math.IsNaN(v):
	case f.Categories != nil:
		value = assay.TextValue(f.Categories[int(v)])
	case info.Kind == assay.Flag:
		value = assay.FlagValue(v >= 0.5)
	default:
		value = assay.NumberValue(v)
	}
	out := slices.Clone(fields)
	for i := range out {
		if out[i].Name == info.Name {
			out[i].Value = value
			return out
		}
	}
	return append(out, assay.Field{Name: info.Name, Value: value})
}

// fieldValues returns what the subset's rows state in a field; false for one that is
// not in the table, or is a time.
func (p Subset) fieldValues(f features.FieldInfo) (report.Field, bool, error) {
	at := p.Frame.Record.Schema().FieldIndices(f.Name)
	if len(at) != 1 || f.Kind == assay.Instant {
		return report.Field{}, false, nil
	}
	c, err := p.category(f.Name)
	if err != nil {
		return report.Field{}, false, err
	}
	x := report.Field{Name: f.Name, Values: Numbers(p.Frame.Record.Column(at[0]), p.Rows)}
	if x.Values == nil {
		x.Categories, x.Values = c.Levels, make([]float64, len(p.Rows))
		for i, code := range c.Code {
			x.Values[i] = math.NaN()
			if code >= 0 {
				x.Values[i] = float64(code)
			}
		}
	}
	return x, true, nil
}

// Numbers returns a numeric column at the rows, NaN for nulls; nil for a
// column of another type.
func Numbers(c arrow.Array, rows []int) []float64 {
	a, ok := c.(*array.Float64)
	if !ok {
		return nil
	}
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = math.NaN()
		if a.IsValid(r) {
			out[i] = a.Value(r)
		}
	}
	return out
}

// category reads a column of the subset's rows as levels: texts as they are, the
// most frequent of them where there are many and one level for the others, numbers in at most four bands.
func (p Subset) category(column string) (report.Category, error) {
	at := p.Frame.Record.Schema().FieldIndices(column)
	if len(at) != 1 {
		return report.Category{}, fmt.Errorf("%w: %s has no column %q%s", assay.ErrInvalid, p.Name, column,
			nearest.Hint(column, p.Columns()))
	}
	c := p.Frame.Record.Column(at[0])
	if x := Numbers(c, p.Rows); x != nil {
		return report.Bands(&report.Feature{Name: column, Values: x}), nil
	}
	count := map[string]int{}
	for _, r := range p.Rows {
		if c.IsValid(r) {
			count[c.ValueStr(r)]++
		}
	}
	names := slices.Sorted(maps.Keys(count))
	rare := len(names) - maxLevels
	if rare > 0 {
		slices.SortStableFunc(names, func(a, b string) int { return count[b] - count[a] })
		names = names[:maxLevels]
		slices.Sort(names)
	}
	out := report.Category{Name: column, Levels: names, Code: make([]int32, len(p.Rows))}
	if rare > 0 {
		out.Levels = append(slices.Clone(names), fmt.Sprintf("other (the %d rarest levels)", rare))
	}
	for i, r := range p.Rows {
		out.Code[i] = -1
		if c.IsValid(r) {
			k, ok := slices.BinarySearch(names, c.ValueStr(r))
			if !ok {
				k = len(names)
			}
			out.Code[i] = int32(k)
		}
	}
	return out, nil
}

// countCleaned counts, for each feature, the evaluated rows that the plan's cleaning
// touched: a value that was clipped, cleared or filled on its way from a field
// to the vector, a text that was mapped to "other". at holds the places of
// the subset's rows in the matrix.
func countCleaned(plan *features.Plan, p Subset, m *features.Matrix, at []int) []int {
	source := map[string]string{} // of a feature that is one field, as it is or clipped
	for _, f := range plan.Spec().Features {
		of := f.Name
		if len(f.Of) == 1 {
			of = f.Of[0]
		}
		if len(f.Of) <= 1 && (f.Kernel == "" || f.Kernel == "passthrough" || f.Kernel == "clip") {
			source[f.Name] = of
		}
	}
	out := make([]int, len(m.Columns))
	for j, f := range plan.Features() {
		if f.Categorical {
			for _, r := range at {
				if m.Columns[j][r] == float64(len(f.Categories)-1) {
					out[j]++
				}
			}
			continue
		}
		index := p.Frame.Record.Schema().FieldIndices(source[f.Name])
		if len(index) != 1 {
			continue
		}
		raw := Numbers(p.Frame.Record.Column(index[0]), p.Rows)
		for i := range raw {
			if v := m.Columns[j][at[i]]; v != raw[i] && !(math.IsNaN(v) && math.IsNaN(raw[i])) {
				out[j]++
			}
		}
	}
	return out
}
