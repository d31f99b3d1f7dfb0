// SPDX-License-Identifier: Apache-2.0

package window

import (
	"math"
	"math/bits"
)

// Needs is the set of aggregates that a window keeps.
type Needs uint16

// The aggregates. Each costs one column of eight bytes a pane, Spread two;
// Distinct and Share keep members instead.
const (
	Count    Needs = 1 << iota // number of events
	Sum                        // of values
	Spread                     // mean and sum of squared deviations
	Min                        // smallest value
	Max                        // greatest value
	First                      // time of the earliest event
	Last                       // time of the latest event
	Latest                     // value of the latest event; wants Last
	Distinct                   // number of members
	Share                      // greatest share of one member in Sum; wants Sum
)

const columnar = Distinct - 1

// Config is one window.
type Config struct {
	Length  int64 // microseconds; 0 = the whole life of the key
	Hop     int64 // microseconds; ignored if Length is 0
	Needs   Needs
	Members int // members that Distinct and Share keep; default 128
}

// DefaultMembers is how many members are kept when Config does not say.
const DefaultMembers = 128

// Table holds the windows of one kind of key: all that is known about buyers,
// or about pairs of a buyer and a seller. It has one owner at a time.
type Table struct {
	windows  []layout
	lateness int64
	mark     int64 // watermark, math.MinInt64 before the first event

	lows  []int64  // by window: the first pane that any read may still see
	index index    // key -> place in cells, in units of len(windows)
	keys  []string // by place; "" is free
	cells []cell   // place*len(windows) + window
	free  []int32
	hand  int  // the next place that Evict looks at
	life  bool // a window covers the whole life of its keys: none is ever dead
}

// layout is a Config with the place of each column in a pane.
type layout struct {
	Config
	width int // words of a pane: its number, then the columns
	at    [8]int
	// Where time stood last: at events, at the tail of reads, and of the
	// earliest read that may still come.
	head, tail, floor stretch
}

// stretch is a pane and the times that it holds, from <= t < to. Time moves
// slowly and a division by the hop is dear, so the last one is remembered.
type stretch struct{ pane, from, to int64 }

// cell is the state of one key in one window.
type cell struct {
	panes    []uint64 // width words each, by rising number
	*members          // nil unless the window wants Distinct or Share, and has events
}

// members is what a cell knows about the members of its events.
type members struct {
	set   []seen // Distinct: by rising hash
	parts []part // Share: by rising (hash, pane)
	level uint8  // Distinct: members whose hash has fewer leading zeros are not kept
}

type seen struct {
	hash uint64
	pane int64 // the latest in which the member was seen
}

type part struct {
	hash   uint64
	pane   int64
	weight float64
}

// New returns an empty table of the given windows.
func New(lateness int64, windows []Config) *Table {
	t := &Table{lateness: max(lateness, 0), mark: math.MinInt64, index: newIndex()}
	for _, c := range windows {
		if c.Members <= 0 {
			c.Members = DefaultMembers
		}
		if c.Needs&Latest != 0 {
			c.Needs |= Last
		}
		if c.Needs&Share != 0 {
			c.Needs |= Sum
		}
		if c.Length > 0 && c.Hop <= 0 {
			c.Hop = max(c.Length/30, 1)
		}
		l := layout{Config: c, width: 1}
		for b := range l.at {
			if c.Needs&columnar&(1<<b) != 0 {
				l.at[b] = l.width
				l.width++
				if Needs(1)<<b == Spread {
					l.width++
				}
			}
		}
		if c.Needs&Spread != 0 && c.Needs&Count == 0 {
			l.Needs |= Count // Spread is merged by counts
			l.at[0] = l.width
			l.width++
		}
		t.life = t.life || c.Length == 0
		t.windows = append(t.windows, l)
		t.lows = append(t.lows, t.windows[len(t.windows)-1].floorAt(t.horizon()))
	}
	return t
}

// column returns the place of one aggregate in a pane.
func (l *layout) column(n Needs) int { return l.at[bits.TrailingZeros16(uint16(n))] }

// pane is the number of the pane that holds time at.
func (l *layout) pane(last *stretch, at int64) int64 {
	if l.Length == 0 {
		return 0
	}
	if at < last.from || at >= last.to {
		q := at / l.Hop
		if at < q*l.Hop { // rounded towards zero
			q--
		}
		*last = stretch{q, q * l.Hop, q*l.Hop + l.Hop}
	}
	return last.pane
}

// low is the first pane that a read at time at sees.
func (l *layout) low(last *stretch, at int64) int64 { return l.pane(last, at-l.Length) }

func (l *layout) floorAt(horizon int64) int64 { return l.low(&l.floor, horizon) }

// Advance moves the watermark to at, if that is later. It must be called with
// the time of every event before Add, also of events that feed no window here.
func (t *Table) Advance(at int64) {
	if at <= t.mark {
		return
	}
	t.mark = at
	for w := range t.windows {
		t.lows[w] = t.windows[w].floorAt(t.horizon())
	}
}

// horizon is the earliest time that an event or a read may still have.
func (t *Table) horizon() int64 {
	if t.mark == math.MinInt64 {
		return math.MinInt64 / 4
	}
	return t.mark - t.lateness
}

// Late reports whether an event of this time comes too late to be added.
func (t *Table) Late(at int64) bool { return at < t.horizon() }

// Len returns the number of keys.
func (t *Table) Len() int { return t.index.n }

// claim finds a key or makes room for it.
func (t *Table) claim(key []byte) int32 {
	tag := t.index.tag(key)
	if p := t.index.find(t.keys, key, tag); p >= 0 {
		return p
	}
	k := string(key)
	if n := len(t.free); n > 0 {
		p := t.free[n-1]
		t.free = t.free[:n-1]
		t.keys[p] = k
		t.index.insert(tag, p)
		return p
	}
	p := int32(len(t.keys))
	t.keys = append(t.keys, k)
	for range t.windows {
		t.cells = append(t.cells, cell{})
	}
	t.index.insert(tag, p)
	return p
}

// Add puts one event into a window under a key that must not be empty. It
// returns false, and changes nothing, if the event is late.
func (t *Table) Add(key []byte, window int, at int64, value float64, member uint64) bool {
	if t.Late(at) {
		return false
	}
	t.Put(t.Hold(key), window, at, value, member)
	return true
}

// Hold is Find for a key that Put will be called with: it makes room for one
// that is new. The cursor is good until the next call of Evict.
func (t *Table) Hold(key []byte) Cursor { return Cursor{t.claim(key)} }

// Put is Add under a key that Hold gave, of an event that is not late.
func (t *Table) Put(k Cursor, window int, at int64, value float64, member uint64) {
	l := &t.windows[window]
	c := &t.cells[int(k.place)*len(t.windows)+window]
	c.expire(l, t.lows[window])
	pane := l.pane(&l.head, at)
	l.feed(c.pane(l, pane), at, value)
	if c.members == nil && l.Needs&(Distinct|Share) != 0 {
		c.members = new(members)
	}
	if l.Needs&Distinct != 0 {
		c.see(l, pane, member)
	}
	if l.Needs&Share != 0 {
		c.weigh(l, pane, member, value)
	}
}

// Evict looks at n keys, in turn, and forgets those that no read can see any
// more. It changes no later value; calling it with a small n after every event
// bounds the memory by the keys that are alive.
func (t *Table) Evict(n int) {
	if t.life {
		return
	}
	for range min(n, len(t.keys)) {
		if t.hand >= len(t.keys) {
			t.hand = 0
		}
		p := t.hand
		t.hand++
		if t.keys[p] == "" || t.alive(p) {
			continue
		}
		t.index.remove(t.index.tagString(t.keys[p]), int32(p))
		t.keys[p] = ""
		clear(t.cells[p*len(t.windows) : (p+1)*len(t.windows)])
		t.free = append(t.free, int32(p))
	}
}

// alive reports whether any window of a key has a pane that can be read.
func (t *Table) alive(p int) bool {
	for w := range t.windows {
		l, c := &t.windows[w], &t.cells[p*len(t.windows)+w]
		if n := len(c.panes); n > 0 && int64(c.panes[n-l.width]) >= t.lows[w] {
			return true
		}
	}
	return false
}
