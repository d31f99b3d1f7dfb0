// SPDX-License-Identifier: Apache-2.0

package training

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/infer"
	"github.com/assayrisk/assay/features/plantext"
)

// InferSpec makes a plan of a table, and says which columns are not in it: a
// column of amounts that reads as text would else be gone without a word.
func InferSpec(u Progress, t *Table) (*plantext.Spec, error) {
	if t.NumRows() == 0 {
		return nil, fmt.Errorf("%w: %s has no rows", assay.ErrInvalid, t.Name)
	}
	spec, left, err := infer.FromTable(t.Frame.Record, t.Frame.Label)
	var out []string
	for _, l := range left {
		out = append(out, fmt.Sprintf("%s (%s)", l.Column, l.Why))
	}
	if len(out) > 0 {
		u.Note("the inferred plan leaves out %s", strings.Join(out, ", "))
	}
	if err != nil {
		return nil, err
	}
	dropField(spec, t.weightColumn)
	noteSentinels(u, t)
	for i := range spec.Fields {
		f := &spec.Fields[i]
		for _, c := range t.Frame.Columns {
			if c.Column == f.Name {
				f.Written = c.Written
			}
		}
		if marks := f.MissingMarks(); marks != nil {
			u.Note("%s: the inferred plan takes %s as missing (missing: in the plan)", f.Name,
				strings.Join(marks, ", "))
		}
	}
	return spec, nil
}

// sentinels are numbers that programs write for "no value".
var sentinels = []float64{-9, -99, -999, -9999, -99999, -999999, 9999, 99999, 999999, 9999999, 99999999, 999999999}

// sentinelShare is the share of a column's values from which a sentinel is
// spoken of.
const sentinelShare = 0.01

// noteSentinels says of columns of numbers whose least or greatest value is one
// that programs write for "no value", and occurs again and again. What it means
// only a person can say.
func noteSentinels(u Progress, t *Table) {
	for i, f := range t.Frame.Record.Schema().Fields() {
		c, ok := t.Frame.Record.Column(i).(*array.Float64)
		if !ok || f.Name == t.Frame.Label || c.Len() == c.NullN() {
			continue
		}
		var valid []float64
		for row, x := range c.Float64Values() {
			if c.IsValid(row) {
				valid = append(valid, x)
			}
		}
		for _, end := range []float64{slices.Min(valid), slices.Max(valid)} {
			n := 0
			for _, x := range valid {
				if x == end {
					n++
				}
			}
			if slices.Contains(sentinels, end) && float64(n) >= sentinelShare*float64(len(valid)) &&
				n > 1 && n < len(valid) {
				x := strconv.FormatFloat(end, 'f', -1, 64)
				u.Note("%s: %d values are %s; if that means no value, write missing: [%s] at the field in the plan",
					f.Name, n,
					x, x)
			}
		}
	}
}
