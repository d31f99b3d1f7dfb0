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

// errSnapshot is behind every error of Restore.
var errSnapshot = errors.New("the snapshot of a window table is damaged")

// Snapshot appends the table's state. Equal states give equal bytes: keys are
// sorted, and what no read can see any more is left out.
//
//	watermark  int64
//	keys       uint32
//	each key   uint16 length, bytes, then for each window:
//	  panes    uint32, then width words of 8 bytes each
//	  level    uint8
//	  set      uint32, then (hash, pane) each
//	  parts    uint32, then (hash, pane, weight) each
//
// All numbers are little-endian.
func (t *Table) Snapshot(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, uint64(t.mark))
	count := len(b)
	b = le.AppendUint32(b, 0)
	var n uint32
	order := make([]int, 0, len(t.keys))
	for p, k := range t.keys {
		if k != "" && t.alive(p) {
			order = append(order, p)
		}
	}
	slices.SortFunc(order, func(x, y int) int {
		if t.keys[x] < t.keys[y] {
			return -1
		}
		return 1
	})
	for _, p := range order {
		n++
		b = le.AppendUint16(b, uint16(len(t.keys[p])))
		b = append(b, t.keys[p]...)
		for w := range t.windows {
			b = t.windows[w].appendCell(b, &t.cells[p*len(t.windows)+w], t.lows[w])
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
	b = le.AppendUint32(b, uint32(len(live)/l.width))
	for _, w := range live {
		b = le.AppendUint64(b, w)
	}
	m := c.members
	if m == nil || len(live) == 0 {
		m = new(members)
	}
	b = append(b, m.level)
	at, n := len(b), uint32(0)
	b = le.AppendUint32(b, 0)
	for _, s := range m.set {
		if s.pane >= low {
			b, n = le.AppendUint64(le.AppendUint64(b, s.hash), uint64(s.pane)), n+1
		}
	}
	le.PutUint32(b[at:], n)
	at, n = len(b), 0
	b = le.AppendUint32(b, 0)
	for _, p := range m.parts {
		if p.pane >= low {
			b = le.AppendUint64(le.AppendUint64(b, p.hash), uint64(p.pane))
			b, n = le.AppendUint64(b, math.Float64bits(p.weight)), n+1
		}
	}
	le.PutUint32(b[at:], n)
	return b
}

// maxMark bounds a watermark, so that no difference of times overflows.
const maxMark = 1 << 61

// reader takes numbers off bytes and remembers that they ran out.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.bad, r.b = true, nil
		return make([]byte, min(max(n, 0), 64))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }
func (r *reader) u32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }

// count reads the number of items that follow; each takes size bytes.
func (r *reader) count(size int) int {
	n := int(r.u32())
	if n*size > len(r.b) {
		r.bad = true
		return 0
	}
	return n
}

// Restore replaces the table's state by a snapshot of a table of the same
// windows, and returns the bytes that follow it. On an error, which matches
// assay.ErrCorrupt, the table is empty.
func (t *Table) Restore(b []byte) ([]byte, error) {
	windows := make([]Config, len(t.windows))
	for i := range windows {
		windows[i] = t.windows[i].Config
	}
	fresh := New(t.lateness, windows)
	*t = *fresh
	r := &reader{b: b}
	mark := int64(r.u64())
	if mark != math.MinInt64 && (mark < -maxMark || mark > maxMark) {
		return nil, fmt.Errorf("%w: watermark: %w", errSnapshot, assay.ErrCorrupt)
	}
	n := r.count(3)
	last := ""
	for range n {
		key := string(r.take(int(binary.LittleEndian.Uint16(r.take(2)))))
		if r.bad || key <= last {
			*t = *New(t.lateness, windows)
			return nil, fmt.Errorf("%w: keys are not sorted: %w", errSnapshot, assay.ErrCorrupt)
		}
		last = key
		p := t.claim([]byte(key))
		for w := range t.windows {
			t.windows[w].readCell(r, &t.cells[int(p)*len(t.windows)+w])
			if r.bad {
				*t = *New(t.lateness, windows)
				return nil, fmt.Errorf("%w: a key's state: %w", errSnapshot, assay.ErrCorrupt)
			}
		}
	}
	if r.bad {
		return nil, fmt.Errorf("%w: too short: %w", errSnapshot, assay.ErrCorrupt)
	}
	t.Advance(mark)
	return r.b, nil
}

// readCell reads one cell and holds it to the order that its code relies on.
func (l *layout) readCell(r *reader, c *cell) {
	n := r.count(8 * l.width)
	if n > 0 {
		c.panes = make([]uint64, n*l.width)
	}
	for i := range c.panes {
		c.panes[i] = r.u64()
		if i >= l.width && i%l.width == 0 && int64(c.panes[i]) <= int64(c.panes[i-l.width]) {
			r.bad = true
		}
	}
	m := members{level: r.take(1)[0]}
	for i := range r.count(16) {
		s := seen{r.u64(), int64(r.u64())}
		r.bad = r.bad || i > 0 && s.hash <= m.set[i-1].hash || i > l.Members
		m.set = append(m.set, s)
	}
	for i := range r.count(24) {
		p := part{r.u64(), int64(r.u64()), math.Float64frombits(r.u64())}
		if i > 0 {
			q := m.parts[i-1]
			r.bad = r.bad || p.hash < q.hash || p.hash == q.hash && p.pane <= q.pane
		}
		r.bad = r.bad || !(p.weight > 0) || i > partsPerMember*l.Members
		m.parts = append(m.parts, p)
	}
	r.bad = r.bad || m.level > 63
	if l.Needs&(Distinct|Share) != 0 && n > 0 {
		c.members = &m
	}
}
