// SPDX-License-Identifier: Apache-2.0

package baseline

import "slices"

// random is splitmix64 (Steele, Lea and Flood 2014): the same stream
// everywhere.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func (r *random) below(n int) int { return int((r.next() >> 33) * uint64(n) >> 31) }

// half returns a random half of 0..n-1, at least two where there are two, in
// rising order.
func (r *random) half(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	k := min(n, max(2, (n+1)/2))
	for i := range k {
		j := i + r.below(n-i)
		all[i], all[j] = all[j], all[i]
	}
	slices.Sort(all[:k])
	return all[:k:k]
}
