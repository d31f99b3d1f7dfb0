// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
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
// code <= bound. Everything else is a matter of how the code is computed:
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
	right  bool  // missing values have the code maxCode
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
	nodes := 0
	for i := range m.Trees {
		nodes += len(m.Trees[i].Feature)
	}
	if nodes > math.MaxInt32 {
		return nil, errTooLarge
	}
	c := &columns{splits: make([][]split, len(m.Trees))}
	sources := make([][4]int32, len(m.Features)) // of a feature and missing type, plus one
	var tests []int                              // of each source
	splits := make([]split, 0, nodes)
	b := newCategoryBuilder()
	for i := range m.Trees {
		t := &m.Trees[i]
		for j, f := range t.Feature {
			if t.Decision[j]&models.DecisionCategorical != 0 {
				cat, set := b.add(t, j)
				splits = append(splits, split{cat: cat, set: set})
				continue
			}
			missing := t.Decision[j] >> 2 & 3
			s := &sources[f][missing]
			if *s == 0 {
				c.sources = append(c.sources, source{feature: f, missing: models.MissingType(missing)})
				tests = append(tests, 0)
				*s = int32(len(c.sources))
			}
			tests[*s-1]++
			splits = append(splits, split{column: *s - 1, set: -1}) // of the source; the column follows
		}
		c.splits[i] = splits[len(splits)-len(t.Feature):]
	}
	found, places := collectThresholds(m, splits, tests)
	ranks := make([][]int32, len(c.sources))
	// The columns of a source: two for each chunk, left and right.
	of := make([][]int32, len(c.sources))
	inParallel(len(c.sources), func(from, to int) {
		for s := from; s < to; s++ {
			c.sources[s].thresholds, ranks[s] = found[s].ranked()
			of[s] = make([]int32, 2*(len(ranks[s])/maxCode+1))
			for i, rank := range ranks[s] {
				for side := range int32(2) {
					of[s][rank/maxCode*2+side] |= int32(found[s].sides[i] >> side & 1)
				}
			}
		}
	})
	for s := range of {
		for i, used := range of[s] {
			if used != 0 {
				of[s][i] = int32(len(c.columns))
				c.columns = append(c.columns, column{source: int32(s), first: int32(i / 2 * maxCode), right: i%2 == 1})
			}
		}
	}
	inParallel(len(m.Trees), func(from, to int) {
		node := 0
		for i := range m.Trees[:from] {
			node += len(m.Trees[i].Feature)
		}
		for i := from; i < to; i++ {
			for j, d := range m.Trees[i].Decision {
				if s := &c.splits[i][j]; s.set < 0 {
					rank := ranks[s.column][places[node]]
					at := rank / maxCode * 2
					if missingRight(d) {
						at++
					}
					s.column, s.bound = of[s.column][at], uint8(rank%maxCode)
				}
				node++
			}
		}
	})
	var err error
	c.cats, err = b.build()
	return c, err
}

// collectThresholds finds the thresholds of each source, and where each node's
// threshold is among them. tests is the number of nodes of each source; processors
// share the sources.
func collectThresholds(m *models.Model, splits []split, tests []int) (found []thresholds, places []int32) {
	found, places = make([]thresholds, len(tests)), make([]int32, len(splits))
	owner := make([]int, len(tests))
	parts := min(processors(), len(tests))
	load := make([]int, parts)
	for s, n := range tests {
		least := 0
		for k := range parts {
			if load[k] < load[least] {
				least = k
			}
		}
		owner[s] = least
		load[least] += n
	}
	inParallel(parts, func(from, to int) {
		node := 0
		for i := range m.Trees {
			t := &m.Trees[i]
			for j, d := range t.Decision {
				if s := &splits[node]; s.set < 0 && owner[s.column] >= from && owner[s.column] < to {
					places[node] = found[s.column].add(t.Threshold[j], missingRight(d))
				}
				node++
			}
		}
	})
	return found, places
}

// missingRight says that a numerical node sends missing values right.
func missingRight(decision uint8) bool {
	return decision&models.DecisionDefaultLeft == 0 && models.MissingType(decision>>2&3) != models.MissingNone
}

// maxCode is the largest code, and the number of thresholds that one column tells
// apart. No code is 255.
const maxCode = 254

// value makes NaN of the values that s takes for missing, and 0 of a NaN that it
// does not.
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
		return maxCode
	}
	return uint8(min(max(rank-c.first, 0), maxCode))
}
