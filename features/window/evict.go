// SPDX-License-Identifier: Apache-2.0

package window

import "math"

// evictor is where Evict is in its rounds over all keys.
type evictor struct {
	next  int    // the next place to look at
	began uint32 // the number that the last erasure had when the round began
	swept uint32 // all keys are cleaned of the erasures up to this one
}

// Evict examines the next n keys and removes those that no read can see any
// more, after it has cleaned them of what Forget was told. It changes no later
// value; calling it with a small n after every event bounds the memory by the keys
// that are alive.
func (t *Table) Evict(n int) {
	if t.hasLifetimeWindow && t.Forgotten() {
		return
	}
	e := &t.evictor
	if len(t.keys) == 0 { // all keys are in storage: there is nothing to clean
		e.next, e.swept, e.began = 0, t.erasures.last, t.erasures.last
		t.erasures.drop(min(e.swept, t.erasures.needed))
	}
	for range min(n, len(t.keys)) {
		if e.next >= len(t.keys) {
			e.next, e.swept, e.began = 0, e.began, t.erasures.last
			t.erasures.drop(min(e.swept, t.erasures.needed))
		}
		p := int32(e.next)
		e.next++
		if t.keys[p].name == "" {
			continue
		}
		if t.settle(p); t.alive(int(p)) {
			continue
		}
		t.captureFirst(p)
		t.index.remove(t.index.tagString(t.keys[p].name), p)
		t.keys[p] = keyState{}
		clear(t.cellsAt(p))
		t.free = append(t.free, p)
	}
}

// Forgotten reports whether all keys in memory are cleaned of what Forget was told.
func (t *Table) Forgotten() bool { return t.evictor.swept == t.erasures.last }

// alive reports whether any window of a key has a pane that can be read.
func (t *Table) alive(p int) bool {
	for w := range t.windows {
		l, c := &t.windows[w], &t.cells[p*len(t.windows)+w]
		if n := len(c.panes); n > 0 && int64(c.panes[n-l.width]) >= t.lowestPanes[w] {
			return true
		}
	}
	return false
}

// expire drops what no read can see any more from a window of a key that is about to be fed. A key that is dead is
// then as if it were new: it may have been evicted.
func (t *Table) expire(place int32, window int) {
	cells := t.cellsAt(place)
	c := &cells[window]
	if len(c.panes) > 0 {
		c.expire(&t.windows[window], t.lowestPanes[window])
	}
	if len(c.panes) == 0 && !t.alive(int(place)) {
		clear(cells)
	}
}

// deadFrom is the horizon from which no read can see the key at a place any more.
func (t *Table) deadFrom(place int32) int64 {
	from := int64(math.MinInt64)
	for w, c := range t.cellsAt(place) {
		if l := &t.windows[w]; len(c.panes) > 0 {
			from = max(from, l.deadFrom(int64(c.panes[len(c.panes)-l.width])))
		}
	}
	return from
}

// deadFrom is the first horizon whose lowest pane is after a pane.
func (l *layout) deadFrom(pane int64) int64 {
	switch {
	case l.Length == 0:
		return math.MaxInt64
	case l.Calendar == nil:
		return (pane+1)*l.Hop + l.reach
	}
	from, ok := l.expiries[pane]
	if !ok {
		from = l.calendarStart(pane + l.panesBefore + 1)
		if l.expiries == nil || len(l.expiries) >= maxExpiries {
			l.expiries = map[int64]int64{}
		}
		l.expiries[pane] = from
	}
	return from
}

// maxExpiries bounds the panes of a calendar whose ends are remembered: seventy years of days.
const maxExpiries = 1 << 15

// calendarStart is the first time of the calendar's pane of a number, found by bisection.
func (l *layout) calendarStart(number int64) int64 {
	low, high := int64(-maxWatermark), int64(maxWatermark)
	for low < high {
		mid := low + (high-low)/2
		n, from, to := l.Calendar.Pane(mid)
		switch {
		case n < number:
			low = max(to, mid+1)
		case n == number:
			return from
		default:
			high = min(from, mid)
		}
	}
	return low
}
