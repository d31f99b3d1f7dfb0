// SPDX-License-Identifier: Apache-2.0

package gbdt

// fillHistogram sets the group's cells of a histogram to the sums over the given
// rows. The cells of common bins stay zero.
func (g *group) fillHistogram(hist []cell, rows []uint32, packed []cell) {
	h := hist[g.lo:g.hi]
	clear(h)
	if g.sparse {
		addLists(h, g, rows, packed)
	} else {
		addRows(h, g, rows, packed)
	}
}

// addRowsGo adds the packed gradients of the given rows to the cells of their
// bins, for the features of one dense group. h is the group's part of a leaf's
// histogram, width*256 cells.
func addRowsGo(h []cell, g *group, rows []uint32, packed []cell) {
	if g.width == maxGroup {
		full := (*[maxGroup * histogramBins]cell)(h)
		for _, r := range rows {
			q := packed[r]
			b := (*[maxGroup]uint8)(g.records[uint(r)*maxGroup:])
			for k := range b {
				full[k*histogramBins+int(b[k])] += q
			}
		}
		return
	}
	for _, r := range rows {
		q := packed[r]
		b := g.records[int(r)<<g.shift:]
		b = b[:g.width]
		for k, v := range b {
			h[k*histogramBins+int(v)] += q
		}
	}
}

// subtractCells takes the cells of one child from its parent's. What is left are
// the other child's.
func subtractCells(parent, child []cell) {
	for i, c := range child[:len(parent)] {
		parent[i] -= c
	}
}

// addCells adds the cells of one part of a leaf's rows to those of another part.
func addCells(cells, part []cell) {
	for i, c := range part[:len(cells)] {
		cells[i] += c
	}
}
