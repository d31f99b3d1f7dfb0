// SPDX-License-Identifier: Apache-2.0

package window

import "math"

// Reading holds the aggregates of one key in one window. Without events, Count, Sum and
// Distinct are 0 and other fields NaN. Fields of aggregates that the window does not keep
// are meaningless.
type Reading struct {
	Count    float64
	Sum      float64
	Mean     float64 // of Spread
	Deviance float64 // of Spread: sum of squared deviations from the mean
	Min      float64
	Max      float64
	Latest   float64
	Distinct float64
	Share    float64 // greatest sum of a member over Sum; above 1 if others are negative
	First    int64   // meaningful if Seen
	Last     int64   // meaningful if Seen
	Seen     bool    // the window has an event

	Rare
}

// Rare holds the aggregates that few windows keep. They are separate so that a reading without them is cheap to clear:
// every window is read for every event that is scored.
type Rare struct {
	Earliest    float64
	Slope       float64     // of Trend: change of the value a day, by least squares
	Decayed     float64     // of Decay: sum of weights at the time of the read
	DecaySum    float64     // of Decay: weighted sum of values
	DecayAvg    float64     // of Decay: weighted mean
	FirstMember uint64      // meaningful if Seen; 0 if that member was erased
	LastMember  uint64      // meaningful if Seen; 0 if that member was erased
	Sums        []MemberSum // of Sums: by rising hash
	Counts      []MemberSum // of Tally: by rising hash
	Values      []float64   // of Sample: rising; all of them if there are no more than Config.Samples
	Recent      []Recent    // the latest events, the latest one last; not to be changed
}

// rare is the set of aggregates that Rare holds.
const rare = Earliest | EarliestMember | LatestMember | Trend | Decay | Sums | Tally | Sample | Recents

// clear makes a reading without events, except for Rare.
func (r *Reading) clear() {
	nan := math.NaN()
	r.Count, r.Sum, r.Distinct, r.First, r.Last, r.Seen = 0, 0, 0, 0, 0, false
	r.Mean, r.Deviance, r.Min, r.Max, r.Latest, r.Share = nan, nan, nan, nan, nan, nan
}

// clear makes a reading without events. Lists keep their capacity.
func (r *Rare) clear() {
	nan := math.NaN()
	*r = Rare{Earliest: nan, Slope: nan, DecayAvg: nan, Sums: r.Sums[:0], Counts: r.Counts[:0], Values: r.Values[:0]}
}

// Cursor is a key that was looked up.
type Cursor struct{ place int32 }

// Find looks a key up once, to read several windows.
func (t *Table) Find(key []byte) Cursor {
	p := t.index.find(t.keys, key, t.index.tag(key))
	if p >= 0 && t.erasures.last != 0 {
		t.settle(p)
	}
	return Cursor{p}
}

// Found reports whether the table has the key.
func (k Cursor) Found() bool { return k.place >= 0 }

// Prefetch loads the panes of all windows of a key at once, before they are read: with very
// many keys, waiting for the memory of one window after the other is most of the cost of
// reading. The sum is meaningless; it keeps the compiler from leaving the loads out.
func (t *Table) Prefetch(k Cursor) (sum uint64) {
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
	l := &t.windows[window]
	r.clear()
	if l.Needs&rare != 0 {
		r.Rare.clear()
	}
	if k.place < 0 {
		return
	}
	c := &t.cells[int(k.place)*len(t.windows)+window]
	at = max(at, t.horizon())
	low, high := l.pane(&l.tail, at-l.reach)-l.panesBefore, int64(math.MaxInt64)
	if l.Offset != 0 {
		high = l.high(at)
	}
	i, n := 0, len(c.panes)
	for i < n && int64(c.panes[i]) < low {
		i += l.width
	}
	for high != math.MaxInt64 && n > i && int64(c.panes[n-l.width]) > high {
		n -= l.width
	}
	if i == n {
		return
	}
	r.Seen = true
	l.merge(c.panes[i:n], r)
	if l.Needs&(lists|rare) == 0 {
		return
	}
	if l.Needs&Distinct != 0 {
		n, level := c.distinct(low)
		r.Distinct = math.Ldexp(float64(n), level)
	}
	if l.Needs&Share != 0 && r.Sum > 0 {
		r.Share = c.sums.greatest(low, high) / r.Sum
	}
	if l.Needs&rare == 0 {
		return
	}
	l.mergeRare(c.panes[i:n], at, r)
	if l.Needs&lists != 0 {
		c.list(l, low, high, r)
	}
}

// list copies the lists of a window into a reading.
func (c *memberLists) list(l *layout, low, high int64, r *Reading) {
	if l.Needs&Sums != 0 {
		r.Sums = c.sums.list(r.Sums, low, high)
	}
	m := c.extraLists
	if m == nil {
		return
	}
	r.Counts = m.counts.list(r.Counts, low, high)
	r.Values = m.values(r.Values, low, high)
	r.Recent = m.recent
	for len(r.Recent) > 0 && r.Recent[0].pane < low { // by time, and so by pane
		r.Recent = r.Recent[1:]
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
			r.Sum += toFloat(panes[i])
		}
	}
	if l.Needs&Spread != 0 {
		l.spread(panes, r)
	}
	if l.Needs&Min != 0 {
		r.Min = math.Inf(1)
		for i := l.column(Min); i < len(panes); i += w {
			r.Min = min(r.Min, toFloat(panes[i]))
		}
	}
	if l.Needs&Max != 0 {
		r.Max = math.Inf(-1)
		for i := l.column(Max); i < len(panes); i += w {
			r.Max = max(r.Max, toFloat(panes[i]))
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
			r.Latest = toFloat(last[l.column(Latest)])
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
		d, share := toFloat(p[at])-mean, nb/all
		m2 += toFloat(p[at+1]) + float64(float64(float64(d*d)*n)*share)
		mean += float64(d * share)
		n = all
	}
	r.Mean, r.Deviance = mean, m2
}

// mergeRare merges the columns of Rare.
func (l *layout) mergeRare(panes []uint64, at int64, r *Reading) {
	if l.Needs&Earliest != 0 {
		r.Earliest = toFloat(panes[l.column(Earliest)])
	}
	if l.Needs&EarliestMember != 0 {
		r.FirstMember = panes[l.column(EarliestMember)]
	}
	if l.Needs&LatestMember != 0 {
		r.LastMember = panes[len(panes)-l.width+l.column(LatestMember)]
	}
	if l.Needs&Trend != 0 {
		var n, mt, mv, tt, tv float64
		i, origin := l.column(Trend), int64(panes[l.column(Trend)])
		for p := panes; len(p) > 0; p = p[l.width:] {
			c, nb := p[i:][:trendWords], float64(p[l.column(Count)])
			all := n + nb
			t := toFloat(c[1]) + float64(int64(c[0])-origin)/dayMicros
			dt, dv, share := t-mt, toFloat(c[2])-mv, nb/all
			tt += toFloat(c[3]) + float64(float64(float64(dt*dt)*n)*share)
			tv += toFloat(c[4]) + float64(float64(float64(dt*dv)*n)*share)
			mt += float64(dt * share)
			mv += float64(dv * share)
			n = all
		}
		r.Slope = tv / tt // NaN where all events are of one time
		if tt == 0 {
			r.Slope = math.NaN()
		}
	}
	if l.Needs&Decay != 0 {
		i, last := l.column(Decay), panes[len(panes)-l.width:]
		latest := int64(last[i])
		var w, s float64 // as of the latest event
		for p := panes; len(p) > 0; p = p[l.width:] {
			c := p[i:][:decayWords]
			f := l.decay(latest - int64(c[0]))
			w += float64(f * toFloat(c[1]))
			s += float64(f * toFloat(c[2]))
		}
		f := l.decay(max(at-latest, 0))
		r.Decayed, r.DecaySum, r.DecayAvg = w*f, s*f, s/w
	}
}

// Hash is the hash that identifies members: FNV-1a of 64 bits, with
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
