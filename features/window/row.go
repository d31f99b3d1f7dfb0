// SPDX-License-Identifier: Apache-2.0

package window

import (
	"fmt"

	"github.com/assayrisk/assay"
)

// Filter is a set of names that may be larger than it should: a Bloom filter of 64 bits, three for each name.
type Filter uint64

func filterOf(hash uint64) Filter { return 1<<(hash&63) | 1<<(hash>>6&63) | 1<<(hash>>12&63) }

// MemberFilter is the filter of one member.
func MemberFilter(hash uint64) Filter { return filterOf(hash) }

// PartyFilter is the filter of one party's number.
func PartyFilter(key [16]byte) Filter {
	return filterOf(uint64(key[0]) | uint64(key[1])<<8 | uint64(key[2])<<16)
}

// May reports whether the set may contain a name of which the filter is given. If not, it does not.
func (f Filter) May(name Filter) bool { return f&name == name }

// appendRow writes the cells of a key, each as Snapshot does, with all its panes.
func (t *Table) appendRow(b []byte, cells []cell) []byte {
	for w := range t.windows {
		b = t.windows[w].appendCell(b, &cells[w], minPane)
	}
	return b
}

// DecodedRow is the state of a key that was read from the bytes of a Row.
type DecodedRow struct{ cells []cell }

// DecodeRow reads the bytes of a Row. It is safe for concurrent use. The error matches assay.ErrCorrupt.
func (t *Table) DecodeRow(b []byte) (DecodedRow, error) {
	r := &snapshotReader{b: b}
	d := DecodedRow{make([]cell, len(t.windows))}
	for w := range d.cells {
		t.windows[w].readCell(r, &d.cells[w])
	}
	if r.failed || len(r.b) > 0 {
		return DecodedRow{}, fmt.Errorf("%w: the bytes of a row: %w", errDamaged, assay.ErrCorrupt)
	}
	return d, nil
}

// CleanRow cleans the bytes of a Row of members that were erased; gone says which, by the role of a window's members.
// It returns nil if the row has none of them, else the new bytes and names. It is safe for concurrent use.
func (t *Table) CleanRow(key string, b []byte, gone func(role string, hash uint64) bool) ([]byte, Filter, error) {
	d, err := t.DecodeRow(b)
	if err != nil {
		return nil, 0, err
	}
	changed := false
	for w := range d.cells {
		if l := &t.windows[w]; l.MemberRole != "" && len(d.cells[w].panes) > 0 {
			changed = d.cells[w].forget(l, func(hash uint64) bool { return gone(l.MemberRole, hash) }) || changed
		}
	}
	if !changed {
		return nil, 0, nil
	}
	return t.appendRow(nil, d.cells), t.namesIn(key, d.cells), nil
}

// namesIn is the filter of the parties in a key and of the members in cells that Forget may change.
func (t *Table) namesIn(key string, cells []cell) (f Filter) {
	for party := range t.PartiesIn(key) {
		f |= PartyFilter(party)
	}
	for w := range cells {
		if l := &t.windows[w]; l.MemberRole != "" {
			f |= cells[w].members(l)
		}
	}
	return f
}

// members is the filter of the members that a cell has.
func (c *cell) members(l *layout) (f Filter) {
	for _, n := range []Needs{LatestMember, EarliestMember} {
		if l.Needs&n != 0 {
			for i := l.column(n); i < len(c.panes); i += l.width {
				f |= filterOf(c.panes[i])
			}
		}
	}
	if c.memberLists == nil {
		return f
	}
	for i := range c.seenMembers {
		f |= filterOf(c.seenMembers[i].hash)
	}
	for i := range c.sums {
		f |= filterOf(c.sums[i].hash)
	}
	if x := c.extraLists; x != nil {
		for i := range x.counts {
			f |= filterOf(x.counts[i].hash)
		}
		for i := range x.cuts {
			f |= filterOf(x.cuts[i].hash)
		}
	}
	return f
}
