// SPDX-License-Identifier: Apache-2.0

package gbdt

// router tells which bins of a feature go left.
type router [histogram]uint8

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

// divideGo moves the rows that go left to the front of rows and the others to
// spare, both in their order, and returns how many went left.
func divideGo(rows, spare []uint32, c column, r *router) int {
	return divideRest(rows, spare[:len(rows)], 0, 0, c, r)
}

// divideRest is divideGo where the first so many rows are divided and so many
// of them went left.
func divideRest(rows, spare []uint32, done, left int, c column, r *router) int {
	right := done - left
	for _, i := range rows[done:] {
		rows[left] = i
		spare[right] = i
		k := int(r[c.cells[int(i)<<c.shift]])
		left += k
		right += 1 - k
	}
	return left
}

// partition is divideGo over the whole team: each member divides a run, then
// the runs are put together, left ones first.
func partition(rows, spare []uint32, c column, r *router, team *team) int {
	const run = 2048
	k := min(team.size, len(rows)/run)
	if k <= 1 {
		n := divide(rows, spare, c, r)
		copy(rows[n:], spare[:len(rows)-n])
		return n
	}
	lefts := make([]int, k)
	team.run(k, func(t int) {
		lo, hi := t*len(rows)/k, (t+1)*len(rows)/k
		lefts[t] = divide(rows[lo:hi], spare[lo:hi], c, r)
	})
	left := 0
	for t, n := range lefts {
		lo := t * len(rows) / k
		copy(rows[left:], rows[lo:lo+n])
		left += n
	}
	team.run(k, func(t int) {
		at := left
		for u := range t {
			at += (u+1)*len(rows)/k - u*len(rows)/k - lefts[u]
		}
		lo, hi := t*len(rows)/k, (t+1)*len(rows)/k
		copy(rows[at:], spare[lo:hi-lefts[t]])
	})
	return left
}
