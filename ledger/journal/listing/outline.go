// SPDX-License-Identifier: Apache-2.0

package listing

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay"
)

// maxOutlineCallers is how many callers an outline names; with more, it names none.
const maxOutlineCallers = 256

// Outline says of a run of records which lists can skip it.
type Outline struct {
	First    uint64
	count    uint64
	outcomes uint8
	times    span
	callers  [][16]byte // that occur; none: there are too many
}

// NewOutline makes the outline of entries, of which the first has this number.
func NewOutline(first uint64, entries []Entry) *Outline {
	o := &Outline{First: first, count: uint64(len(entries)), times: span{math.MaxInt64, math.MinInt64}}
	callers := map[[16]byte]struct{}{}
	for i := range entries {
		e := &entries[i]
		if e.State == 0 {
			continue
		}
		o.outcomes |= 1 << (e.State & outcomeBits)
		o.times.from, o.times.to = min(o.times.from, e.Micros), max(o.times.to, e.Micros)
		if _, ok := callers[e.Caller]; !ok {
			callers[e.Caller] = struct{}{}
			o.callers = append(o.callers, e.Caller)
		}
	}
	if len(o.callers) > maxOutlineCallers {
		o.callers = nil
	}
	return o
}

// End is the number after the last record.
func (o *Outline) End() uint64 { return o.First + o.count }

// Has reports whether the run holds a record.
func (o *Outline) Has(seq uint64) bool { return seq >= o.First && seq < o.End() }

// May reports whether an entry of the run may pass the filter.
func (o *Outline) May(f *Filter) bool {
	return o.outcomes&f.outcomes() != 0 && o.times.overlaps(f) &&
		(f.Caller == nil || len(o.callers) == 0 || slices.Contains(o.callers, *f.Caller))
}

// Covers reports whether the outline lets lists find an entry.
func (o *Outline) Covers(e *Entry) bool {
	f := Filter{From: e.Micros, To: e.Micros + 1, State: e.State & outcomeBits, Caller: &e.Caller}
	return e.State == 0 || o.May(&f)
}

// AppendBinary appends: count, outcomes (1 byte), first and last time as signed varints, the number of callers, and 16
// bytes each. Counts are unsigned varints.
func (o *Outline) AppendBinary(b []byte) []byte {
	b = append(binary.AppendUvarint(b, o.count), o.outcomes)
	b = binary.AppendVarint(binary.AppendVarint(b, o.times.from), o.times.to)
	b = binary.AppendUvarint(b, uint64(len(o.callers)))
	for i := range o.callers {
		b = append(b, o.callers[i][:]...)
	}
	return b
}

// Parse reads what AppendBinary writes, of the run that begins with record first. It uses o's memory again.
func (o *Outline) Parse(first uint64, b []byte) error {
	bad := fmt.Errorf("listing: the outline of records from %d on is damaged: %w", first, assay.ErrCorrupt)
	n, w := binary.Uvarint(b)
	if w <= 0 || n == 0 || first+n < first || len(b) == w {
		return bad
	}
	o.First, o.count, o.outcomes, b = first, n, b[w], b[w+1:]
	for _, t := range []*int64{&o.times.from, &o.times.to} {
		if *t, w = binary.Varint(b); w <= 0 {
			return bad
		}
		b = b[w:]
	}
	callers, w := binary.Uvarint(b)
	if w <= 0 || callers > maxOutlineCallers || uint64(len(b)-w) != 16*callers {
		return bad
	}
	o.callers = o.callers[:0]
	for b = b[w:]; len(b) > 0; b = b[16:] {
		o.callers = append(o.callers, [16]byte(b))
	}
	return nil
}
