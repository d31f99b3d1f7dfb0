// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
	"slices"
	"unsafe"

	"github.com/assayrisk/assay/models"
)

// Compilation replaces every comparison of a value with a threshold by a
// comparison of two bytes. A feature's thresholds are sorted; a value's rank
// is the number of thresholds below it; then
//
//	x <= threshold[j]   if and only if   rank(x) <= j
//
// exactly, with no rounding. A column is one byte a vector, derived from one
// feature; a node names a column and a bound, and goes left when
// code <= bound. All else is folded into how the code is made:
//
//   - Missing values. A value that is missing has rank 0 in the column of the
//     nodes that send it left, and code 254 in the column of the nodes that
//     send it right.
//   - More than 254 thresholds. The ranks are cut into chunks of 254, one
//     column each, and a rank outside of the chunk becomes 0 or 254.
//   - Categories. Categories that no node tells apart share a class; a node's
//     set of categories becomes a set of classes.

// source is a feature as seen by the nodes that treat missing values alike.
type source struct {
	feature    int32
	missing    models.MissingType
	thresholds []float64 // ascending, distinct
	number     int32     // in the order in which the model names them
}

// column is a source with a direction for missing values and a chunk of ranks.
type column struct {
	source int32
	first  int32 // rank that has the code 0
	right  bool  // missing values have the code chunk
}

// split is a node's test: column code <= bound, or, when set >= 0, class of
// category feature cat in that set.
type split struct {
	column int32
	bound  uint8
	cat    int32
	set    int32
}

// columns is the result of the first step of compilation.
type columns struct {
	sources []source
	columns []column
	cats    []category
	splits  [][]split // per tree and node
}

// columnize finds the sources, columns and splits of m, which is valid.
func columnize(m *models.Model) (*columns, error) {
	c := &columns{splits: make([][]split, len(m.Trees))}
	// The source of a feature and missing type, plus one.
	sources := make([][4]int32, len(m.Features))
	for i := range m.Trees {
		t := &m.Trees[i]
		for j, f := range t.Feature {
			if t.Decision[j]&models.DecisionCategorical != 0 {
				continue
			}
			missing := t.Decision[j] >> 2 & 3
			s := &sources[f][missing]
			if *s == 0 {
				c.sources = append(c.sources, source{feature: f, missing: models.MissingType(missing)})
				*s = int32(len(c.sources))
			}
			// -0 <= x and 0 <= x are the same test: adding 0 makes them one.
			th := &c.sources[*s-1].thresholds
			*th = append(*th, t.Threshold[j]+0)
		}
	}
	// The columns of a source, plus one: two for each chunk, left and right.
	of := make([][]int32, len(c.sources))
	inParallel(len(c.sources), func(from, to int) {
		for s := from; s < to; s++ {
			th := c.sources[s].thresholds
			slices.Sort(th)
			th = slices.Clone(slices.Compact(th))
			c.sources[s].thresholds = th
			of[s] = make([]int32, 2*(len(th)/chunk+1))
		}
	})
	b := newCategoryBuilder()
	for i := range m.Trees {
		t := &m.Trees[i]
		c.splits[i] = make([]split, len(t.Feature))
		for j, f := range t.Feature {
			d := t.Decision[j]
			if d&models.DecisionCategorical != 0 {
				cat, set := b.add(t, j)
				c.splits[i][j] = split{cat: cat, set: set}
				continue
			}
			missing := d >> 2 & 3
			s := sources[f][missing] - 1
			rank := int(c.sources[s].rank(t.Threshold[j] + 0))
			at, right := rank/chunk*2, d&models.DecisionDefaultLeft == 0 && models.MissingType(missing) != models.MissingNone
			if right {
				at++
			}
			col := &of[s][at]
			if *col == 0 {
				c.columns = append(c.columns, column{source: s, first: int32(rank / chunk * chunk), right: right})
				*col = int32(len(c.columns))
			}
			c.splits[i][j] = split{column: *col - 1, bound: uint8(rank % chunk), set: -1}
		}
	}
	var err error
	c.cats, err = b.build()
	return c, err
}

// chunk is the number of thresholds that one column tells apart: codes are 0 to
// chunk, and no code is 255.
const chunk = 254

// value applies what s does to a value before it is ranked: afterwards NaN,
// and only NaN, is missing.
func (s *source) value(v float64) float64 {
	switch {
	case s.missing == models.MissingNone && v != v:
		return 0
	case s.missing == models.MissingZero && v >= -models.ZeroThreshold && v <= models.ZeroThreshold:
		return math.NaN()
	}
	return v
}

// rank counts the thresholds below v; NaN is above none. The search has no
// branch that depends on v: a mispredicted one costs more than the rest.
func (s *source) rank(v float64) int32 {
	n := len(s.thresholds)
	p := unsafe.Pointer(&s.thresholds[0])
	var at uintptr
	for n > 1 {
		half := n >> 1
		at += uintptr(half) & -below(p, at+uintptr(half)-1, v)
		n -= half
	}
	return int32(at + below(p, at, v))
}

// below is 1 when number i from p on is below v, else 0.
func below(p unsafe.Pointer, i uintptr, v float64) uintptr {
	if *(*float64)(unsafe.Add(p, i*8)) < v {
		return 1
	}
	return 0
}

// code is the byte of a column for a value's rank.
func (c *column) code(rank int32, missing bool) uint8 {
	if missing && c.right {
		return chunk
	}
	return uint8(min(max(rank-c.first, 0), chunk))
}
