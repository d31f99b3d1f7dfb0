// SPDX-License-Identifier: Apache-2.0

package window

import (
	"math"
	"math/bits"
	"slices"
)

func getF(w uint64) float64 { return math.Float64frombits(w) }
func putF(x float64) uint64 { return math.Float64bits(x) }

// expire drops what lies before pane low. It must not depend on how often it
// is called: dropping now or later leaves the same state.
func (c *cell) expire(l *layout, low int64) {
	n := 0
	for n < len(c.panes) && int64(c.panes[n]) < low {
		n += l.width
	}
	if n > 0 {
		c.panes = c.panes[:copy(c.panes, c.panes[n:])]
	}
	if c.members == nil || n == 0 {
		return
	}
	c.set = slices.DeleteFunc(c.set, func(s seen) bool { return s.pane < low })
	c.parts = slices.DeleteFunc(c.parts, func(p part) bool { return p.pane < low })
	if len(c.panes) == 0 {
		c.level = 0
	}
}

// pane returns the words of one pane, which is made if need be.
func (c *cell) pane(l *layout, number int64) []uint64 {
	i := len(c.panes)
	for i > 0 && int64(c.panes[i-l.width]) > number {
		i -= l.width
	}
	if i > 0 && int64(c.panes[i-l.width]) == number {
		return c.panes[i-l.width : i]
	}
	if cap(c.panes)-len(c.panes) < l.width { // grow by half, from one pane on
		grown := make([]uint64, len(c.panes), len(c.panes)+max(l.width, (len(c.panes)/l.width+1)/2*l.width))
		copy(grown, c.panes)
		c.panes = grown
	}
	c.panes = c.panes[:len(c.panes)+l.width]
	copy(c.panes[i+l.width:], c.panes[i:])
	p := c.panes[i : i+l.width]
	clear(p)
	p[0] = uint64(number)
	if l.Needs&Min != 0 {
		p[l.column(Min)] = putF(math.Inf(1))
	}
	if l.Needs&Max != 0 {
		p[l.column(Max)] = putF(math.Inf(-1))
	}
	if l.Needs&First != 0 {
		p[l.column(First)] = uint64(math.MaxInt64)
	}
	if l.Needs&Last != 0 {
		p[l.column(Last)] = 1 << 63 // math.MinInt64
	}
	return p
}

// feed adds one event to a pane.
func (l *layout) feed(p []uint64, at int64, x float64) {
	if l.Needs&Count != 0 {
		p[l.column(Count)]++
	}
	if l.Needs&Sum != 0 {
		i := l.column(Sum)
		p[i] = putF(getF(p[i]) + x)
	}
	if l.Needs&Spread != 0 { // Welford, Technometrics 4 (1962)
		i, n := l.column(Spread), float64(p[l.column(Count)])
		mean, m2 := getF(p[i]), getF(p[i+1])
		d := x - mean
		mean += d / n
		p[i], p[i+1] = putF(mean), putF(m2+float64(d*(x-mean)))
	}
	if l.Needs&Min != 0 {
		if i := l.column(Min); x < getF(p[i]) {
			p[i] = putF(x)
		}
	}
	if l.Needs&Max != 0 {
		if i := l.column(Max); x > getF(p[i]) {
			p[i] = putF(x)
		}
	}
	if l.Needs&First != 0 {
		if i := l.column(First); at < int64(p[i]) {
			p[i] = uint64(at)
		}
	}
	if l.Needs&Last != 0 {
		if i := l.column(Last); at >= int64(p[i]) {
			p[i] = uint64(at)
			if l.Needs&Latest != 0 {
				p[l.column(Latest)] = putF(x)
			}
		}
	}
}

// see notes a member (adaptive sampling, Flajolet, Computing 43 (1990)): the
// members whose hash begins with level zero bits are kept, all of them. When
// they are too many, level rises by one, and about half of them stay.
func (c *members) see(l *layout, pane int64, hash uint64) {
	if bits.LeadingZeros64(hash) < int(c.level) {
		return
	}
	i, ok := slices.BinarySearchFunc(c.set, hash, func(s seen, h uint64) int { return cmpHash(s.hash, h) })
	if ok {
		c.set[i].pane = max(c.set[i].pane, pane)
		return
	}
	c.set = slices.Insert(c.set, i, seen{hash, pane})
	for len(c.set) > l.Members && c.level < 63 {
		c.level++
		c.set = slices.DeleteFunc(c.set, func(s seen) bool { return bits.LeadingZeros64(s.hash) < int(c.level) })
	}
}

func cmpHash(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// partsPerMember bounds the records that Share keeps: one for each member and
// pane.
const partsPerMember = 4

// weigh adds a value to a member's part of the sum. When the records are too
// many, the member with the smallest part is forgotten: its value stays in the
// sum and belongs to nobody, so that the greatest share can only be too small.
func (c *members) weigh(l *layout, pane int64, hash uint64, x float64) {
	if !(x > 0) {
		return
	}
	i, ok := slices.BinarySearchFunc(c.parts, part{hash: hash, pane: pane}, func(a, b part) int {
		if d := cmpHash(a.hash, b.hash); d != 0 {
			return d
		}
		return int(min(max(a.pane-b.pane, -1), 1))
	})
	if ok {
		c.parts[i].weight += x
		return
	}
	c.parts = slices.Insert(c.parts, i, part{hash, pane, x})
	if len(c.parts) <= partsPerMember*l.Members {
		return
	}
	least, lo, hi := math.Inf(1), 0, 0
	for a := 0; a < len(c.parts); {
		b, sum := a, 0.0
		for ; b < len(c.parts) && c.parts[b].hash == c.parts[a].hash; b++ {
			sum += c.parts[b].weight
		}
		if sum < least {
			least, lo, hi = sum, a, b
		}
		a = b
	}
	c.parts = slices.Delete(c.parts, lo, hi)
}
