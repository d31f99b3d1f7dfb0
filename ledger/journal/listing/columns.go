// SPDX-License-Identifier: Apache-2.0

package listing

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay"
)

// RowRecords is how many records a row of columns holds at most.
const RowRecords = 1024

// spanRecords is how many records have one span of times.
const spanRecords = 64

// Columns holds the states, callers and times of up to RowRecords records in order.
type Columns struct {
	First    uint64 // sequence number of the first
	count    int
	outcomes uint8      // bit s: an entry has the outcome of Listed state s
	named    bool       // an entry is Unnumbered
	spans    []span     // one for each spanRecords
	states   []byte     // two a byte, the first in the low half
	callers  [][16]byte // that occur
	caller   []byte     // of each entry, in callers: nothing if there is one, else one byte, or two from 257 on
}

// span is the times between which the listed entries of a few records lie, both included; from > to: there are none.
type span struct{ from, to int64 }

// NewColumns makes the columns of entries, of which the first has this number.
func NewColumns(first uint64, entries []Entry) *Columns {
	c := &Columns{First: first, count: len(entries), states: make([]byte, (len(entries)+1)/2)}
	indexes := make([]uint16, len(entries))
	number := map[[16]byte]uint16{}
	for i := range entries {
		e := &entries[i]
		if i%spanRecords == 0 {
			c.spans = append(c.spans, span{math.MaxInt64, math.MinInt64})
		}
		if e.State == 0 {
			continue
		}
		s := &c.spans[len(c.spans)-1]
		s.from, s.to = min(s.from, e.Micros), max(s.to, e.Micros)
		c.states[i/2] |= byte(e.State) << (i % 2 * 4)
		k, ok := number[e.Caller]
		if !ok {
			k = uint16(len(c.callers))
			number[e.Caller], c.callers = k, append(c.callers, e.Caller)
		}
		indexes[i] = k
	}
	for _, k := range indexes {
		switch {
		case len(c.callers) > 256:
			c.caller = binary.BigEndian.AppendUint16(c.caller, k)
		case len(c.callers) > 1:
			c.caller = append(c.caller, byte(k))
		}
	}
	c.summarise()
	return c
}

// summarise makes outcomes and named from the states.
func (c *Columns) summarise() {
	c.outcomes, c.named = 0, false
	for i := range c.count {
		if s := c.state(i); s != 0 {
			c.outcomes |= 1 << (s & outcomeBits)
			c.named = c.named || s&Unnumbered != 0
		}
	}
}

// End is the number after the last record.
func (c *Columns) End() uint64 { return c.First + uint64(c.count) }

// Has reports whether the columns hold a record.
func (c *Columns) Has(seq uint64) bool { return seq >= c.First && seq < c.End() }

func (c *Columns) state(i int) State { return State(c.states[i/2]>>(i%2*4)) & 15 }

// callerOf returns the caller of entry i; the zero one if it is not listed.
func (c *Columns) callerOf(i int) [16]byte {
	k := 0
	switch n := len(c.callers); {
	case n == 0 || c.state(i) == 0:
		return [16]byte{}
	case n > 256:
		k = int(binary.BigEndian.Uint16(c.caller[2*i:]))
	case n > 1:
		k = int(c.caller[i])
	}
	return c.callers[k]
}

// Clear makes a record one that is not listed.
func (c *Columns) Clear(seq uint64) {
	i := int(seq - c.First)
	c.states[i/2] &^= 15 << (i % 2 * 4)
}

// May reports whether an entry may pass the filter.
func (c *Columns) May(f *Filter) bool {
	if c.outcomes&f.outcomes() == 0 || f.Caller != nil && !slices.Contains(c.callers, *f.Caller) {
		return false
	}
	return slices.ContainsFunc(c.spans, func(s span) bool { return s.overlaps(f) })
}

func (s span) overlaps(f *Filter) bool { return s.from <= s.to && s.from < f.To && s.to >= f.From }

// Passes reports whether the entry of a record may pass the filter.
func (c *Columns) Passes(f *Filter, seq uint64) bool {
	i := int(seq - c.First)
	return 1<<(c.state(i)&outcomeBits)&f.outcomes() != 0 && c.spans[i/spanRecords].overlaps(f) &&
		(f.Caller == nil || c.callerOf(i) == *f.Caller)
}

// Next returns the first record from seq on whose entry may pass the filter, and with unnumbered, that is Unnumbered;
// End if there is none.
func (c *Columns) Next(f *Filter, seq uint64, unnumbered bool) uint64 {
	if !c.May(f) || unnumbered && !c.named {
		return c.End()
	}
	for ; seq < c.End(); seq++ {
		i := int(seq - c.First)
		if !c.spans[i/spanRecords].overlaps(f) {
			seq = c.First + uint64(i|(spanRecords-1))
			continue
		}
		if (!unnumbered || c.state(i)&Unnumbered != 0) && c.Passes(f, seq) {
			return seq
		}
	}
	return c.End()
}

// Clone returns a copy with its own memory.
func (c *Columns) Clone() *Columns {
	out := *c
	out.spans, out.callers = slices.Clone(c.spans), slices.Clone(c.callers)
	out.states, out.caller = slices.Clone(c.states), slices.Clone(c.caller)
	return &out
}

// Agrees reports whether the columns say of a record what its entry says.
func (c *Columns) Agrees(seq uint64, e *Entry) bool {
	i := int(seq - c.First)
	if c.state(i) != e.State {
		return false
	}
	s := c.spans[i/spanRecords]
	return e.State == 0 || c.callerOf(i) == e.Caller && s.from <= e.Micros && e.Micros <= s.to
}

// AppendBinary appends: count, outcomes (1 byte), 1 if an entry is unnumbered (1 byte); for each 64 entries the length
// of their span plus one, 0 if none is listed, and its beginning less the one before; number of callers, and 16 bytes
// each; half a byte a state; then, with more than one caller, the number of each entry's, in one byte, or two if there
// are more than 256. Counts and lengths are unsigned varints, differences signed ones.
func (c *Columns) AppendBinary(b []byte) []byte {
	c.summarise()
	b = binary.AppendUvarint(b, uint64(c.count))
	b = append(b, c.outcomes, 0)
	if c.named {
		b[len(b)-1] = 1
	}
	before := int64(0)
	for _, s := range c.spans {
		if s.from > s.to {
			b = append(b, 0)
			continue
		}
		b = binary.AppendUvarint(b, uint64(s.to-s.from)+1)
		b = binary.AppendVarint(b, s.from-before)
		before = s.from
	}
	b = binary.AppendUvarint(b, uint64(len(c.callers)))
	for i := range c.callers {
		b = append(b, c.callers[i][:]...)
	}
	return append(append(b, c.states...), c.caller...)
}

// Parse reads what AppendBinary writes, of the row that begins with record first. It keeps b, and uses c's own memory
// again.
func (c *Columns) Parse(first uint64, b []byte) error {
	bad := fmt.Errorf("listing: the row of records from %d on is damaged: %w", first, assay.ErrCorrupt)
	n, w := binary.Uvarint(b)
	if w <= 0 || n == 0 || n > RowRecords || len(b) < w+2 {
		return bad
	}
	c.First, c.count, c.outcomes, c.named = first, int(n), b[w], b[w+1] != 0
	if b = b[w+2:]; !c.parseSpans(&b) {
		return bad
	}
	callers, w := binary.Uvarint(b)
	if w <= 0 || callers > RowRecords || uint64(len(b)-w) < 16*callers {
		return bad
	}
	b = b[w:]
	c.callers = c.callers[:0]
	for range callers {
		c.callers, b = append(c.callers, [16]byte(b)), b[16:]
	}
	width := 0
	if callers > 1 {
		width = 1
	}
	if callers > 256 {
		width = 2
	}
	if len(b) != (c.count+1)/2+width*c.count || callers == 0 && c.outcomes != 0 {
		return bad
	}
	c.states, c.caller = b[:(c.count+1)/2], b[(c.count+1)/2:]
	if !c.callersExist(width) {
		return bad
	}
	return nil
}

// callersExist reports whether the callers of all entries are among those that occur.
func (c *Columns) callersExist(width int) bool {
	if width == 1 {
		return len(c.callers) == 256 || int(slices.Max(c.caller)) < len(c.callers)
	}
	for i := 0; i < len(c.caller); i += 2 {
		if int(binary.BigEndian.Uint16(c.caller[i:])) >= len(c.callers) {
			return false
		}
	}
	return true
}

func (c *Columns) parseSpans(b *[]byte) bool {
	c.spans = c.spans[:0]
	before := int64(0)
	for i := 0; i < c.count; i += spanRecords {
		n, w := binary.Uvarint(*b)
		if w <= 0 {
			return false
		}
		if *b = (*b)[w:]; n == 0 {
			c.spans = append(c.spans, span{math.MaxInt64, math.MinInt64})
			continue
		}
		d, w := binary.Varint(*b)
		if w <= 0 {
			return false
		}
		*b = (*b)[w:]
		before += d
		c.spans = append(c.spans, span{before, before + int64(n-1)})
	}
	return true
}
