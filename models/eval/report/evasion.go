// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// Field is a value that an application states, before features are made of it.
type Field struct {
	Name       string
	Values     []float64 // of each evaluated row, NaN = not stated; a text is its code
	Categories []string  // names of the codes; nil = a number
	Movable    bool      // an applicant can change what they state here
}

// Trial is another value of one field.
type Trial struct {
	Field int
	Value float64
}

// quantilesTried is how many values of a number are tried. Of a text all levels are
// tried.
const quantilesTried = 21

// evasion asks, for refused rows, whether stating another value of one field
// is enough to be approved, and how far it has to be moved.
type evasion struct {
	fields  []Field // that are tried
	at      []int   // their index in the input
	rows    []int   // refused rows that are tried
	refused int     // of how many
	any     bool    // some field is declared movable
	direct  bool    // the fields are the features
	cut     float64
}

// newEvasion chooses rows and fields. sample is the rows that the stress tests
// use.
func (b *builder) newEvasion(sample []int32, pd []float64, cut float64) *evasion {
	all, direct := b.in.Fields, false
	if b.in.Restate == nil || len(all) == 0 {
		all, direct = fieldsOf(b.in.Features), true
	}
	e := &evasion{direct: direct, cut: cut, any: slices.ContainsFunc(all, func(f Field) bool { return f.Movable })}
	for j, f := range all {
		if f.Movable || !e.any {
			e.fields, e.at = append(e.fields, f), append(e.at, j)
		}
	}
	var refused []int
	for k, i := range sample {
		if pd[k] > cut {
			refused = append(refused, int(i))
		}
	}
	e.refused = len(refused)
	for _, k := range eval.EvenlySpaced(len(refused), evasionRows) {
		e.rows = append(e.rows, refused[k])
	}
	return e
}

// fieldsOf treats each feature as a field.
func fieldsOf(features []Feature) []Field {
	out := make([]Field, len(features))
	for j, f := range features {
		out[j] = Field{f.Name, f.Values, f.Categories, f.Movable}
	}
	return out
}

// evasionTable tries every row with every value.
func (b *builder) evasionTable(e *evasion, sample []int32) (document.Table, error) {
	var trials []Trial
	first := make([]int, len(e.fields)+1)
	for k := range e.fields {
		for _, v := range e.fields[k].tried(sample) {
			trials = append(trials, Trial{e.at[k], v})
		}
		first[k+1] = len(trials)
	}
	restate := b.in.Restate
	if e.direct {
		restate = b.restateFeatures
	}
	pd, err := restate(b.ctx, e.rows, trials)
	if err != nil {
		return document.Table{}, err
	}
	t := document.Table{Title: "Evasion", Caption: e.caption(),
		Columns: []document.Column{{Name: "Field"}, {Name: "Can be approved", Format: numfmt.Percent},
			{Name: "Median move", Unit: "sd", Format: numfmt.Fixed2}, {Name: "Smallest move", Unit: "sd",
				Format: numfmt.Fixed2},
			{Name: "Can be approved by leaving it empty", Format: numfmt.Percent}}}
	for k := range e.fields {
		f := &e.fields[k]
		sd, n := eval.Spread(f.Values, f.Categories), float64(len(e.rows))
		var moves []float64
		can, silent := 0, 0
		for r, row := range e.rows {
			best, ok := math.Inf(1), false
			for t := first[k]; t < first[k+1]; t++ {
				v := trials[t].Value
				if !(pd[r][t] <= e.cut) {
					continue
				}
				if math.IsNaN(v) {
					if !math.IsNaN(f.Values[row]) {
						silent++
					}
					continue
				}
				ok = true
				if sd > 0 {
					best = math.Min(best, math.Abs(v-f.Values[row])/sd)
				}
			}
			if !ok {
				continue
			}
			can++
			// from a missing value there is no distance
			if f.Categories == nil && !math.IsInf(best, 0) && !math.IsNaN(best) {
				moves = append(moves, best)
			}
		}
		slices.Sort(moves)
		t.Rows = append(t.Rows, []document.Cell{text(f.Name), number(eval.Ratio(float64(can), n)),
			number(eval.Quantile(moves, 0.5)),
			number(eval.Quantile(moves, 0)), number(eval.Ratio(float64(silent), n))})
	}
	return t, nil
}

func (e *evasion) caption() string {
	who := "Fields declared as under the applicant's control."
	if !e.any {
		who = "No field is declared as under the applicant's control, so every field is tried."
	}
	how := "Every feature that is made of the field moves with it."
	if e.direct {
		how = "Features are moved one at a time, as if each were stated."
	}
	return fmt.Sprintf("%s %s Of %d rows of the sample that are not approved, %d were tried: can the row be approved "+
		"by stating another value of this field alone? The values tried are %d quantiles, or all levels, of what the "+
		"rows of the sample state. Of the rows that can be approved, half need at most the median move, in standard "+
		"deviations; a row whose value was missing may be approved by stating one, but has no distance.", who, how,
		e.refused,
		len(e.rows), quantilesTried)
}

// tried returns the values to try: what other rows state, and nothing at all.
func (f *Field) tried(sample []int32) []float64 {
	var out []float64
	if f.Categories != nil {
		seen := make([]bool, len(f.Categories))
		for _, i := range sample {
			if v := f.Values[i]; v >= 0 && v < float64(len(seen)) {
				seen[int(v)] = true
			}
		}
		for k, s := range seen {
			if s {
				out = append(out, float64(k))
			}
		}
	} else if x := eval.SortedValues(eval.Select(f.Values, sample)); len(x) > 0 {
		for q := range quantilesTried {
			if v := eval.Quantile(x, float64(q)/(quantilesTried-1)); !math.IsNaN(v) && !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return append(out, math.NaN())
}

// restateFeatures is Restate where the fields are the features.
func (b *builder) restateFeatures(ctx context.Context, rows []int, trials []Trial) ([][]float64, error) {
	x := make([]float64, len(b.in.Features))
	out := make([][]float64, len(rows))
	for r, i := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for j, f := range b.in.Features {
			x[j] = f.Values[i]
		}
		out[r] = make([]float64, len(trials))
		for t, trial := range trials {
			old := x[trial.Field]
			x[trial.Field] = trial.Value
			out[r][t] = b.in.Score(x)
			x[trial.Field] = old
		}
	}
	return out, nil
}
