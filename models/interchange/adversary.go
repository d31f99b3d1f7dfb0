// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"math"

	"github.com/assayrisk/assay/models"
)

// maxAdversarial bounds the adversarial rows of one gate.
const maxAdversarial = 1 << 14

// adversary makes rows that tempt a compiled predictor into the wrong leaf.
// For each node of the model it makes rows that reach the node, with the
// node's feature at the threshold, at the two numbers next to it, zero, and missing;
// for a category, at codes inside and outside of the set. Then it makes rows
// of nothing but awkward values. When there are more nodes than fit the bound,
// evenly spaced ones are taken.
type adversary struct {
	m        *models.Model
	base     []float64 // rows to start from
	features int
	made     []float64
	rowsMade int
}

func newAdversary(m *models.Model, base []float64) *adversary {
	n := len(m.Features)
	if len(base) == 0 {
		base = make([]float64, n)
	}
	return &adversary{m: m, base: base, features: n}
}

// awkwardValues are values that no feature expects.
var awkwardValues = [...]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1),
	1e-35, 1.1e-35, -0.9e-35,
	math.SmallestNonzeroFloat64, math.MaxFloat64, -math.MaxFloat64, -1, -0.5, 0.5, 1 << 31, 1e6}

func (a *adversary) makeRows() []float64 {
	nodes := 0
	for i := range a.m.Trees {
		nodes += len(a.m.Trees[i].Feature)
	}
	stride := max(1, nodes*6/maxAdversarial+1)
	k := 0
	for i := range a.m.Trees {
		t := &a.m.Trees[i]
		parent := parents(t)
		for j := range t.Feature {
			if k++; k%stride == 0 {
				a.addRowsAtNode(t, parent, j)
			}
		}
	}
	for i := range 8 * len(awkwardValues) {
		row := a.addRow()
		for f := range row {
			if (i+f)%3 != 0 {
				row[f] = awkwardValues[(i*7+f*5+i/len(awkwardValues)*f)%len(awkwardValues)]
			}
		}
	}
	return a.made
}

// addRow appends a copy of the next base row and returns it.
func (a *adversary) addRow() []float64 {
	at := a.rowsMade * a.features % len(a.base)
	a.rowsMade++
	a.made = append(a.made, a.base[at:at+a.features]...)
	return a.made[len(a.made)-a.features:]
}

// parents gives each node's parent, ^parent when it is the right child, and
// the root's own index at 0.
func parents(t *models.Tree) []int {
	p := make([]int, len(t.Feature))
	for i := range t.Feature {
		if c := t.Left[i]; c >= 0 {
			p[c] = i
		}
		if c := t.Right[i]; c >= 0 {
			p[c] = ^i
		}
	}
	return p
}

// addRowsAtNode appends rows that reach node j of t and sit on its edge.
func (a *adversary) addRowsAtNode(t *models.Tree, parent []int, j int) {
	f := t.Feature[j]
	for _, v := range a.edgeValues(t, j) {
		row := a.addRow()
		// From the root down would set the most binding value last; walking
		// up, a value once set for a feature stays unless it misses.
		for c := j; c > 0; {
			p, left := parent[c], true
			if p < 0 {
				p, left = ^p, false
			}
			if goesLeft(t, p, row) != left && t.Feature[p] != f {
				row[t.Feature[p]] = a.valueFor(t, p, left)
			}
			c = p
		}
		row[f] = v
	}
}

func goesLeft(t *models.Tree, i int, x []float64) bool { return t.Next(i, x) == t.Left[i] }

// valueFor is one that node i sends to the side asked for, as far as there is one.
func (a *adversary) valueFor(t *models.Tree, i int, left bool) float64 {
	th := t.Threshold[i]
	switch {
	case t.Decision[i]&models.DecisionCategorical == 0 && left:
		return th
	case t.Decision[i]&models.DecisionCategorical == 0:
		return math.Nextafter(th, math.Inf(1))
	case left:
		return float64(firstCategory(t, i))
	}
	return -1
}

// edgeValues is the values around node i's threshold.
func (a *adversary) edgeValues(t *models.Tree, i int) []float64 {
	th := t.Threshold[i]
	if t.Decision[i]&models.DecisionCategorical == 0 {
		return []float64{th, math.Nextafter(th, math.Inf(1)), math.Nextafter(th, math.Inf(-1)), math.NaN(), 0}
	}
	c := float64(firstCategory(t, i))
	lo, hi := t.CatBoundaries[int(th)], t.CatBoundaries[int(th)+1]
	return []float64{c, c + 1, c - 1, float64(32 * (hi - lo)), c + 0.5, math.NaN()}
}

// firstCategory is the least code in the set of node i, or 0.
func firstCategory(t *models.Tree, i int) int32 {
	lo, hi := t.CatBoundaries[int(t.Threshold[i])], t.CatBoundaries[int(t.Threshold[i])+1]
	for k := range (hi - lo) * 32 {
		if t.CatBits[lo+k/32]>>(k%32)&1 != 0 {
			return k
		}
	}
	return 0
}
