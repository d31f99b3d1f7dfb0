// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"cmp"
	"context"
	"slices"
)

// fitOrdered fits until every variable in use has a coefficient above 0 and
// points that fall as its weight of evidence rises.
func (l *Logistic) fitOrdered(ctx context.Context, codes [][]uint16, label []float64) error {
	pools := make([]pool, len(codes))
	used := make([]int, len(codes))
	for j, t := range l.tally {
		pools[j], used[j] = newPool(t), j
	}
	for {
		woe, in := make([][]float64, len(used)), make([][]uint16, len(used))
		for u, j := range used {
			woe[u], in[u] = evidence(pools[j].tally), pools[j].apply(codes[j])
		}
		s, err := l.solve(ctx, woe, in, label)
		if err != nil {
			return err
		}
		kept := rightSigned(used, s.coef)
		again := len(kept) < len(used)
		for u, j := range used {
			if s.coef[u] > 0 && pools[j].merge(woe[u], s.margin[u]) {
				again = true
			}
		}
		if again {
			used = kept
			continue
		}
		l.Intercept = s.intercept
		l.Coef, l.margin = make([]float64, len(codes)), make([][]float64, len(codes))
		for u, j := range used {
			l.Coef[j], l.margin[j] = s.coef[u], make([]float64, len(l.tally[j]))
			for k, g := range pools[j].group {
				l.margin[j][k] = s.margin[u][g]
			}
		}
		return nil
	}
}

// rightSigned leaves out the worse half of the variables whose coefficient is not
// above 0, at least one. Without these, the signs of the others can change.
func rightSigned(used []int, coef []float64) []int {
	var wrong []int
	for u, c := range coef {
		if !(c > 0) {
			wrong = append(wrong, u)
		}
	}
	slices.SortStableFunc(wrong, func(a, b int) int { return cmp.Compare(coef[a], coef[b]) })
	wrong = wrong[:(len(wrong)+1)/2]
	var kept []int
	for u, j := range used {
		if !slices.Contains(wrong, u) {
			kept = append(kept, j)
		}
	}
	return kept
}

// pool says which bins of a variable share their points.
type pool struct {
	group []int    // by bin
	tally []counts // by group
}

func newPool(tally []counts) pool {
	p := pool{make([]int, len(tally)), slices.Clone(tally)}
	for k := range tally {
		p.group[k] = k
	}
	return p
}

// apply turns bin numbers into group numbers.
func (p *pool) apply(code []uint16) []uint16 {
	out := make([]uint16, len(code))
	for i, k := range code {
		out[i] = uint16(p.group[k])
	}
	return out
}

// merge pools neighbours by weight of evidence whose log-odds fall where they
// should rise, as isotonic regression does (pool adjacent violators, weighted
// by rows). It reports whether there were any.
func (p *pool) merge(woe, margin []float64) bool {
	var order []int
	for g, t := range p.tally {
		if t.rows() > 0 {
			order = append(order, g)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(woe[a], woe[b]) })
	type block struct {
		groups []int
		rows   float64
		mean   float64
	}
	var blocks []block
	for _, g := range order {
		b := block{[]int{g}, float64(p.tally[g].rows()), margin[g]}
		for len(blocks) > 0 && blocks[len(blocks)-1].mean > b.mean {
			a := blocks[len(blocks)-1]
			blocks = blocks[:len(blocks)-1]
			rows := a.rows + b.rows
			b = block{append(a.groups, b.groups...), rows, (float64(a.mean*a.rows) + float64(b.mean*b.rows)) / rows}
		}
		blocks = append(blocks, b)
	}
	if len(blocks) == len(order) {
		return false
	}
	to := make([]int, len(p.tally))
	for g := range to {
		to[g] = g
	}
	for _, b := range blocks {
		for _, g := range b.groups[1:] {
			to[g] = b.groups[0]
			p.tally[b.groups[0]].bad += p.tally[g].bad
			p.tally[b.groups[0]].good += p.tally[g].good
			p.tally[g] = counts{}
		}
	}
	for k, g := range p.group {
		p.group[k] = to[g]
	}
	return true
}
