// SPDX-License-Identifier: Apache-2.0

package gbdt

// The names of random draws: the first part hashed after the seed.
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

// gradients are the derivatives of one iteration.
type gradients struct {
	g, h   []float32
	packed []cell
	// A quantised sum times its unit is the sum of gradients or hessians.
	gUnit, hUnit float64
}

// compute fills g and h from the margins and quantises them.
func (gr *gradients) compute(obj objective, score []float64, team *team) {
	blocks := (len(score) + sumBlock - 1) / sumBlock
	team.each(blocks, func(b int) {
		obj.gradients(score, gr.g, gr.h, b*sumBlock, min((b+1)*sumBlock, len(score)))
	})
}

// quantise rounds the gradients of the rows in use (nil for all) to integers,
// up or down at random with the probabilities that make the expectation exact
// (Shi et al., "Quantized Training of Gradient Boosting Decision Trees",
// NeurIPS 2022), and returns their packed sum.
func (gr *gradients) quantise(rows []uint32, seed, iteration uint64, team *team) cell {
	n := len(gr.g)
	if rows != nil {
		n = len(rows)
	}
	blocks := (n + sumBlock - 1) / sumBlock
	type sums struct {
		g, h float64
		c    cell
	}
	part := make([]sums, blocks)
	team.each(blocks, func(b int) {
		lo, hi := b*sumBlock, min((b+1)*sumBlock, n)
		var g, h [4]float64
		if rows == nil {
			for i := lo; i < hi; i++ {
				v := gr.g[i]
				g[i&3] += float64(max(v, -v))
				h[i&3] += float64(gr.h[i])
			}
		} else {
			for i, r := range rows[lo:hi] {
				v := gr.g[r]
				g[i&3] += float64(max(v, -v))
				h[i&3] += float64(gr.h[r])
			}
		}
		part[b].g, part[b].h = (g[0]+g[1])+(g[2]+g[3]), (h[0]+h[1])+(h[2]+h[3])
	})
	var g, h float64
	for _, s := range part {
		g += s.g
		h += s.h
	}
	// Rounding adds less than 1 a row: |sum| < scale*g + n <= 2^31 - 8.
	room := float64(int64(1)<<31 - 8 - int64(n))
	gScale, hScale := room/max(g, 1e-30), room/max(h, 1e-30)
	gr.gUnit, gr.hUnit = 1/gScale, 1/hScale
	key := hash(seed, drawRound, iteration)
	team.each(blocks, func(b int) {
		lo, hi := b*sumBlock, min((b+1)*sumBlock, n)
		var c cell
		if rows == nil {
			for i := lo; i < hi; i++ {
				q := gr.round(i, key, gScale, hScale)
				gr.packed[i] = q
				c += q
			}
		} else {
			for _, r := range rows[lo:hi] {
				q := gr.round(int(r), key, gScale, hScale)
				gr.packed[r] = q
				c += q
			}
		}
		part[b].c = c
	})
	var c cell
	for _, s := range part {
		c += s.c
	}
	return c
}

// round quantises one row.
func (gr *gradients) round(i int, key uint64, gScale, hScale float64) cell {
	u := mix(key + uint64(i)*0x9E3779B97F4A7C15)
	x := float64(float64(gr.g[i])*gScale) + float64(u>>32)*(1.0/(1<<32))
	q := int64(x) // towards zero
	if x < 0 && float64(q) != x {
		q--
	}
	y := float64(float64(gr.h[i])*hScale) + float64(u&0xFFFFFFFF)*(1.0/(1<<32))
	return q<<32 + int64(y)
}

// sum adds up the exact gradients and hessians of a leaf's rows, in row order
// over four lanes.
func (gr *gradients) sum(rows []uint32) (g, h float64) {
	var a, b [4]float64
	for len(rows) >= 4 {
		r := (*[4]uint32)(rows)
		a[0] += float64(gr.g[r[0]])
		b[0] += float64(gr.h[r[0]])
		a[1] += float64(gr.g[r[1]])
		b[1] += float64(gr.h[r[1]])
		a[2] += float64(gr.g[r[2]])
		b[2] += float64(gr.h[r[2]])
		a[3] += float64(gr.g[r[3]])
		b[3] += float64(gr.h[r[3]])
		rows = rows[4:]
	}
	for k, r := range rows {
		a[k] += float64(gr.g[r])
		b[k] += float64(gr.h[r])
	}
	return (a[0] + a[1]) + (a[2] + a[3]), (b[0] + b[1]) + (b[2] + b[3])
}
