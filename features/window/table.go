// SPDX-License-Identifier: Apache-2.0

package window

import (
	"math"
	"math/bits"
)

// Needs is the set of aggregates that a window keeps.
type Needs uint32

// The aggregates. Those up to Latest and from Earliest on are columns of panes,
// of eight bytes each unless noted; the others keep lists.
const (
	Count          Needs = 1 << iota // number of events
	Sum                              // of values
	Spread                           // mean and sum of squared deviations: two columns
	Min                              // smallest value
	Max                              // greatest value
	First                            // time of the earliest event
	Last                             // time of the latest event
	Latest                           // value of the latest event; implies Last
	Distinct                         // number of members
	Share                            // greatest share of one member in Sum; implies Sum
	Earliest                         // value of the earliest event; implies First
	LatestMember                     // member of the latest event; implies Last
	EarliestMember                   // member of the earliest event; implies First
	Trend                            // of values over time: five columns; implies Count
	Decay                            // sums that halve with time: three columns
	Sums                             // sum of values of each member; implies Share
	Tally                            // number of events of each member
	Sample                           // of values
	Recents                          // the latest events
	endOfNeeds
)

const (
	lists      = Distinct | Share | Sums | Tally | Sample | Recents
	columnar   = (endOfNeeds - 1) &^ lists
	trendWords = 5 // time of the first event fed, mean time, mean value, squared deviations of time, co-deviations
	decayWords = 3 // the latest time, sum of weights, weighted sum
)

// columnWords is the number of words of a column.
func (n Needs) columnWords() int {
	switch n {
	case Spread:
		return 2
	case Trend:
		return trendWords
	case Decay:
		return decayWords
	}
	return 1
}

// Config is one window.
type Config struct {
	Length   int64 // microseconds, or panes of the Calendar; 0 = the whole life of the key
	Hop      int64 // microseconds; ignored if Length is 0
	Offset   int64 // how long ago the window ends; in units of Length. 0 = now
	Calendar Calendar
	Needs    Needs
	Members  int   // members that Distinct, Share and Tally keep; default 128
	Samples  int   // values that Sample keeps; default 256
	Recent   int   // events that Recents keeps; default 1
	HalfLife int64 // of Decay, microseconds; default 30 days
	// the role whose parties are the members; "" if members are no parties, and stay when one is erased
	MemberRole string
}

// Calendar divides time into numbered panes, in place of hops: the months of a
// time zone, say. It returns the number of the pane that holds a time, and the
// times that the pane holds: from <= t < to.
type Calendar interface {
	Pane(at int64) (number, from, to int64)
}

// Defaults of Config.
const (
	DefaultMembers  = 128
	DefaultSamples  = 256
	DefaultHalfLife = 30 * 86_400_000_000
)

func (c Config) withDefaults() Config {
	if c.Members <= 0 {
		c.Members = DefaultMembers
	}
	if c.Samples <= 0 {
		c.Samples = DefaultSamples
	}
	if c.HalfLife <= 0 {
		c.HalfLife = DefaultHalfLife
	}
	c.Recent = max(c.Recent, 1)
	if c.Needs&(Latest|LatestMember) != 0 {
		c.Needs |= Last
	}
	if c.Needs&(Earliest|EarliestMember) != 0 {
		c.Needs |= First
	}
	if c.Needs&Sums != 0 {
		c.Needs |= Share
	}
	if c.Needs&Share != 0 {
		c.Needs |= Sum
	}
	if c.Needs&Trend != 0 {
		c.Needs |= Count
	}
	if c.Length > 0 && c.Hop <= 0 {
		c.Hop = max(c.Length/30, 1)
	}
	return c
}

// Table holds the windows of one kind of key, such as buyers, or pairs of a buyer
// and a seller. It has one owner at a time.
type Table struct {
	windows   []layout
	lateness  int64
	watermark int64 // watermark, math.MinInt64 before the first event

	lowestPanes       []int64    // by window: the first pane that any read may still see
	index             index      // key -> place in cells, in units of len(windows)
	keys              []keyState // by place
	cells             []cell     // place*len(windows) + window
	free              []int32
	evictor           evictor
	partyParts        []bool
	erasures          erasures
	round             uint32   // of snapshots: rises when one begins
	capture           *capture // the snapshot that is being taken, nil if none is
	rewrite           bool     // the next snapshot is to hold all keys
	hasLifetimeWindow bool     // a window covers the whole life of its keys: none is ever dead
}

// keyState is a key and how current its state is.
type keyState struct {
	name    string // "" is free
	cleaned uint32 // the number of the last erasure that it is cleaned of
	changed uint32 // the round of snapshots in which it last changed, 0 if the latest snapshot holds it as it is
}

// layout is a Config with the place of each column in a pane.
type layout struct {
	Config
	width int // words of a pane: its number, then the columns
	// The first pane that a read sees is that of `back` before its time, less `behind` panes.
	reach, panesBefore int64
	columns            [19]uint8
	// The panes that were asked for last: of events, of the tail and of the end of reads, and of the earliest read
	// that may still come.
	head, tail, end, floor paneSpan
	expiries               map[int64]int64 // of a Calendar: deadFrom by pane
}

// paneSpan is a pane and the times that it holds, from <= t < from + span. Time
// moves slowly and a division by the hop is slow, so the last result is kept.
type paneSpan struct {
	pane, from int64
	span       uint64
}

// New returns an empty table of the given windows.
func New(lateness int64, windows []Config) *Table {
	t := &Table{lateness: max(lateness, 0), watermark: math.MinInt64, index: newIndex(), round: 1,
		erasures: erasures{needed: math.MaxUint32}}
	for _, c := range windows {
		c = c.withDefaults()
		l := layout{Config: c, width: 1, reach: c.Length + c.Offset}
		if c.Calendar != nil {
			l.reach, l.panesBefore = 0, c.Offset+c.Length-1
		}
		for b := range l.columns {
			if n := Needs(1) << b; c.Needs&columnar&n != 0 {
				l.columns[b] = uint8(l.width)
				l.width += n.columnWords()
			}
		}
		if c.Needs&Spread != 0 && c.Needs&Count == 0 {
			l.Needs |= Count // Spread is merged by counts
			l.columns[0] = uint8(l.width)
			l.width++
		}
		t.hasLifetimeWindow = t.hasLifetimeWindow || c.Length == 0
		t.windows = append(t.windows, l)
	}
	t.lowestPanes = make([]int64, len(t.windows))
	t.updateLowestPanes()
	return t
}

// column returns the place of one aggregate in a pane.
func (l *layout) column(n Needs) int { return int(l.columns[bits.TrailingZeros32(uint32(n))]) }

// pane is the number of the pane that holds time at. It is small enough to be
// inlined, because every read and every event of every window needs it.
func (l *layout) pane(last *paneSpan, at int64) int64 {
	if uint64(at-last.from) >= last.span {
		l.move(last, at)
	}
	return last.pane
}

// move sets a paneSpan to the pane that holds time at.
func (l *layout) move(s *paneSpan, at int64) {
	switch {
	case l.Length == 0:
		*s = paneSpan{0, math.MinInt64, math.MaxUint64}
	case l.Calendar != nil:
		number, from, to := l.Calendar.Pane(at)
		*s = paneSpan{number, from, uint64(to - from)}
	default:
		q := at / l.Hop
		if at < q*l.Hop { // rounded towards zero
			q--
		}
		*s = paneSpan{q, q * l.Hop, uint64(l.Hop)}
	}
}

// high is the last pane that a read at time at sees. A window without an offset has no
// upper end: it includes events that are dated later than the one that reads.
func (l *layout) high(at int64) int64 {
	switch {
	case l.Offset == 0:
		return math.MaxInt64
	case l.Calendar != nil:
		return l.pane(&l.end, at) - l.Offset
	}
	return l.pane(&l.end, at-l.Offset) - 1
}

// Advance moves the watermark to at, if that is later. It must be called with
// the time of every event before Add, also of events that feed no window here.
func (t *Table) Advance(at int64) {
	if at <= t.watermark {
		return
	}
	t.watermark = at
	t.updateLowestPanes()
}

// updateLowestPanes computes the first pane of each window that reads may still see.
func (t *Table) updateLowestPanes() {
	horizon := t.horizon()
	for w := range t.windows {
		l := &t.windows[w]
		t.lowestPanes[w] = l.pane(&l.floor, horizon-l.reach) - l.panesBefore
	}
}

// horizon is the earliest time that an event or a read may still have.
func (t *Table) horizon() int64 {
	if t.watermark == math.MinInt64 {
		return math.MinInt64 / 4
	}
	return t.watermark - t.lateness
}

// Late reports whether an event of this time comes too late to be added.
func (t *Table) Late(at int64) bool { return at < t.horizon() }

// Len returns the number of keys.
func (t *Table) Len() int { return t.index.n }

// findOrAdd finds a key that is about to change, or gives it a place.
func (t *Table) findOrAdd(key []byte) int32 {
	tag := t.index.tag(key)
	p := t.index.find(t.keys, key, tag)
	if p < 0 {
		return t.addKey(string(key), tag)
	}
	if k := &t.keys[p]; k.cleaned != t.erasures.last || k.changed != t.round {
		t.prepareChange(p)
	}
	return p
}

// addKey gives a new key a place.
func (t *Table) addKey(name string, tag uint32) int32 {
	state := keyState{name, t.erasures.last, t.round}
	if n := len(t.free); n > 0 {
		p := t.free[n-1]
		t.free = t.free[:n-1]
		t.keys[p] = state
		t.index.insert(tag, p)
		return p
	}
	p := int32(len(t.keys))
	t.keys = append(t.keys, state)
	for range t.windows {
		t.cells = append(t.cells, cell{})
	}
	t.index.insert(tag, p)
	return p
}

// cellsAt are the cells of the key at a place, by window.
func (t *Table) cellsAt(place int32) []cell {
	return t.cells[int(place)*len(t.windows):][:len(t.windows)]
}

// Add puts one event into a window under a key that must not be empty. It
// returns false, and changes nothing, if the event is late.
func (t *Table) Add(key []byte, window int, at int64, value float64, member uint64) bool {
	if t.Late(at) {
		return false
	}
	t.Put(t.FindOrAdd(key), window, at, value, member)
	return true
}

// FindOrAdd is Find for a key that Put will be called with: it gives a new key a
// place. The cursor is valid until the next call of Evict.
func (t *Table) FindOrAdd(key []byte) Cursor { return Cursor{t.findOrAdd(key)} }

// Put is Add for a cursor of FindOrAdd and an event that is not late.
func (t *Table) Put(k Cursor, window int, at int64, value float64, member uint64) {
	l := &t.windows[window]
	c := &t.cells[int(k.place)*len(t.windows)+window]
	if len(c.panes) == 0 || int64(c.panes[0]) < t.lowestPanes[window] {
		t.expire(k.place, window)
	}
	pane := l.pane(&l.head, at)
	l.feed(c.pane(l, pane), at, value, member)
	if l.Needs&lists == 0 {
		return
	}
	if c.memberLists == nil {
		c.memberLists = new(memberLists)
	}
	if l.Needs&Distinct != 0 {
		c.addMember(l, pane, member)
	}
	if l.Needs&Share != 0 {
		c.sums = c.sums.add(l.Members, pane, member, value)
	}
	if l.Needs&Tally != 0 {
		m := c.ensureExtra()
		m.counts = m.counts.add(l.Members, pane, member, 1)
	}
	if l.Needs&Sample != 0 {
		c.addSample(l, pane, value)
	}
	if l.Needs&Recents != 0 {
		c.addRecent(l, Recent{at, value, pane})
	}
}
