// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"

	"github.com/assayrisk/assay/models/gbdt/workers"
)

// A feature is sparse when most rows fall into one of its bins, as zero does
// in counts and indicators. Of such features a row's record lists only the
// cells outside their common bins, and the histogram adds only those: the
// cell of a common bin is the leaf's sum less the feature's other cells. Sums are
// integers, so that this gives the same cells as adding every row.
//
// All records of a group have as many places, so that the kernel knows where
// they are and runs through them without a branch that depends on the row:
//
//	c0 c1 c2 c3 c4 p1 p2 p3                five cells, then padding
//	c0 c1 c2 c3 | where (32 bits) n mark   four cells, and n more at overflow[where]
//
// Padding names the last four cells of the group, which nobody reads. The number
// of places is the one with which the rows of the table cost least.
const (
	sparseShare  = 0.7 // of the sample in one bin: adding a listed cell costs about two plain ones
	sparseLeast  = 8   // features, below which a list costs more than it saves
	paddingCells = 4
	overflowMark = 1<<16 - 1
	sparseCells  = overflowMark // most cells of a group
	mostPlaces   = 64
)

// layOutSparse divides features into groups of lists, of about equal lengths.
func (m *matrix) layOutSparse(members []int, parallel int) {
	if len(members) == 0 {
		return
	}
	ng := max(1, parallel)
	cuts := m.cutSparse(members, ng)
	for !m.fitSparse(members, cuts) {
		ng += max(1, parallel) // whole rounds
		cuts = m.cutSparse(members, ng)
	}
	for g := range ng {
		part := members[cuts[g]:cuts[g+1]]
		if len(part) == 0 {
			continue
		}
		gr := group{members: part, lo: m.cells, sparse: true}
		for _, f := range part {
			m.features[f].sparse, m.features[f].offset = true, m.cells
			m.cells += m.features[f].bins
		}
		m.cells += paddingCells
		gr.hi = m.cells
		m.groups = append(m.groups, gr)
	}
}

// fitSparse reports whether cells and places of every group fit their types.
func (m *matrix) fitSparse(members, cuts []int) bool {
	for g := range len(cuts) - 1 {
		part, cells := members[cuts[g]:cuts[g+1]], paddingCells
		for _, f := range part {
			cells += m.features[f].bins
		}
		if cells > sparseCells || len(part)*m.rows >= 1<<32 {
			return false
		}
	}
	return true
}

// cutSparse returns where to cut members into ng runs whose lists are about
// equally long.
func (m *matrix) cutSparse(members []int, ng int) []int {
	length := func(f int) float64 { return 1 - m.features[f].commonShare + 1.0/64 }
	var total, sum float64
	for _, f := range members {
		total += length(f)
	}
	cuts := []int{0}
	for i, f := range members {
		if sum >= total*float64(len(cuts))/float64(ng) {
			cuts = append(cuts, i)
		}
		sum += length(f)
	}
	for len(cuts) <= ng {
		cuts = append(cuts, len(members))
	}
	return cuts
}

// buildSparse makes the records of the sparse groups from the columns.
func (m *matrix) buildSparse(team *workers.Team) {
	for i := range m.groups {
		if g := &m.groups[i]; g.sparse {
			m.buildSparseGroup(g, team)
		}
	}
}

func (m *matrix) buildSparseGroup(g *group, team *workers.Team) {
	blocks := (m.rows + binBlock - 1) / binBlock
	counts := make([]uint16, m.rows)
	team.Run(blocks, func(k int) {
		lo := k * binBlock
		m.countEntries(g, lo, counts[lo:min(lo+binBlock, m.rows)])
	})
	g.places = bestPlaces(counts)
	before := make([]uint32, blocks+1) // entries of overflow before a block of rows
	for i, n := range counts {
		if int(n) > g.places {
			before[i/binBlock+1] += uint32(int(n) - g.places + 4)
		}
	}
	for k := range blocks {
		before[k+1] += before[k]
	}
	g.lists = make([]uint16, m.rows*g.places+recordPad)
	g.overflow = make([]uint16, before[blocks])
	team.Run(blocks, func(k int) {
		lo := k * binBlock
		m.writeLists(g, lo, counts[lo:min(lo+binBlock, m.rows)], before[k])
	})
}

// countEntries counts, for each row from lo, its cells outside common bins.
func (m *matrix) countEntries(g *group, lo int, counts []uint16) {
	for _, f := range g.members {
		common := m.features[f].common
		for i, b := range m.columns[f].cells[lo : lo+len(counts)] {
			n := uint16(0)
			if b != common {
				n = 1
			}
			counts[i] += n
		}
	}
}

// bestPlaces compares what places cost: short rows pad them, and long rows need a
// branch, a second place in memory and a loop.
func bestPlaces(counts []uint16) int {
	var rows [mostPlaces + 1]int // by their number of entries
	beyond, entries := 0, 0      // rows above mostPlaces, and their entries
	for _, n := range counts {
		if n <= mostPlaces {
			rows[n]++
		} else {
			beyond++
			entries += int(n)
		}
	}
	best, least := 0, math.MaxInt
	for places := 4; places <= mostPlaces; places += 4 {
		cost, long, listed := 0, beyond, entries
		for n, k := range rows {
			if n <= places {
				cost += k * places
			} else {
				long += k
				listed += k * n
			}
		}
		cost += long*20 + 2*(listed-long*(places-4))
		if cost < least {
			best, least = places, cost
		}
	}
	return best
}

// writeLists writes the records of the rows from lo, which have so many entries.
func (m *matrix) writeLists(g *group, lo int, counts []uint16, where uint32) {
	records := g.lists[lo*g.places:]
	padding := g.hi - g.lo - paddingCells
	var taken [binBlock]uint16 // entries that a row has
	var after [binBlock]uint32 // its next place in overflow
	for i, n := range counts {
		r := records[i*g.places:][:g.places]
		for k := range r {
			r[k] = uint16(padding + k%paddingCells)
		}
		if int(n) > g.places {
			k := int(n) - g.places + 4
			copy(r[g.places-4:], []uint16{uint16(where), uint16(where >> 16), uint16(k), overflowMark})
			after[i] = where
			where += uint32(k)
		}
	}
	var rows [binBlock]uint16
	for _, f := range g.members {
		ft := &m.features[f]
		bins := m.columns[f].cells[lo : lo+len(counts)]
		n := 0
		for i, b := range bins {
			rows[n] = uint16(i)
			if b != ft.common {
				n++
			}
		}
		base := ft.offset - g.lo
		for _, i := range rows[:n] {
			e := uint16(base + int(bins[i]))
			k := taken[i]
			taken[i]++
			switch {
			case int(counts[i]) <= g.places || int(k) < g.places-4:
				records[int(i)*g.places+int(k)] = e
			default:
				g.overflow[after[i]] = e
				after[i]++
			}
		}
	}
}

// addListsGo adds the packed gradients of the given rows to the cells that
// their records list.
func addListsGo(h []cell, g *group, rows []uint32, packed []cell) {
	for _, r := range rows {
		q := packed[r]
		list := g.lists[int(r)*g.places:][:g.places]
		if end := list[len(list)-4:]; end[3] == overflowMark {
			list = list[:len(list)-4]
			where := uint32(end[0]) | uint32(end[1])<<16
			for _, e := range g.overflow[where : where+uint32(end[2])] {
				h[e] += q
			}
		}
		for _, e := range list {
			h[e] += q
		}
	}
}

// setCommon sets the cell of a sparse feature's common bin, which is zero, to
// total less the other cells.
func setCommon(cells []cell, common uint8, total cell) {
	for _, c := range cells {
		total -= c
	}
	cells[common] = total
}
