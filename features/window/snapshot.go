// SPDX-License-Identifier: Apache-2.0

package window

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay"
)

// errDamaged is wrapped by every error of Restore.
var errDamaged = errors.New("the snapshot of a window table is damaged")

// Snapshot appends the table's state. Equal states give equal bytes: keys are
// sorted, and what no read can see any more is left out.
//
//	watermark  int64
//	keys       uint32
//	each key   uint16 length, bytes, then for each window:
//	  panes    uint32, then width words of 8 bytes each
//
// and, of a window that keeps lists, each list that it needs:
//
//	Distinct  members (hash, pane), cuts (hash, pane)
//	Share     sums (hash, pane, weight)
//	Tally     counts (hash, pane, weight)
//	Sample    events fed uint64, values (hash, pane, value), cuts (hash, pane)
//	Recents   events (time, value, pane)
//
// A list is a uint32 and its items, of 8 bytes a word. All numbers are
// little-endian.
func (t *Table) Snapshot(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(t.watermark))
	count := len(b)
	b = le.AppendUint32(b, 0)
	var n uint32
	order := make([]int, 0, len(t.keys))
	for p, k := range t.keys {
		if k.name == "" {
			continue
		}
		if t.settle(int32(p)); t.alive(p) {
			order = append(order, p)
		}
	}
	slices.SortFunc(order, func(x, y int) int {
		if t.keys[x].name < t.keys[y].name {
			return -1
		}
		return 1
	})
	for _, p := range order {
		n++
		b = le.AppendUint16(b, uint16(len(t.keys[p].name)))
		b = append(b, t.keys[p].name...)
		for w := range t.windows {
			b = t.windows[w].appendCell(b, &t.cells[p*len(t.windows)+w], t.lowestPanes[w])
		}
	}
	le.PutUint32(b[count:], n)
	return b
}

func (l *layout) appendCell(b []byte, c *cell, low int64) []byte {
	le := binary.LittleEndian
	live := c.panes
	for len(live) > 0 && int64(live[0]) < low {
		live = live[l.width:]
	}
	b = le.AppendUint32(slices.Grow(b, 4+8*len(live)), uint32(len(live)/l.width))
	for _, w := range live {
		b = le.AppendUint64(b, w)
	}
	if l.Needs&lists == 0 {
		return b
	}
	m := c.memberLists
	if m == nil || len(live) == 0 {
		m = new(memberLists)
	}
	x := m.extraLists
	if x == nil {
		x = new(rareLists)
	}
	if l.Needs&Distinct != 0 {
		b = appendMembers(b, m.seenMembers, low)
		b = appendCuts(b, x.cuts, low)
	}
	if l.Needs&Share != 0 {
		b = appendWeights(b, m.sums, low)
	}
	if l.Needs&Tally != 0 {
		b = appendWeights(b, x.counts, low)
	}
	if l.Needs&Sample != 0 {
		b = le.AppendUint64(b, x.eventsSampled)
		b = appendList(b, x.sample, low, (*sampledValue).words, 3)
		b = appendCuts(b, x.sampleCuts, low)
	}
	if l.Needs&Recents != 0 {
		b = appendList(b, x.recent, low, func(r *Recent) (int64, [3]uint64) {
			return r.pane, [3]uint64{uint64(r.At), toWord(r.Value), uint64(r.pane)}
		}, 3)
	}
	return b
}

func (m *recency) words() (pane int64, w [3]uint64) {
	return m.pane, [3]uint64{m.hash, uint64(m.pane)}
}

func (s *sampledValue) words() (pane int64, w [3]uint64) {
	return s.pane, [3]uint64{s.hash, uint64(s.pane), toWord(s.value)}
}

// appendMembers is appendList for the longest lists, as appendWeights is.
func appendMembers(b []byte, items []seenMember, low int64) []byte {
	le := binary.LittleEndian
	b = slices.Grow(b, 4+16*len(items))
	at, count := len(b), uint32(0)
	b = le.AppendUint32(b, 0)
	for i := range items {
		if s := &items[i]; s.pane >= low {
			count++
			b = le.AppendUint64(le.AppendUint64(b, s.hash), uint64(s.pane))
		}
	}
	le.PutUint32(b[at:], count)
	return b
}

func appendWeights(b []byte, items sums, low int64) []byte {
	le := binary.LittleEndian
	b = slices.Grow(b, 4+24*len(items))
	at, count := len(b), uint32(0)
	b = le.AppendUint32(b, 0)
	for i := range items {
		if s := &items[i]; s.pane >= low {
			count++
			b = le.AppendUint64(le.AppendUint64(le.AppendUint64(b, s.hash), uint64(s.pane)), toWord(s.weight))
		}
	}
	le.PutUint32(b[at:], count)
	return b
}

// appendList writes the items from pane low on, n words each.
func appendList[T any](b []byte, items []T, low int64, words func(*T) (pane int64, w [3]uint64), n int) []byte {
	le := binary.LittleEndian
	at, count := len(b), uint32(0)
	b = le.AppendUint32(b, 0)
	for i := range items {
		pane, w := words(&items[i])
		if pane < low {
			continue
		}
		count++
		for _, x := range w[:n] {
			b = le.AppendUint64(b, x)
		}
	}
	le.PutUint32(b[at:], count)
	return b
}

// appendCuts leaves out cuts before pane low, to which no window reaches back: they belong to the highest levels.
func appendCuts(b []byte, cuts []recency, low int64) []byte {
	return appendList(b, cuts, low, (*recency).words, 2)
}

// minPane is before every pane: nothing is left out.
const minPane = math.MinInt64

// maxWatermark bounds a watermark, so that no difference of times overflows.
const maxWatermark = 1 << 61

// snapshotReader reads numbers, and records that the bytes ended too early or are damaged.
type snapshotReader struct {
	b      []byte
	failed bool
}

func (r *snapshotReader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.failed, r.b = true, nil
		return make([]byte, min(max(n, 0), 64))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *snapshotReader) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }
func (r *snapshotReader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }

// count reads the number of items that follow; each takes size bytes.
func (r *snapshotReader) count(size int) int {
	n := int(r.u32())
	if n*size > len(r.b) {
		r.failed = true
		return 0
	}
	return n
}

// Restore replaces the table's state by a snapshot of a table of the same
// windows, and returns the bytes that follow it. On an error, which matches
// assay.ErrCorrupt, the table is empty.
func (t *Table) Restore(b []byte) ([]byte, error) {
	t.reset()
	r := &snapshotReader{b: b}
	mark := int64(r.u64())
	if mark != math.MinInt64 && (mark < -maxWatermark || mark > maxWatermark) {
		return nil, fmt.Errorf("%w: watermark: %w", errDamaged, assay.ErrCorrupt)
	}
	n := r.count(3)
	last := ""
	for range n {
		key := string(r.take(int(binary.LittleEndian.Uint16(r.take(2)))))
		if r.failed || key <= last {
			t.reset()
			return nil, fmt.Errorf("%w: keys are not sorted: %w", errDamaged, assay.ErrCorrupt)
		}
		last = key
		p := t.findOrAdd([]byte(key))
		for w := range t.windows {
			t.windows[w].readCell(r, &t.cells[int(p)*len(t.windows)+w])
			if r.failed {
				t.reset()
				return nil, fmt.Errorf("%w: a key's state: %w", errDamaged, assay.ErrCorrupt)
			}
		}
	}
	if r.failed {
		return nil, fmt.Errorf("%w: too short: %w", errDamaged, assay.ErrCorrupt)
	}
	t.Advance(mark)
	return r.b, nil
}

// reset empties the table. Its windows keep their layouts, which is how a snapshot was written.
func (t *Table) reset() {
	*t = Table{windows: t.windows, lateness: t.lateness, watermark: math.MinInt64,
		lowestPanes: t.lowestPanes, index: newIndex(),
		hasLifetimeWindow: t.hasLifetimeWindow, partyParts: t.partyParts, round: 1,
		erasures: erasures{needed: math.MaxUint32}}
	t.updateLowestPanes()
}

// readCell reads one cell and checks the order that other code relies on.
func (l *layout) readCell(r *snapshotReader, c *cell) {
	n := r.count(8 * l.width)
	if n > 0 {
		c.panes = make([]uint64, n*l.width)
	}
	for i := range c.panes {
		c.panes[i] = r.u64()
		if i >= l.width && i%l.width == 0 && int64(c.panes[i]) <= int64(c.panes[i-l.width]) {
			r.failed = true
		}
	}
	if l.Needs&lists == 0 {
		return
	}
	m, x := new(memberLists), new(rareLists)
	if l.Needs&Distinct != 0 {
		m.seenMembers = readList(r, 2, func(w [3]uint64) seenMember { return seenMember{w[0], int64(w[1])} },
			func(a, b seenMember) bool { return a.hash < b.hash })
		x.cuts = readCuts(r)
	}
	inOrder := func(a, b paneWeight) bool { return a.hash < b.hash || a.hash == b.hash && a.pane < b.pane }
	toPart := func(w [3]uint64) paneWeight { return paneWeight{w[0], int64(w[1]), toFloat(w[2])} }
	if l.Needs&Share != 0 {
		m.sums = readList(r, 3, toPart, inOrder)
	}
	if l.Needs&Tally != 0 {
		x.counts = readList(r, 3, toPart, inOrder)
	}
	if l.Needs&Sample != 0 {
		x.eventsSampled = r.u64()
		x.sample = readList(r, 3, func(w [3]uint64) sampledValue {
			return sampledValue{w[0], int64(w[1]), toFloat(w[2])}
		},
			func(a, b sampledValue) bool { return a.hash < b.hash })
		x.sampleCuts = readCuts(r)
	}
	if l.Needs&Recents != 0 {
		x.recent = readList(r, 3, func(w [3]uint64) Recent { return Recent{int64(w[0]), toFloat(w[1]), int64(w[2])} },
			func(a, b Recent) bool { return a.At <= b.At && a.pane <= b.pane })
		r.failed = r.failed || len(x.recent) > l.Recent
	}
	if n == 0 {
		return
	}
	c.memberLists = m
	if x.cuts != nil || l.Needs&(Tally|Sample|Recents) != 0 {
		m.extraLists = x
	}
}

// readList reads what appendList wrote, and checks its order.
func readList[T any](r *snapshotReader, n int, of func(w [3]uint64) T, inOrder func(a, b T) bool) []T {
	var out []T
	for i := range r.count(8 * n) {
		var w [3]uint64
		for k := range w[:n] {
			w[k] = r.u64()
		}
		out = append(out, of(w))
		r.failed = r.failed || i > 0 && !inOrder(out[i-1], out[i])
	}
	return out
}

func readCuts(r *snapshotReader) []recency {
	cuts := readList(r, 2, func(w [3]uint64) recency { return recency{w[0], int64(w[1])} },
		func(a, b recency) bool { return !b.after(a) })
	r.failed = r.failed || len(cuts) > 64
	return cuts
}
