// SPDX-License-Identifier: Apache-2.0

package window

import (
	"math"
	"slices"

	"github.com/assayrisk/assay/internal/bitmath"
)

func toFloat(w uint64) float64 { return math.Float64frombits(w) }
func toWord(x float64) uint64  { return math.Float64bits(x) }

// cell is the state of one key in one window.
type cell struct {
	panes        []uint64 // width words each, by rising number
	*memberLists          // nil unless the window keeps more than panes, and has events
}

// memberLists are the lists that a cell keeps in addition to its panes.
type memberLists struct {
	seenMembers []seenMember // Distinct: by rising hash
	sums        sums         // Share
	extraLists  *rareLists   // lists that few cells have
}

// rareLists are lists that only some kinds of window, or very busy cells, need.
type rareLists struct {
	cuts          []recency // Distinct, by level
	counts        sums      // Tally: events by member
	sample        []sampledValue
	sampleCuts    []recency
	eventsSampled uint64
	recent        []Recent // by rising (time, arrival)
}

func (c *memberLists) ensureExtra() *rareLists {
	if c.extraLists == nil {
		c.extraLists = new(rareLists)
	}
	return c.extraLists
}

// Recent is one of the latest events of a key.
type Recent struct {
	At    int64
	Value float64
	pane  int64
}

// expire drops what lies before pane low. Dropping now or later must leave the same state, however often expire is
// called.
func (c *cell) expire(l *layout, low int64) {
	n := 0
	for n < len(c.panes) && int64(c.panes[n]) < low {
		n += l.width
	}
	if n > 0 {
		c.panes = c.panes[:copy(c.panes, c.panes[n:])]
	}
	if c.memberLists == nil || n == 0 {
		return
	}
	if len(c.panes) == 0 { // as if the key were new: it may have been evicted
		c.memberLists = nil
		return
	}
	old := func(p paneWeight) bool { return p.pane < low }
	c.seenMembers = slices.DeleteFunc(c.seenMembers, func(s seenMember) bool { return s.pane < low })
	c.sums = slices.DeleteFunc(c.sums, old)
	if m := c.extraLists; m != nil {
		m.counts = slices.DeleteFunc(m.counts, old)
		m.sample = slices.DeleteFunc(m.sample, func(s sampledValue) bool { return s.pane < low })
		m.recent = slices.DeleteFunc(m.recent, func(r Recent) bool { return r.pane < low })
	}
}

// pane returns the words of one pane, and makes the pane if there is none.
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
		p[l.column(Min)] = toWord(math.Inf(1))
	}
	if l.Needs&Max != 0 {
		p[l.column(Max)] = toWord(math.Inf(-1))
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
func (l *layout) feed(p []uint64, at int64, x float64, member uint64) {
	if l.Needs&Count != 0 {
		p[l.column(Count)]++
	}
	if l.Needs&Sum != 0 {
		i := l.column(Sum)
		p[i] = toWord(toFloat(p[i]) + x)
	}
	if l.Needs&Spread != 0 { // Welford, Technometrics 4 (1962)
		i, n := l.column(Spread), float64(p[l.column(Count)])
		mean, m2 := toFloat(p[i]), toFloat(p[i+1])
		d := x - mean
		mean += d / n
		p[i], p[i+1] = toWord(mean), toWord(m2+float64(d*(x-mean)))
	}
	if l.Needs&Min != 0 {
		if i := l.column(Min); x < toFloat(p[i]) {
			p[i] = toWord(x)
		}
	}
	if l.Needs&Max != 0 {
		if i := l.column(Max); x > toFloat(p[i]) {
			p[i] = toWord(x)
		}
	}
	if l.Needs&First != 0 {
		if i := l.column(First); at < int64(p[i]) {
			p[i] = uint64(at)
			if l.Needs&rare != 0 {
				l.setColumn(p, Earliest, toWord(x))
				l.setColumn(p, EarliestMember, member)
			}
		}
	}
	if l.Needs&Last != 0 {
		if i := l.column(Last); at >= int64(p[i]) {
			p[i] = uint64(at)
			if l.Needs&Latest != 0 {
				p[l.column(Latest)] = toWord(x)
			}
			if l.Needs&rare != 0 {
				l.setColumn(p, LatestMember, member)
			}
		}
	}
	if l.Needs&(Trend|Decay) != 0 {
		l.feedTimed(p, at, x)
	}
}

// setColumn sets a column if the window has it.
func (l *layout) setColumn(p []uint64, n Needs, word uint64) {
	if l.Needs&n != 0 {
		p[l.column(n)] = word
	}
}

const dayMicros = 86_400e6

// feedTimed adds one event to the columns that weigh values by their times.
func (l *layout) feedTimed(p []uint64, at int64, x float64) {
	if l.Needs&Trend != 0 { // Welford's way, for two variables; days since the pane's first event
		c, n := p[l.column(Trend):][:trendWords], float64(p[l.column(Count)])
		if n == 1 {
			c[0] = uint64(at)
		}
		t := float64(at-int64(c[0])) / dayMicros
		dt, dv := t-toFloat(c[1]), x-toFloat(c[2])
		mt, mv := toFloat(c[1])+dt/n, toFloat(c[2])+dv/n
		c[1], c[2] = toWord(mt), toWord(mv)
		c[3] = toWord(toFloat(c[3]) + float64(dt*(t-mt)))
		c[4] = toWord(toFloat(c[4]) + float64(dt*(x-mv)))
	}
	if l.Needs&Decay != 0 { // sums as of the pane's latest time
		c, w := p[l.column(Decay):][:decayWords], 1.0
		switch ref := int64(c[0]); {
		case toFloat(c[1]) == 0: // no event yet
			c[0] = uint64(at)
		case at > ref:
			f := l.decay(at - ref)
			c[0], c[1], c[2] = uint64(at), toWord(float64(toFloat(c[1])*f)), toWord(float64(toFloat(c[2])*f))
		default:
			w = l.decay(ref - at)
		}
		c[1], c[2] = toWord(toFloat(c[1])+w), toWord(toFloat(c[2])+float64(w*x))
	}
}

// decay is the share of a weight that remains after some time: one half after HalfLife.
func (l *layout) decay(micros int64) float64 {
	return bitmath.Exp(-math.Ln2 * float64(micros) / float64(l.HalfLife))
}

// addRecent adds an event to the latest events, of which Config.Recent are kept.
func (c *memberLists) addRecent(l *layout, r Recent) {
	m := c.ensureExtra()
	i := len(m.recent)
	for i > 0 && m.recent[i-1].At > r.At {
		i--
	}
	if len(m.recent) == l.Recent {
		if i == 0 {
			return
		}
		copy(m.recent, m.recent[1:i])
		m.recent[i-1] = r
		return
	}
	m.recent = slices.Insert(m.recent, i, r)
}
