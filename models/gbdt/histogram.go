// SPDX-License-Identifier: Apache-2.0

package gbdt

// addGroup sets a group's part h of a leaf's histogram to the sums over the
// given rows, which are total.
func (m *matrix) addGroup(h []cell, g *group, rows []uint32, packed []cell, total cell) {
	clear(h)
	if g.sparse {
		addLists(h, g, rows, packed)
		m.addCommon(h, g, total)
	} else {
		addRows(h, g, rows, packed)
	}
}

// addRowsGo adds the packed gradients of the given rows to the cells of their
// bins, for the features of one dense group. h is the group's part of a leaf's
// histogram, width*256 cells.
func addRowsGo(h []cell, g *group, rows []uint32, packed []cell) {
	if g.width == maxGroup {
		full := (*[maxGroup * histogram]cell)(h)
		for _, r := range rows {
			q := packed[r]
			b := (*[maxGroup]uint8)(g.records[uint(r)*maxGroup:])
			for k := range b {
				full[k*histogram+int(b[k])] += q
			}
		}
		return
	}
	for _, r := range rows {
		q := packed[r]
		b := g.records[int(r)<<g.shift:]
		b = b[:g.width]
		for k, v := range b {
			h[k*histogram+int(v)] += q
		}
	}
}

// subtract takes the cells of one child from its parent's, which leaves the
// other child's.
func subtract(parent, child []cell) {
	for i := range parent {
		parent[i] -= child[i]
	}
}
