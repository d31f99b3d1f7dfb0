// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
)

// Dataset is a table in memory, one slice a column. NaN is a missing value. A
// categorical column holds non-negative integer codes; its NaN, negative and
// non-finite values are missing.
type Dataset struct {
	Names       []string    // one per column, or nil for Column_0, Column_1, ...
	Columns     [][]float64 // each of the same length
	Categorical []bool      // one per column, or nil for none
	Label       []float64   // in the range of the objective
	Weight      []float64   // non-negative row weights, or nil for 1
	InitScore   []float64   // margin from which each row starts, or nil
}

// Rows returns the number of rows.
func (d *Dataset) Rows() int { return len(d.Label) }

// Subset copies the given rows into a new Dataset.
func (d *Dataset) Subset(rows []int) *Dataset {
	pick := func(src []float64) []float64 {
		if src == nil {
			return nil
		}
		dst := make([]float64, len(rows))
		for i, r := range rows {
			dst[i] = src[r]
		}
		return dst
	}
	s := &Dataset{Names: d.Names, Categorical: d.Categorical}
	s.Columns = make([][]float64, len(d.Columns))
	for j, c := range d.Columns {
		s.Columns[j] = pick(c)
	}
	s.Label, s.Weight, s.InitScore = pick(d.Label), pick(d.Weight), pick(d.InitScore)
	return s
}

// maxRows keeps the sums of quantised gradients inside 31 bits.
const maxRows = 1 << 28

// check reports what makes d unfit to train or validate on.
func (d *Dataset) check(name string, obj models.Objective) error { return d.checkPart(name, obj, true) }

// checkPart is check for a piece of a table. A piece may have no rows, and no
// weight above zero.
func (d *Dataset) checkPart(name string, obj models.Objective, whole bool) error {
	n := len(d.Label)
	bad := func(format string, a ...any) error {
		return fmt.Errorf("%w: the %s data: %s", assay.ErrInvalid, name, fmt.Sprintf(format, a...))
	}
	switch {
	case len(d.Columns) == 0:
		return bad("there are no feature columns")
	case len(d.Columns) > models.MaxFeatures:
		return bad("%d feature columns, at most %d are allowed", len(d.Columns), models.MaxFeatures)
	case n == 0 && whole:
		return bad("there are no rows")
	case n > maxRows:
		return bad("%d rows, at most %d are allowed", n, maxRows)
	case d.Names != nil && len(d.Names) != len(d.Columns):
		return bad("%d names for %d columns", len(d.Names), len(d.Columns))
	case d.Categorical != nil && len(d.Categorical) != len(d.Columns):
		return bad("%d categorical flags for %d columns", len(d.Categorical), len(d.Columns))
	case d.Weight != nil && len(d.Weight) != n:
		return bad("%d weights for %d rows", len(d.Weight), n)
	case d.InitScore != nil && len(d.InitScore) != n:
		return bad("%d initial scores for %d rows", len(d.InitScore), n)
	}
	for j, c := range d.Columns {
		if len(c) != n {
			return bad("column %q has %d rows and the label has %d", d.name(j), len(c), n)
		}
	}
	if err := checkLabels(d.Label, obj); err != nil {
		return bad("%v", err)
	}
	var sum float64
	for i, w := range d.Weight {
		if !(w >= 0) || math.IsInf(w, 0) {
			return bad("the weight of row %d is not a finite number >= 0", i)
		}
		sum += w
	}
	if d.Weight != nil && sum == 0 && whole {
		return bad("all weights are zero")
	}
	for i, s := range d.InitScore {
		if math.IsNaN(s) || math.IsInf(s, 0) {
			return bad("the initial score of row %d is not finite", i)
		}
	}
	return nil
}

// checkLabels reports the first label that the objective cannot use.
func checkLabels(label []float64, obj models.Objective) error {
	for i, y := range label {
		switch {
		case math.IsNaN(y):
			return fmt.Errorf("the label of row %d is missing", i)
		case math.IsInf(y, 0):
			return fmt.Errorf("the label of row %d is infinite", i)
		case obj == models.Binary && y != 0 && y != 1:
			return fmt.Errorf("the label of row %d is neither 0 nor 1, as the objective binary needs", i)
		case obj == models.CrossEntropy && (y < 0 || y > 1):
			return fmt.Errorf("the label of row %d is outside 0 to 1, as the objective cross_entropy needs", i)
		}
	}
	return nil
}

func (d *Dataset) name(j int) string {
	if d.Names != nil {
		return d.Names[j]
	}
	return fmt.Sprintf("Column_%d", j)
}

func (d *Dataset) names() []string {
	names := make([]string, len(d.Columns))
	for j := range names {
		names[j] = d.name(j)
	}
	return names
}

func (d *Dataset) categorical(j int) bool { return d.Categorical != nil && d.Categorical[j] }
