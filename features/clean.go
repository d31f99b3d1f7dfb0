// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
)

// duplicates returns the rows without those that agree with an earlier one on
// all the columns that the plan names.
func (s *Spec) duplicates(rec arrow.Record, rows []int) ([]int, int, error) {
	if s.Clean == nil || len(s.Clean.Duplicates) == 0 {
		return rows, 0, nil
	}
	var cols []column
	for _, name := range s.Clean.Duplicates {
		idx := rec.Schema().FieldIndices(name)
		if len(idx) == 0 {
			return nil, 0, &assay.FieldError{Field: name,
				Problem: "the plan looks for duplicates by this column, and the table does not have it"}
		}
		cols = append(cols, column{name: name, array: rec.Column(idx[0]), kind: assay.Text})
	}
	seen, out := map[string]bool{}, make([]int, 0, len(rows))
	var key strings.Builder
	for _, row := range rows {
		key.Reset()
		for i := range cols {
			t := cols[i].text(row)
			if us, null, ok := cols[i].micros(row); t == "" && ok && !null {
				t = fmt.Sprint(us)
			}
			fmt.Fprintf(&key, "%d:%s", len(t), t)
		}
		if !seen[key.String()] {
			seen[key.String()] = true
			out = append(out, row)
		}
	}
	return out, len(rows) - len(out), nil
}

// outliers marks, among the rows of a scratch, the share that the isolation
// forest finds the most isolated, by its numeric fields. The result is in the
// order of the rows.
func (p *Plan) outliers(sc *scratch, rows int) []bool {
	o := p.spec.Clean.Outliers
	var cols [][]float64
	for i := range p.fields {
		if p.fields[i].kind == assay.Number && p.fields[i].on.has(scored) {
			cols = append(cols, sc.cols[i][:rows])
		}
	}
	if len(cols) == 0 {
		return nil
	}
	trees, sample := o.Trees, o.Sample
	if trees == 0 {
		trees = 100
	}
	if sample == 0 {
		sample = 256
	}
	score := isolation(cols, trees, min(sample, rows))
	order := make([]int, rows)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case score[a] > score[b]:
			return -1
		case score[a] < score[b]:
			return 1
		}
		return 0
	})
	marked := make([]bool, rows)
	for _, i := range order[:int(math.Floor(o.Share*float64(rows)))] {
		marked[i] = true
	}
	return marked
}
