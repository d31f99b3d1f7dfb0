// SPDX-License-Identifier: Apache-2.0

package window

import (
	"encoding/binary"
	"iter"
	"math"
	"slices"
)

// Party is one entity of events, in a table whose keys and members are to be erasable.
type Party struct {
	Key    [16]byte // its number, a part of keys; never given to another party
	Member uint64   // the Hash of its name, in lists of members
}

// erasures are the parties that a table was told to forget. They are numbered from 1. A row is cleaned of
// them before it is next read, changed or serialised; until then it has the number of the last one that it
// was cleaned of. So an erasure takes no longer in a large table than in a small one.
type erasures struct {
	last    uint32 // the number of the latest erasure, 0 if there was none
	applied uint32 // the erasures up to this one are not kept
	needed  uint32 // keys in storage are cleaned of the erasures up to this one; MaxUint32 if all keys are in memory
	kept    []erasure
	parties map[[16]byte]uint32     // the erasure of a party
	members map[memberOfRole]uint32 // the latest erasure of a member
}

type erasure struct {
	party    [16]byte
	member   memberOfRole
	previous uint32 // the erasure of the same member before this one, 0 if there is none
}

// memberOfRole is a member in the windows whose members have a role. A name may have two roles, and be
// erased in one of them.
type memberOfRole struct {
	role string
	hash uint64
}

func (e *erasures) add(role string, p Party) {
	if e.parties == nil {
		e.parties, e.members = map[[16]byte]uint32{}, map[memberOfRole]uint32{}
	}
	e.last++
	m := memberOfRole{role, p.Member}
	e.kept = append(e.kept, erasure{p.Key, m, e.members[m]})
	e.parties[p.Key], e.members[m] = e.last, e.last
}

// forgot reports whether one of the erasures after since and up to upto was of the member.
func (e *erasures) forgot(m memberOfRole, since, upto uint32) bool {
	n := e.members[m]
	for n > upto {
		n = e.kept[n-e.applied-1].previous
	}
	return n > since
}

// drop forgets the erasures up to one that all rows are cleaned of.
func (e *erasures) drop(upto uint32) {
	if upto <= e.applied {
		return
	}
	done := int(upto - e.applied)
	for i, x := range e.kept[:done] {
		number := e.applied + uint32(i) + 1
		if e.parties[x.party] == number {
			delete(e.parties, x.party)
		}
		if e.members[x.member] == number {
			delete(e.members, x.member)
		}
	}
	e.applied, e.kept = upto, slices.Delete(e.kept, 0, done)
}

// Forget erases a party: keys that contain its number are removed, and in the other keys its member hash leaves
// the lists of windows whose members have the role. Counts, sums and whatever else names nobody stay. The columns
// LatestMember and EarliestMember become 0 where they held the member. What is fed later is kept, also under the
// same hash: the name has come back, as another party.
//
// Forget takes the same short time however many keys there are. No reading and no snapshot depends on when a key
// is cleaned; Evict cleans keys that nobody reads.
func (t *Table) Forget(role string, p Party) {
	if t.index.n > 0 || t.erasures.needed != math.MaxUint32 {
		t.erasures.add(role, p)
	}
}

// settle cleans the key at a place if an erasure waits for it.
func (t *Table) settle(place int32) {
	if t.keys[place].cleaned != t.erasures.last {
		t.captureFirst(place)
		t.clean(place, t.erasures.last)
	}
}

// clean applies the erasures up to a number to the key at a place, and notes whether that changed anything.
func (t *Table) clean(place int32, upto uint32) (changed bool) {
	k, cells := &t.keys[place], t.cellsAt(place)
	since := k.cleaned
	if k.cleaned = upto; t.keyForgotten(k.name, since, upto) {
		for w := range cells {
			changed = changed || len(cells[w].panes) > 0
		}
		clear(cells)
	} else {
		for w := range t.windows {
			l := &t.windows[w]
			if l.MemberRole != "" && len(cells[w].panes) > 0 && cells[w].forget(l, func(hash uint64) bool {
				return t.erasures.forgot(memberOfRole{l.MemberRole, hash}, since, upto)
			}) {
				changed = true
			}
		}
	}
	if changed {
		k.changed = t.round
	}
	return changed
}

// keyForgotten reports whether a key contains a party that an erasure after since and up to upto was of.
func (t *Table) keyForgotten(key string, since, upto uint32) bool {
	if len(t.erasures.parties) == 0 {
		return false
	}
	for party := range t.PartiesIn(key) {
		if e := t.erasures.parties[party]; e > since && e <= upto {
			return true
		}
	}
	return false
}

// PartyKeys says which parts of keys are numbers of parties. A key is then a sequence of parts, each with its length
// as an unsigned varint before it. Without it, Forget removes no key.
func (t *Table) PartyKeys(parts []bool) { t.partyParts = slices.Clone(parts) }

// PartiesIn returns the numbers of the parties that a key contains. It is safe for concurrent use.
func (t *Table) PartiesIn(key string) iter.Seq[[16]byte] {
	return func(yield func([16]byte) bool) {
		b := []byte(key)
		for _, isParty := range t.partyParts {
			n, used := binary.Uvarint(b)
			if used <= 0 || n > uint64(len(b)-used) {
				return
			}
			part := b[used : used+int(n)]
			b = b[used+int(n):]
			if isParty && len(part) == len(Party{}.Key) && !yield([16]byte(part)) {
				return
			}
		}
	}
}

// forget removes members from a cell, and reports whether it had any of them.
func (c *cell) forget(l *layout, gone func(hash uint64) bool) (changed bool) {
	for _, n := range []Needs{LatestMember, EarliestMember} {
		if l.Needs&n == 0 {
			continue
		}
		for i := l.column(n); i < len(c.panes); i += l.width {
			if gone(c.panes[i]) {
				c.panes[i], changed = 0, true
			}
		}
	}
	m := c.memberLists
	if m == nil {
		return changed
	}
	n := len(m.seenMembers) + len(m.sums)
	goneWeight := func(p paneWeight) bool { return gone(p.hash) }
	m.seenMembers = slices.DeleteFunc(m.seenMembers, func(s seenMember) bool { return gone(s.hash) })
	m.sums = slices.DeleteFunc(m.sums, goneWeight)
	changed = changed || n != len(m.seenMembers)+len(m.sums)
	if x := m.extraLists; x != nil {
		n = len(x.counts)
		x.counts = slices.DeleteFunc(x.counts, goneWeight)
		changed = m.forgetCuts(gone) || changed || n != len(x.counts)
	}
	return changed
}

// forgetCuts takes hashes of members out of the cuts of Distinct. A cut without a hash lies before everything in its
// pane: members of its level whose latest pane this is are dropped. No reading changes, because one that includes
// the pane of a cut counts by a higher level.
func (c *memberLists) forgetCuts(gone func(hash uint64) bool) (changed bool) {
	cuts := c.extraLists.cuts
	for j := len(cuts) - 1; j >= 0; j-- {
		above := j+1 < len(cuts) && cuts[j+1].hash == 0 && cuts[j+1].pane == cuts[j].pane
		if cuts[j].hash != 0 && (above || gone(cuts[j].hash)) {
			cuts[j].hash, changed = 0, true
		}
	}
	if changed {
		c.seenMembers = slices.DeleteFunc(c.seenMembers, func(s seenMember) bool {
			return !fitsCuts(s.recency(), cuts)
		})
	}
	return changed
}
