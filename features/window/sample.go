// SPDX-License-Identifier: Apache-2.0

package window

import (
	"math/bits"
	"slices"
)

// Samples of the recent past (Gibbons and Tirthapura, "Distributed streams
// algorithms for sliding windows", SPAA 2002). An item belongs to the levels 0
// to z, where z counts the zero bits that its hash begins with, so that each
// level has about half of the items of the one below. A level keeps its most
// recent items, a fixed number of them, and remembers the most recent one that
// it let go: its cut. A window that begins after the cut misses nothing of that
// level. One that reaches back to it has more items than a level keeps, so that
// level 0 is exact whenever it can be.

// item is what a sample keeps.
type item interface {
	mark() mark
}

// mark orders items: the later pane is the more recent one, and in a pane the
// smaller hash, which belongs to more levels.
type mark struct {
	hash uint64
	pane int64
}

func (m mark) after(cut mark) bool {
	return m.pane > cut.pane || m.pane == cut.pane && m.hash < cut.hash
}

func (m mark) level() int { return bits.LeadingZeros64(m.hash) }

// seen is a member of the events, and the latest pane in which it was seen.
type seen struct {
	hash uint64
	pane int64
}

func (s seen) mark() mark { return mark(s) }

// sampled is one value of one event.
type sampled struct {
	hash  uint64
	pane  int64
	value float64
}

func (s sampled) mark() mark { return mark{s.hash, s.pane} }

// kept reports whether a sample with these cuts has a place for an item: the
// cuts fall with rising level, so that the item's own level decides.
func kept(m mark, cuts []mark) bool {
	z := m.level()
	return z >= len(cuts) || m.after(cuts[z])
}

// trim restores the bound of each level from 0 to z, to which an item was
// added. Items are by rising hash: those of a level are the first ones.
func trim[T item](items []T, cuts []mark, bound, z int) ([]T, []mark) {
	if len(items) <= bound {
		return items, cuts
	}
	cut := false
	for j := range z + 1 {
		n, least := 0, mark{}
		for i := range items {
			m := items[i].mark()
			if m.level() < j {
				break
			}
			if j < len(cuts) && !m.after(cuts[j]) {
				continue
			}
			if n == 0 || least.after(m) {
				least = m
			}
			n++
		}
		if n <= bound {
			continue
		}
		cut = true
		if j < len(cuts) {
			cuts[j] = least
		} else {
			cuts = append(cuts, least)
		}
	}
	if cut {
		items = slices.DeleteFunc(items, func(t T) bool { return !kept(t.mark(), cuts) })
	}
	return items, cuts
}

// complete is the lowest level that has lost nothing since pane low.
func complete(cuts []mark, low int64) int {
	j := 0
	for j < len(cuts) && cuts[j].pane >= low {
		j++
	}
	return j
}

// see notes a member of an event.
func (c *members) see(l *layout, pane int64, hash uint64) {
	i, ok := slices.BinarySearchFunc(c.set, hash, func(s seen, h uint64) int { return cmpHash(s.hash, h) })
	s := seen{hash, pane}
	switch {
	case ok && c.set[i].pane >= pane:
		return
	case ok:
		c.set[i].pane = pane
	case c.more != nil && !kept(s.mark(), c.more.cuts):
		return
	default:
		c.set = slices.Insert(c.set, i, s)
	}
	if len(c.set) <= l.Members {
		return
	}
	m := c.extra()
	c.set, m.cuts = trim(c.set, m.cuts, l.Members, s.mark().level())
}

// distinct counts the members seen since pane low: exactly while no more than
// Members of them were, then by what a level tells of all.
func (c *members) distinct(low int64) (n, level int) {
	if c.more != nil {
		level = complete(c.more.cuts, low)
	}
	set := c.set
	if level > 0 { // a level's members have the smallest hashes
		beyond := uint64(1) << (64 - level)
		end, _ := slices.BinarySearchFunc(set, beyond, func(s seen, h uint64) int { return cmpHash(s.hash, h) })
		set = set[:end]
	}
	for i := range set {
		if set[i].pane >= low {
			n++
		}
	}
	return n, level
}

// sample notes the value of an event.
func (c *members) sample(l *layout, pane int64, value float64) {
	m := c.extra()
	m.fed++
	s := sampled{mix(m.fed), pane, value}
	if !kept(s.mark(), m.sampleCuts) {
		return
	}
	i, _ := slices.BinarySearchFunc(m.sample, s.hash, func(s sampled, h uint64) int { return cmpHash(s.hash, h) })
	m.sample = slices.Insert(m.sample, i, s)
	m.sample, m.sampleCuts = trim(m.sample, m.sampleCuts, l.Samples, s.mark().level())
}

// values appends the sampled values of the panes low to high, in rising order.
func (m *extra) values(dst []float64, low, high int64) []float64 {
	level := complete(m.sampleCuts, low)
	for i := range m.sample {
		s := &m.sample[i]
		if s.mark().level() < level {
			break
		}
		if s.pane >= low && s.pane <= high {
			dst = append(dst, s.value)
		}
	}
	slices.Sort(dst)
	return dst
}

// mix turns the number of an event into its hash (splitmix64).
func mix(n uint64) uint64 {
	n *= 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
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
