// SPDX-License-Identifier: Apache-2.0

package window

import "math"

// Reading is what a window says about one key. Fields that the window does not
// keep, or that no event has set, are NaN; Count, Sum and Distinct are then 0.
type Reading struct {
	Count    float64
	Sum      float64
	Mean     float64 // of Spread
	Deviance float64 // of Spread: sum of squared deviations from the mean
	Min      float64
	Max      float64
	Latest   float64
	Distinct float64
	Share    float64 // 0 to 1
	First    int64   // meaningful if Seen
	Last     int64   // meaningful if Seen
	Seen     bool    // the window has an event
}

// Cursor is a key that was looked up.
type Cursor struct{ place int32 }

// Find looks a key up once, to read several windows.
func (t *Table) Find(key []byte) Cursor {
	return Cursor{t.index.find(t.keys, key, t.index.tag(key))}
}

// Warm asks for the memory that reads of the keys under these cursors will
// want, all of it at once: with very many keys, waiting for one window after
// the other is most of what reading costs. The sum means nothing; it is there
// so that the loads are made.
func (t *Table) Warm(k Cursor) (sum uint64) {
	if k.place < 0 {
		return 0
	}
	cells := t.cells[int(k.place)*len(t.windows):][:len(t.windows)]
	for i := range cells {
		if p := cells[i].panes; len(p) > 0 {
			sum += p[0] + p[len(p)-1]
		}
	}
	return sum
}

// Read reads one window at time at. It changes nothing.
func (t *Table) Read(k Cursor, window int, at int64, r *Reading) {
	nan := math.NaN()
	*r = Reading{Mean: nan, Deviance: nan, Min: nan, Max: nan, Latest: nan, Share: nan}
	if k.place < 0 {
		return
	}
	l := &t.windows[window]
	c := &t.cells[int(k.place)*len(t.windows)+window]
	low := l.low(&l.tail, max(at, t.horizon()))
	i := 0
	for i < len(c.panes) && int64(c.panes[i]) < low {
		i += l.width
	}
	if i == len(c.panes) {
		return
	}
	r.Seen = true
	l.merge(c.panes[i:], r)
	if l.Needs&Distinct != 0 {
		n := 0
		for j := range c.set {
			if c.set[j].pane >= low {
				n++
			}
		}
		r.Distinct = math.Ldexp(float64(n), int(c.level))
	}
	if l.Needs&Share != 0 && r.Sum > 0 {
		r.Share = c.greatest(low) / r.Sum
	}
}

// merge adds the panes up, one aggregate after the other, the oldest pane
// first: the order is part of the result.
func (l *layout) merge(panes []uint64, r *Reading) {
	w := l.width
	if l.Needs&Count != 0 {
		for i := l.column(Count); i < len(panes); i += w {
			r.Count += float64(panes[i])
		}
	}
	if l.Needs&Sum != 0 {
		for i := l.column(Sum); i < len(panes); i += w {
			r.Sum += getF(panes[i])
		}
	}
	if l.Needs&Spread != 0 {
		l.spread(panes, r)
	}
	if l.Needs&Min != 0 {
		r.Min = math.Inf(1)
		for i := l.column(Min); i < len(panes); i += w {
			r.Min = min(r.Min, getF(panes[i]))
		}
	}
	if l.Needs&Max != 0 {
		r.Max = math.Inf(-1)
		for i := l.column(Max); i < len(panes); i += w {
			r.Max = max(r.Max, getF(panes[i]))
		}
	}
	// Panes follow each other in time: the first holds the earliest event, the
	// last the latest.
	if l.Needs&First != 0 {
		r.First = int64(panes[l.column(First)])
	}
	if l.Needs&Last != 0 {
		last := panes[len(panes)-w:]
		r.Last = int64(last[l.column(Last)])
		if l.Needs&Latest != 0 {
			r.Latest = getF(last[l.column(Latest)])
		}
	}
}

// spread merges means and squared deviations (Chan, Golub, LeVeque 1979).
func (l *layout) spread(panes []uint64, r *Reading) {
	var n, mean, m2 float64
	count, at := l.column(Count), l.column(Spread)
	for p := panes; len(p) > 0; p = p[l.width:] {
		nb := float64(p[count])
		all := n + nb
		d, share := getF(p[at])-mean, nb/all
		m2 += getF(p[at+1]) + float64(float64(float64(d*d)*n)*share)
		mean += float64(d * share)
		n = all
	}
	r.Mean, r.Deviance = mean, m2
}

// greatest is the greatest sum of one member from pane low on.
func (c *members) greatest(low int64) float64 {
	best := 0.0
	for a := 0; a < len(c.parts); {
		b, sum := a, 0.0
		for ; b < len(c.parts) && c.parts[b].hash == c.parts[a].hash; b++ {
			if c.parts[b].pane >= low {
				sum += c.parts[b].weight
			}
		}
		best = max(best, sum)
		a = b
	}
	return best
}

// Hash is the hash by which members are told apart: FNV-1a of 64 bits, with
// the finaliser of MurmurHash3 so that its leading bits are even. It is part of
// the meaning of distinct counts and never changes.
func Hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h ^= uint64(s[i])
		h *= 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h
}
