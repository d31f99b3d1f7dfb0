// SPDX-License-Identifier: Apache-2.0

package gbdt

import "github.com/assayrisk/assay/models/gbdt/workers"

// router tells which bins of a feature go left.
type router [histogramBins]uint8

func newRouter(s *split, ft *feature) *router {
	var r router
	if s.categorical {
		for b := range r {
			r[b] = uint8(s.left[b>>6] >> (b & 63) & 1)
		}
		return &r
	}
	for b := 0; b <= s.bin; b++ {
		r[b] = 1
	}
	if m := ft.missingBin(); m >= 0 {
		r[m] = 0
		if s.missingLeft {
			r[m] = 1
		}
	}
	return &r
}

// divideGo moves the rows that go left to the front of rows, and the others to
// rightRows, both in their order. It returns how many went left.
func divideGo(rows, rightRows []uint32, c column, r *router) int {
	return divideRest(rows, rightRows[:len(rows)], 0, 0, c, r)
}

// divideRest is divideGo after some rows: done rows are divided, and left of
// these went left.
func divideRest(rows, rightRows []uint32, done, left int, c column, r *router) int {
	right := done - left
	for _, i := range rows[done:] {
		rows[left] = i
		rightRows[right] = i
		k := int(r[c.cells[int(i)<<c.shift]])
		left += k
		right += 1 - k
	}
	return left
}

// partition is divideGo by the whole team: each member divides a part of the
// rows, then the parts are put together, the left sides first.
func partition(rows, rightRows []uint32, c column, r *router, team *workers.Team) int {
	const run = 2048
	k := min(team.Size(), len(rows)/run)
	if k <= 1 {
		n := divide(rows, rightRows, c, r)
		copy(rows[n:], rightRows[:len(rows)-n])
		return n
	}
	lefts := make([]int, k)
	team.Run(k, func(t int) {
		lo, hi := t*len(rows)/k, (t+1)*len(rows)/k
		lefts[t] = divide(rows[lo:hi], rightRows[lo:hi], c, r)
	})
	left := 0
	for t, n := range lefts {
		lo := t * len(rows) / k
		copy(rows[left:], rows[lo:lo+n])
		left += n
	}
	team.Run(k, func(t int) {
		at := left
		for u := range t {
			at += (u+1)*len(rows)/k - u*len(rows)/k - lefts[u]
		}
		lo, hi := t*len(rows)/k, (t+1)*len(rows)/k
		copy(rows[at:], rightRows[lo:hi-lefts[t]])
	})
	return left
}
