// SPDX-License-Identifier: Apache-2.0

package window

import (
	"cmp"
	"math"
	"slices"
)

// sums are the weights of members by pane, sorted by (hash, pane).
type sums []paneWeight

// paneWeight is the weight of one member in one pane: the sum of its values, or its number of events.
type paneWeight struct {
	hash   uint64
	pane   int64
	weight float64
}

// MemberSum is the weight of one member in a window.
type MemberSum struct {
	Member uint64 // its hash
	Weight float64
}

// add adds a value to a member's weight in a pane. Up to twice `bound` members have records;
// when there are more, the bound most recent ones keep theirs, and of the others
// those half of bound whose sums are greatest. So a window of no more than bound
// members has them all: for each that was forgotten, as many others
// were as recent. A member that comes back after that has less than its sum.
func (p sums) add(bound int, pane int64, hash uint64, x float64) sums {
	i, ok := slices.BinarySearchFunc(p, paneWeight{hash: hash, pane: pane}, func(a, b paneWeight) int {
		if d := cmpHash(a.hash, b.hash); d != 0 {
			return d
		}
		return cmp.Compare(a.pane, b.pane)
	})
	if ok {
		p[i].weight += x
		return p
	}
	known := i > 0 && p[i-1].hash == hash || i < len(p) && p[i].hash == hash
	p = slices.Insert(p, i, paneWeight{hash, pane, x})
	if known || len(p) <= 2*bound {
		return p
	}
	return p.prune(bound)
}

// memberTotal is one member's total and the last pane that it has an event in.
type memberTotal struct {
	hash uint64
	last int64
	sum  float64
}

func (p sums) prune(bound int) sums {
	n := 1
	for i := 1; i < len(p); i++ {
		if p[i].hash != p[i-1].hash {
			n++
		}
	}
	if n <= 2*bound {
		return p
	}
	all := make([]memberTotal, 0, n)
	for a := 0; a < len(p); {
		end, _, sum := p.member(a, math.MinInt64, math.MaxInt64)
		all = append(all, memberTotal{p[a].hash, p[end-1].pane, sum})
		a = end
	}
	heavier := func(a, b memberTotal) int {
		return cmp.Or(cmp.Compare(b.sum, a.sum), cmpHash(a.hash, b.hash))
	}
	slices.SortFunc(all, func(a, b memberTotal) int { return cmp.Or(cmp.Compare(b.last, a.last), heavier(a, b)) })
	rest := all[bound:]
	slices.SortFunc(rest, heavier)
	all = all[:bound+max(bound/2, 1)]
	slices.SortFunc(all, func(a, b memberTotal) int { return cmpHash(a.hash, b.hash) })
	k := 0
	return slices.DeleteFunc(p, func(r paneWeight) bool {
		for k < len(all) && all[k].hash < r.hash {
			k++
		}
		return k == len(all) || all[k].hash != r.hash
	})
}

// member returns where the records of the member at a end, whether it has any in
// the panes low to high, and its sum there.
func (p sums) member(a int, low, high int64) (end int, in bool, sum float64) {
	for end = a; end < len(p) && p[end].hash == p[a].hash; end++ {
		if p[end].pane >= low && p[end].pane <= high {
			in, sum = true, sum+p[end].weight
		}
	}
	return end, in, sum
}

// greatest is the greatest sum of one member in the panes low to high; NaN if
// nobody there is known.
func (p sums) greatest(low, high int64) float64 {
	best := math.Inf(-1)
	for a := 0; a < len(p); { // member() written out, because every read of a share comes here
		hash, in, sum := p[a].hash, false, 0.0
		for ; a < len(p) && p[a].hash == hash; a++ {
			if p[a].pane >= low && p[a].pane <= high {
				in, sum = true, sum+p[a].weight
			}
		}
		if in && sum > best {
			best = sum
		}
	}
	if best == math.Inf(-1) {
		return math.NaN()
	}
	return best
}

// list appends the members' sums in the panes low to high, by rising hash.
func (p sums) list(dst []MemberSum, low, high int64) []MemberSum {
	for a := 0; a < len(p); {
		end, in, sum := p.member(a, low, high)
		if in {
			dst = append(dst, MemberSum{p[a].hash, sum})
		}
		a = end
	}
	return dst
}
