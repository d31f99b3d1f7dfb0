// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"slices"

	"github.com/assayrisk/assay/models/gbdt/workers"
)

// A matrix holds the binned columns twice: as columns of one byte a cell,
// which the partition reads one feature at a time, and as records of a row's
// bins in a group of features, which the histogram kernels read a row at a
// time. A record of a dense group has a byte for each of up to 16 features; a
// record of a sparse group (sparse.go) lists the cells outside the features'
// common bins.
//
// A lean matrix has no columns of its own for dense features: the partition
// reads their records, 4 to 32 rows a cache line instead of 64. Groups are 16,
// 8, 4 or 2 features wide, so that a cell takes one byte and nothing else.
type matrix struct {
	rows     int
	names    []string
	binners  []*binner // one per column of the data set
	features []feature // the columns that can be split on
	groups   []group
	columns  []column // one per entry of feats
	lean     bool
	cells    int // length of a leaf's histogram
}

// column is where a feature's bins are: row r's at cells[r<<shift].
type column struct {
	cells []uint8
	shift int
}

// feature is a column that can be split on.
type feature struct {
	column int // of the data set
	offset int // of its first cell in a leaf's histogram
	sparse bool
	*binner
}

// group is a set of features whose histograms are filled together.
type group struct {
	members []int // of matrix.feats, ascending
	lo, hi  int   // its cells in a leaf's histogram

	// Dense: the bins of at most maxGroup members are next to each other in a
	// record of a fixed size. A group with an odd number of members is padded by a
	// column of zeros, so that only kernels of even sizes are needed.
	width   int // members rounded up to even
	shift   int // records are 1<<shift bytes apart
	records []uint8

	// Sparse: a record is a list of cells (sparse.go).
	sparse   bool
	places   int      // of a record, a multiple of four
	lists    []uint16 // records
	overflow []uint16 // what does not fit into them
}

const (
	maxGroup      = 16
	histogramBins = 256 // cells of a feature of a dense group in a leaf's histogram
	recordPad     = 64  // bytes after the last record that a kernel may read
)

// newMatrix lays out the columns that can be split on. parallel is the number of
// threads that will share the groups; parallel and lean change the layout and
// nothing else. With 0 threads there are no groups, only columns, for rows that
// are walked and not trained on.
func newMatrix(names []string, binners []*binner, rows, parallel int, lean bool) *matrix {
	m := &matrix{rows: rows, names: names, binners: binners, lean: lean && parallel > 0}
	var dense, sparse []int
	for j, b := range binners {
		if b.isConstant() {
			continue
		}
		if b.commonShare >= sparseShare {
			sparse = append(sparse, len(m.features))
		} else {
			dense = append(dense, len(m.features))
		}
		m.features = append(m.features, feature{column: j, binner: b})
	}
	if len(sparse) < sparseLeast {
		dense, sparse = nil, nil
		for i := range m.features {
			dense = append(dense, i)
		}
	}
	m.columns = make([]column, len(m.features))
	own := dense
	if m.lean {
		own = nil
	}
	for _, i := range append(slices.Clone(own), sparse...) {
		m.columns[i].cells = make([]uint8, rows+recordPad)
	}
	if parallel == 0 {
		return m
	}
	m.layOutDense(dense, parallel, len(sparse) > 0)
	m.layOutSparse(sparse, parallel)
	return m
}

// layOutDense divides features into groups of records of a fixed size. Few
// groups are best, since each loads a row's number and gradients again, but
// every thread must have work: the number of groups is a multiple of the threads
// or, where there are no other groups, divides them.
func (m *matrix) layOutDense(members []int, parallel int, others bool) {
	n := len(members)
	if n == 0 {
		return
	}
	if m.lean {
		for width := maxGroup; len(members) > 0; {
			for width > 2 && width > len(members) {
				width /= 2
			}
			k := min(width, len(members))
			m.addDense(members[:k])
			members = members[k:]
		}
		return
	}
	ng := (n + maxGroup - 1) / maxGroup
	if ng >= parallel || others {
		ng = (ng + parallel - 1) / parallel * parallel
	}
	for ng < parallel && parallel%ng != 0 {
		ng++
	}
	ng = min(ng, n)
	for g := range ng {
		m.addDense(members[g*n/ng : (g+1)*n/ng])
	}
}

// addDense makes a group of records.
func (m *matrix) addDense(members []int) {
	gr := group{members: members, lo: m.cells}
	gr.width = (len(members) + 1) &^ 1
	for 1<<gr.shift < gr.width {
		gr.shift++
	}
	gr.records = make([]uint8, m.rows<<gr.shift+recordPad)
	for k, f := range members {
		m.features[f].offset = m.cells + k*histogramBins
		if m.lean {
			m.columns[f] = column{gr.records[k:], gr.shift}
		}
	}
	m.cells += gr.width * histogramBins
	gr.hi = m.cells
	m.groups = append(m.groups, gr)
}

// binBlock is how many rows are binned at a time: their records stay in the cache.
const binBlock = 4096

// fill bins the rows of d into m, starting at row at. After the last row,
// buildSparse makes the matrix ready for use.
func (m *matrix) fill(d *Dataset, at int, team *workers.Team) {
	n := d.Rows()
	blocks := (n + binBlock - 1) / binBlock
	if len(m.groups) == 0 {
		team.Run(len(m.features), func(f int) {
			m.features[f].binAll(m.columns[f].cells[at:at+n], d.Columns[m.features[f].column])
		})
		return
	}
	team.Run(len(m.groups)*blocks, func(k int) {
		g := &m.groups[k%len(m.groups)]
		lo := k / len(m.groups) * binBlock
		hi := min(lo+binBlock, n)
		var own [binBlock]uint8 // of a lean matrix
		for k, f := range g.members {
			ft := &m.features[f]
			col := own[:hi-lo]
			if g.sparse || !m.lean {
				col = m.columns[f].cells[at+lo : at+hi]
			}
			ft.binAll(col, d.Columns[ft.column][lo:hi])
			if g.sparse {
				continue
			}
			rec := g.records[(at+lo)<<g.shift+k:]
			for i, b := range col {
				rec[i<<g.shift] = b
			}
		}
	})
}
