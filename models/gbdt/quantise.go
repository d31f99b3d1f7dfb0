// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"unsafe"

	"github.com/assayrisk/assay/models/gbdt/workers"
)

// The kinds of random draws. A draw hashes the seed, then its kind.
const (
	drawSample uint64 = iota + 1
	drawRound
	drawBag
	drawFeature
	drawNode
	drawFold
	drawTune
)

// sumBlock is the run of rows over which gradients are summed in one go. It is
// part of the definition of the model: changing it changes last bits.
const sumBlock = 8192

// A cell packs a sum of quantised gradients (upper 32 bits, signed) and of
// quantised hessians (lower 32 bits, unsigned) into one integer, so that one
// addition updates both. The scales are chosen so that neither sum over all
// rows can leave its half; then the difference of two cells of nested row sets
// is a cell again.
type cell = int64

func gradOf(c cell) int64 { return c >> 32 }
func hessOf(c cell) int64 { return int64(uint32(c)) }

// pair is a row's first and second derivative of the loss.
type pair struct{ g, h float32 }

// gradients are the derivatives of one iteration.
type gradients struct {
	pairs  []pair // in large tables, valid until they are rounded
	packed []cell
	blocks []blockSums
	units
}

// units turn quantised sums into sums of gradients and hessians.
type units struct{ gUnit, hUnit float64 }

// unscale returns the sums that a cell stands for. The conversions round its
// products, so that they are not fused with what callers do next.
func (u *units) unscale(c cell) (g, h float64) {
	return float64(float64(gradOf(c)) * u.gUnit), float64(float64(hessOf(c)) * u.hUnit)
}

// blockSums are the sums over sumBlock rows of |g|, of h, and of cells.
type blockSums struct {
	g, h float64
	c    cell
}

// newGradients makes room for the gradients of rows. Where leaf values are not
// computed from the exact derivatives (see exactRows), a row's cell overwrites
// them.
func newGradients(rows int) *gradients {
	gr := &gradients{packed: make([]cell, rows), blocks: make([]blockSums, (rows+sumBlock-1)/sumBlock)}
	if rows > exactRows {
		gr.pairs = unsafe.Slice((*pair)(unsafe.Pointer(unsafe.SliceData(gr.packed))), rows)
	} else {
		gr.pairs = make([]pair, rows)
	}
	return gr
}

// compute fills pairs from the margins.
func (gr *gradients) compute(obj objective, score []float64, team *workers.Team) {
	team.Run(len(gr.blocks), func(b int) {
		lo, hi := b*sumBlock, min((b+1)*sumBlock, len(score))
		obj.gradients(score, gr.pairs, lo, hi)
		var lanes [8]float64
		sumPairs(&lanes, gr.pairs[lo:hi])
		gr.blocks[b].set(&lanes)
	})
}

func (s *blockSums) set(l *[8]float64) {
	s.g, s.h = (l[0]+l[2])+(l[4]+l[6]), (l[1]+l[3])+(l[5]+l[7])
}

// quantise rounds the gradients of the rows in use (nil for all) to integers,
// up or down at random with the probabilities that make the expectation exact
// (Shi et al., "Quantized Training of Gradient Boosting Decision Trees",
// NeurIPS 2022), and returns their packed sum.
func (gr *gradients) quantise(rows []uint32, seed, iteration uint64, team *workers.Team) cell {
	n, part := len(gr.pairs), gr.blocks
	if rows != nil {
		n, part = len(rows), make([]blockSums, (len(rows)+sumBlock-1)/sumBlock)
		team.Run(len(part), func(b int) {
			var lanes [8]float64
			for i, r := range rows[b*sumBlock : min((b+1)*sumBlock, n)] {
				addPair(&lanes, i, gr.pairs[r])
			}
			part[b].set(&lanes)
		})
	}
	var g, h float64
	for _, s := range part {
		g += s.g
		h += s.h
	}
	// Rounding adds less than 1 a row: |sum| < scale*g + n <= 2^31 - 8.
	room := float64(int64(1)<<31 - 8 - int64(n))
	gScale, hScale := room/max(g, 1e-30), room/max(h, 1e-30)
	gr.gUnit, gr.hUnit = 1/gScale, 1/hScale
	key := uint32(hash(seed, drawRound, iteration))
	team.Run(len(part), func(b int) {
		lo, hi := b*sumBlock, min((b+1)*sumBlock, n)
		if rows == nil {
			part[b].c = roundPairs(gr.packed[lo:hi], gr.pairs[lo:hi], uint32(lo), key, gScale, hScale)
			return
		}
		var c cell
		for _, r := range rows[lo:hi] {
			q := roundPair(gr.pairs[r], r, key, gScale, hScale)
			gr.packed[r] = q
			c += q
		}
		part[b].c = c
	})
	var c cell
	for _, s := range part {
		c += s.c
	}
	return c
}

// roundPair quantises the pair of a row: the integer below the scaled value plus a
// random number in [0, 1), whose 16 bits come from a hash of the row (the
// finaliser of MurmurHash3).
func roundPair(p pair, row, key uint32, gScale, hScale float64) cell {
	u := row*0x9E3779B1 + key
	u ^= u >> 16
	u *= 0x85EBCA6B
	u ^= u >> 13
	u *= 0xC2B2AE35
	u ^= u >> 16
	x := float64(float64(p.g)*gScale) + float64(u>>16)*(1.0/(1<<16))
	y := float64(float64(p.h)*hScale) + float64(u&0xFFFF)*(1.0/(1<<16))
	q := int64(x) // towards zero
	if x < float64(q) {
		q--
	}
	return q<<32 + int64(y)
}

func roundPairsGo(dst []cell, src []pair, row, key uint32, gScale, hScale float64) cell {
	var c cell
	for i, p := range src {
		q := roundPair(p, row+uint32(i), key, gScale, hScale)
		dst[i] = q
		c += q
	}
	return c
}

// addPair adds |g| and h of the i-th pair to lanes 2(i%4) and 2(i%4)+1.
func addPair(lanes *[8]float64, i int, p pair) {
	lanes[i&3*2] += float64(max(p.g, -p.g))
	lanes[i&3*2+1] += float64(p.h)
}

func sumPairsGo(lanes *[8]float64, pairs []pair) {
	for i, p := range pairs {
		addPair(lanes, i, p)
	}
}

// logisticPairsGo computes the derivatives of the logistic loss.
func logisticPairsGo(score, label []float64, out []pair) {
	for i, s := range score {
		p := 1 / (1 + exp(-s))
		out[i] = pair{float32(p - label[i]), float32(p * (1 - p))}
	}
}

// exactSums adds up the unrounded gradients and hessians of a leaf's rows, in row
// order and in four lanes.
func (gr *gradients) exactSums(rows []uint32) (g, h float64) {
	var a, b [4]float64
	for len(rows) >= 4 {
		for k, r := range (*[4]uint32)(rows) {
			p := gr.pairs[r]
			a[k] += float64(p.g)
			b[k] += float64(p.h)
		}
		rows = rows[4:]
	}
	for k, r := range rows {
		a[k] += float64(gr.pairs[r].g)
		b[k] += float64(gr.pairs[r].h)
	}
	return (a[0] + a[1]) + (a[2] + a[3]), (b[0] + b[1]) + (b[2] + b[3])
}
