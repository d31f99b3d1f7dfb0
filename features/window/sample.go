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
// it dropped: its cut. A window that begins after the cut misses nothing of that
// level. One that reaches back to it has more items than a level keeps, so that
// level 0 is exact whenever it can be.

// item is an element of a sample: a member or a value.
type item interface {
	recency() recency
}

// recency orders items: the later pane is the more recent one, and in a pane the
// smaller hash, which belongs to more levels.
type recency struct {
	hash uint64
	pane int64
}

func (m recency) after(cut recency) bool {
	return m.pane > cut.pane || m.pane == cut.pane && m.hash < cut.hash
}

func (m recency) level() int { return bits.LeadingZeros64(m.hash) }

// seenMember is a member and the latest pane that it has an event in.
type seenMember struct {
	hash uint64
	pane int64
}

func (s seenMember) recency() recency { return recency(s) }

// sampledValue is the value of one event.
type sampledValue struct {
	hash  uint64
	pane  int64
	value float64
}

func (s sampledValue) recency() recency { return recency{s.hash, s.pane} }

// fitsCuts reports whether a sample with these cuts keeps an item. Cuts of higher
// levels are older, so that the item's own level decides.
func fitsCuts(m recency, cuts []recency) bool {
	z := m.level()
	return z >= len(cuts) || m.after(cuts[z])
}

// trim restores the bound of each level from 0 to z, to which an item was
// added. Items are by rising hash: those of a level are the first ones.
func trim[T item](items []T, cuts []recency, bound, z int) ([]T, []recency) {
	if len(items) <= bound {
		return items, cuts
	}
	cut := false
	for j := range z + 1 {
		n, least := 0, recency{}
		for i := range items {
			m := items[i].recency()
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
		items = slices.DeleteFunc(items, func(t T) bool { return !fitsCuts(t.recency(), cuts) })
	}
	return items, cuts
}

// lowestCompleteLevel is the lowest level that has dropped nothing since pane low.
func lowestCompleteLevel(cuts []recency, low int64) int {
	j := 0
	for j < len(cuts) && cuts[j].pane >= low {
		j++
	}
	return j
}

// addMember adds the member of an event to those that Distinct counts.
func (c *memberLists) addMember(l *layout, pane int64, hash uint64) {
	i, ok := slices.BinarySearchFunc(c.seenMembers, hash, func(s seenMember, h uint64) int {
		return cmpHash(s.hash, h)
	})
	s := seenMember{hash, pane}
	switch {
	case ok && c.seenMembers[i].pane >= pane:
		return
	case ok:
		c.seenMembers[i].pane = pane
	case c.extraLists != nil && !fitsCuts(s.recency(), c.extraLists.cuts):
		return
	default:
		c.seenMembers = slices.Insert(c.seenMembers, i, s)
	}
	if len(c.seenMembers) <= l.Members {
		return
	}
	m := c.ensureExtra()
	c.seenMembers, m.cuts = trim(c.seenMembers, m.cuts, l.Members, s.recency().level())
}

// distinct counts the members seen since pane low: exactly while they are no more than
// Config.Members, else as an estimate from the lowest complete level.
func (c *memberLists) distinct(low int64) (n, level int) {
	if c.extraLists != nil {
		level = lowestCompleteLevel(c.extraLists.cuts, low)
	}
	set := c.seenMembers
	if level > 0 { // a level's members have the smallest hashes
		beyond := uint64(1) << (64 - level)
		end, _ := slices.BinarySearchFunc(set, beyond, func(s seenMember, h uint64) int { return cmpHash(s.hash, h) })
		set = set[:end]
	}
	for i := range set {
		if set[i].pane >= low {
			n++
		}
	}
	return n, level
}

// addSample adds the value of an event to the sample.
func (c *memberLists) addSample(l *layout, pane int64, value float64) {
	m := c.ensureExtra()
	m.eventsSampled++
	s := sampledValue{hashOfNumber(m.eventsSampled), pane, value}
	if !fitsCuts(s.recency(), m.sampleCuts) {
		return
	}
	i, _ := slices.BinarySearchFunc(m.sample, s.hash, func(s sampledValue, h uint64) int { return cmpHash(s.hash, h) })
	m.sample = slices.Insert(m.sample, i, s)
	m.sample, m.sampleCuts = trim(m.sample, m.sampleCuts, l.Samples, s.recency().level())
}

// values appends the sampled values of the panes low to high, in rising order.
func (m *rareLists) values(dst []float64, low, high int64) []float64 {
	level := lowestCompleteLevel(m.sampleCuts, low)
	for i := range m.sample {
		s := &m.sample[i]
		if s.recency().level() < level {
			break
		}
		if s.pane >= low && s.pane <= high {
			dst = append(dst, s.value)
		}
	}
	slices.Sort(dst)
	return dst
}

// hashOfNumber turns the number of an event into its hash (splitmix64).
func hashOfNumber(n uint64) uint64 {
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
