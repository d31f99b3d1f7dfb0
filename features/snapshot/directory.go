// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// Directory lists stored rows, by table and key. It is immutable and safe for concurrent use; directories of
// successive snapshots share what did not change.
type Directory struct {
	groups []*group
	rows   int
	root   assay.Digest
}

// group is a run of entries, about 32 of them.
type group struct {
	entries  []Entry
	hash     assay.Digest
	deadFrom int64 // the least of its entries
}

func (g *group) last() *Entry { return &g.entries[len(g.entries)-1] }

// groupMask selects the bits of a key's hash that are 0 for the last entry of a group.
const groupMask = 31

// Len is the number of rows.
func (d *Directory) Len() int { return d.rows }

// Root is the Merkle root over the hashes of all rows.
func (d *Directory) Root() assay.Digest { return d.root }

// Find returns the entry of a row, nil if the directory lacks it. It must not be changed.
func (d *Directory) Find(n Name) *Entry {
	i := sort.Search(len(d.groups), func(i int) bool { return d.groups[i].last().compare(n) >= 0 })
	if i == len(d.groups) {
		return nil
	}
	g := d.groups[i].entries
	j := sort.Search(len(g), func(j int) bool { return g[j].compare(n) >= 0 })
	if j == len(g) || g[j].Name != n {
		return nil
	}
	return &g[j]
}

// All yields the entries in order. They must not be changed.
func (d *Directory) All() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for _, g := range d.groups {
			for i := range g.entries {
				if !yield(&g.entries[i]) {
					return
				}
			}
		}
	}
}

// NewDirectory returns the directory of no rows.
func NewDirectory() *Directory { return &Directory{root: rootOf(nil)} }

// Apply returns the directory after changes. Its cost grows with the number of groups that change; of a name that is
// changed more than once, the last entry counts.
func (d *Directory) Apply(c *Changes) *Directory {
	m := &merge{horizon: c.Horizon, changed: sorted(c.Changed), moved: sorted(c.Moved),
		removed: slices.Clone(c.Removed)}
	slices.SortFunc(m.removed, Name.compare)
	m.out = make([]*group, 0, len(d.groups)+len(m.changed)/groupMask)
	for i, g := range d.groups {
		if m.untouched(g, i == len(d.groups)-1) {
			m.out = append(m.out, g)
			continue
		}
		for j := range g.entries {
			m.keep(&g.entries[j])
		}
	}
	for len(m.changed) > 0 {
		m.addChanged()
	}
	if len(m.open) > 0 {
		m.closeGroup()
	}
	out := &Directory{groups: m.out}
	hashes := make([]assay.Digest, len(m.out))
	for i, g := range m.out {
		hashes[i] = g.hash
		out.rows += len(g.entries)
	}
	out.root = rootOf(hashes)
	return out
}

// sorted returns entries by name, of each name the last one.
func sorted(entries []Entry) []Entry {
	if isSorted(entries) {
		out := slices.Clone(entries)
		for i := range out {
			out[i].endsGroup = window.Hash(out[i].Key)&groupMask == 0
		}
		return out
	}
	order := make([]sortKey, len(entries))
	for i := range entries {
		e := &entries[i]
		order[i] = sortKey{index: uint32(i), table: uint32(e.Table)}
		var first [8]byte
		copy(first[:], e.Key)
		order[i].first = binary.BigEndian.Uint64(first[:])
	}
	slices.SortFunc(order, func(a, b sortKey) int { // by name; of one name in the order of entries
		if a.table == b.table && a.first == b.first {
			return cmp.Or(strings.Compare(entries[a.index].Key, entries[b.index].Key), cmp.Compare(a.index, b.index))
		}
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.first, b.first))
	})
	out := make([]Entry, 0, len(entries))
	for i, k := range order {
		e := &entries[k.index]
		if i+1 < len(order) && k.first == order[i+1].first && e.Name == entries[order[i+1].index].Name {
			continue
		}
		out = append(out, *e)
		out[len(out)-1].endsGroup = window.Hash(e.Key)&groupMask == 0
	}
	return out
}

// isSorted reports whether entries are by name already, as those of a whole directory are.
func isSorted(entries []Entry) bool {
	for i := 1; i < len(entries); i++ {
		if entries[i-1].compare(entries[i].Name) >= 0 {
			return false
		}
	}
	return true
}

// sortKey is what most entries can be sorted by without looking at their keys.
type sortKey struct {
	table, index uint32
	first        uint64 // eight bytes of the key
}

// merge applies changes to the groups of a directory, one after the other.
type merge struct {
	horizon        int64
	changed, moved []Entry // what is left of them
	removed        []Name
	open           []Entry // the group that is being made
	hashes         []byte
	out            []*group
}

// untouched reports whether a group stays as it is.
func (m *merge) untouched(g *group, isLast bool) bool {
	last := g.last()
	switch {
	case len(m.open) > 0 || g.deadFrom <= m.horizon || isLast && !bool(last.endsGroup) && len(m.changed) > 0:
		return false
	case len(m.changed) > 0 && m.changed[0].compare(last.Name) <= 0:
		return false
	case len(m.removed) > 0 && m.removed[0].compare(last.Name) <= 0:
		return false
	}
	return len(m.moved) == 0 || m.moved[0].compare(last.Name) > 0
}

// keep adds an entry of the directory, unless it is changed, removed or dead, after what is changed before it.
func (m *merge) keep(e *Entry) {
	for len(m.changed) > 0 && m.changed[0].compare(e.Name) < 0 {
		m.addChanged()
	}
	for len(m.removed) > 0 && m.removed[0].compare(e.Name) < 0 {
		m.removed = m.removed[1:]
	}
	for len(m.moved) > 0 && m.moved[0].compare(e.Name) < 0 {
		m.moved = m.moved[1:]
	}
	if len(m.changed) > 0 && m.changed[0].Name == e.Name {
		m.addChanged()
		return
	}
	if len(m.removed) > 0 && m.removed[0] == e.Name {
		return
	}
	kept := *e
	if len(m.moved) > 0 && m.moved[0].Name == e.Name && m.moved[0].Hash == e.Hash {
		kept.Place = m.moved[0].Place
	}
	m.add(kept)
}

func (m *merge) addChanged() {
	e := m.changed[0]
	m.changed = m.changed[1:]
	m.add(e)
}

func (m *merge) add(e Entry) {
	if e.DeadFrom <= m.horizon {
		return
	}
	m.open = append(m.open, e)
	if e.endsGroup {
		m.closeGroup()
	}
}

func (m *merge) closeGroup() {
	g := &group{entries: slices.Clone(m.open), deadFrom: math.MaxInt64}
	m.hashes = m.hashes[:0]
	for i := range g.entries {
		m.hashes = append(m.hashes, g.entries[i].Hash[:]...)
		g.deadFrom = min(g.deadFrom, g.entries[i].DeadFrom)
	}
	g.hash = assay.Sum(groupTag, m.hashes)
	m.open, m.out = m.open[:0], append(m.out, g)
}

const (
	groupTag = "assay/window-rows/v1\n"
	nodeTag  = "assay/window-node/v1\n"
)

// rootOf is the root of a tree over leaves.
func rootOf(leaves []assay.Digest) assay.Digest {
	switch n := len(leaves); n {
	case 0:
		return assay.Sum(nodeTag)
	case 1:
		return leaves[0]
	default:
		half := 1
		for 2*half < n {
			half *= 2
		}
		left, right := rootOf(leaves[:half]), rootOf(leaves[half:])
		return assay.Sum(nodeTag, left[:], right[:])
	}
}
