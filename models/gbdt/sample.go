// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"cmp"
	"math"
	"slices"
)

// drawFeatures draws the features of one tree, nil for all.
func (g *grower) drawFeatures() []bool {
	if g.p.FeatureFraction >= 1 {
		return nil
	}
	all := make([]int, len(g.matrix.features))
	for i := range all {
		all[i] = i
	}
	return g.drawShare(all, g.p.FeatureFraction, drawFeature, 0)
}

// allowedFeatures returns the features that a leaf may split on, nil for all.
func (g *grower) allowedFeatures(l *leaf) []bool {
	mask := g.inTree
	if groups := g.p.InteractionGroups; len(groups) > 0 {
		permitted := make([]bool, len(g.matrix.binners))
		for _, group := range groups {
			holds := true
			for _, c := range l.path {
				holds = holds && slices.Contains(group, int(c))
			}
			if holds {
				for _, c := range group {
					permitted[c] = true
				}
			}
		}
		next := make([]bool, len(g.matrix.features))
		for i, f := range g.matrix.features {
			next[i] = permitted[f.column] && (mask == nil || mask[i])
		}
		mask = next
	}
	if g.p.FeatureFractionByNode < 1 {
		var in []int
		for i := range g.matrix.features {
			if mask == nil || mask[i] {
				in = append(in, i)
			}
		}
		mask = g.drawShare(in, g.p.FeatureFractionByNode, drawNode, uint64(l.start)<<32|uint64(l.n))
	}
	return mask
}

// drawShare keeps a fraction of the features, at least one: those with the
// smallest hashes.
func (g *grower) drawShare(from []int, fraction float64, name, salt uint64) []bool {
	mask := make([]bool, len(g.matrix.features))
	if len(from) == 0 {
		return mask
	}
	k := max(1, int(math.Round(float64(len(from))*fraction)))
	key := func(i int) uint64 { return hash(uint64(g.p.Seed), name, g.tree, salt, uint64(i)) }
	slices.SortFunc(from, func(a, b int) int { return cmp.Or(cmp.Compare(key(a), key(b)), cmp.Compare(a, b)) })
	for _, i := range from[:min(k, len(from))] {
		mask[i] = true
	}
	return mask
}

// bagRows draws the rows of one iteration, each by a hash of its number. It
// returns nil when all rows are in use.
func bagRows(p *Params, label []float64, iteration int, rows []uint32) []uint32 {
	if p.BaggingFreq == 0 || p.BaggingFraction >= 1 && p.PosBaggingFraction >= 1 && p.NegBaggingFraction >= 1 {
		return nil
	}
	key := hash(uint64(p.Seed), drawBag, uint64(iteration/p.BaggingFreq))
	limit := func(f float64) uint64 {
		if f >= 1 {
			return math.MaxUint64
		}
		return uint64(f * (1 << 53))
	}
	neg, pos := limit(p.BaggingFraction), limit(p.BaggingFraction)
	if p.PosBaggingFraction < 1 || p.NegBaggingFraction < 1 {
		neg, pos = limit(p.NegBaggingFraction), limit(p.PosBaggingFraction)
	}
	rows = rows[:0]
	for i, y := range label {
		l := neg
		if y > 0 {
			l = pos
		}
		if mix(key+uint64(i)*0x9E3779B97F4A7C15)>>11 < l {
			rows = append(rows, uint32(i))
		}
	}
	return rows
}

// gossRows keeps the rows with the largest gradients and draws some of the others,
// whose gradients it scales up so that sums keep their expectation (LightGBM's
// paper, see the package comment, algorithm 2). It returns the rows in use, in
// order.
func gossRows(p *Params, gr *gradients, iteration int, rows []uint32) []uint32 {
	n := len(gr.pairs)
	size := make([]uint32, n) // bits of |g*h|: their order is the numbers' order
	for i := range size {
		size[i] = math.Float32bits(gr.pairs[i].g*gr.pairs[i].h) &^ (1 << 31)
	}
	top := max(1, int(float64(n)*p.TopRate))
	other := int(float64(n) * p.OtherRate)
	sorted := slices.Clone(size)
	slices.Sort(sorted)
	threshold := sorted[n-top]
	key := hash(uint64(p.Seed), drawBag, uint64(iteration))
	rest := 0
	for _, s := range size {
		if s < threshold {
			rest++
		}
	}
	share := float64(other) / float64(max(rest, 1))
	scale := float32(1)
	if share > 0 && share < 1 {
		scale = float32(1 / share)
	}
	rows = rows[:0]
	for i, s := range size {
		if s < threshold {
			if unit(mix(key+uint64(i)*0x9E3779B97F4A7C15)) >= share {
				continue
			}
			gr.pairs[i].g *= scale
			gr.pairs[i].h *= scale
		}
		rows = append(rows, uint32(i))
	}
	return rows
}
