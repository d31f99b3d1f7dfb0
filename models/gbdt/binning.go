// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"math"
	"math/bits"

	"github.com/assayrisk/assay/models"
)

// A matrix holds the binned columns twice, one byte a cell each time: as
// records of up to 16 features, which the histogram kernel reads a row at a
// time, and as columns, which the partition reads one feature at a time.
type matrix struct {
	rows    int
	names   []string
	binners []*binner // one per column of the data set
	feats   []feature // the columns that can be split on
	groups  []group
	columns [][]uint8 // one per entry of feats
	cells   int       // length of a leaf's histogram
}

// feature is a column that can be split on.
type feature struct {
	column int // of the data set
	offset int // of its first cell in a leaf's histogram
	*binner
}

// group is a block of at most maxGroup neighbouring features whose bins lie
// beside each other in a record of stride bytes, one record a row. An odd
// group is padded by one column of zeros, so that kernels come in even sizes.
type group struct {
	first, n int // features
	width    int // n rounded up to even
	shift    int // records are 1<<shift bytes apart
	records  []uint8
}

const (
	maxGroup  = 16
	histogram = 256 // cells of a feature in a leaf's histogram
	recordPad = 64  // bytes after the last record that a kernel may read
)

// fitBinners finds the bins of every column from a hashed sample of rows.
func fitBinners(d *Dataset, p *Params, team *team) []*binner {
	rows := sampleRows(d.Rows(), p.BinConstructSample, uint64(p.Seed))
	return fitColumns(len(d.Columns), p, team, d.categorical, func(j int) []float64 {
		s := make([]float64, len(rows))
		for i, r := range rows {
			s[i] = d.Columns[j][r]
		}
		return s
	})
}

// fitSample finds the bins of every column from all rows of s.
func fitSample(s *Dataset, p *Params, team *team) []*binner {
	return fitColumns(len(s.Columns), p, team, s.categorical, func(j int) []float64 { return s.Columns[j] })
}

func fitColumns(columns int, p *Params, team *team, categorical func(int) bool, sample func(int) []float64) []*binner {
	binners := make([]*binner, columns)
	team.each(columns, func(j int) {
		maxBin := p.MaxBin
		if len(p.MaxBinByFeature) > 0 {
			maxBin = p.MaxBinByFeature[j]
		}
		if categorical(j) {
			binners[j] = fitCategorical(sample(j), maxBin, p)
		} else {
			binners[j] = fitNumeric(sample(j), maxBin, p)
		}
	})
	return binners
}

// sampleRows draws at most k of n rows, each the one of its stratum that the
// seed's hash points at, in ascending order.
func sampleRows(n, k int, seed uint64) []uint32 {
	if n <= k {
		rows := make([]uint32, n)
		for i := range rows {
			rows[i] = uint32(i)
		}
		return rows
	}
	rows := make([]uint32, k)
	for i := range rows {
		lo, hi := i*n/k, (i+1)*n/k
		rows[i] = uint32(lo + int(hash(seed, drawSample, uint64(i))%uint64(hi-lo)))
	}
	return rows
}

// newMatrix lays out the splittable columns. parallel is the number of
// threads that will share the groups; it shapes the layout and nothing else.
func newMatrix(names []string, binners []*binner, rows, parallel int) *matrix {
	m := &matrix{rows: rows, names: names, binners: binners}
	for j, b := range binners {
		if !b.trivial() {
			m.feats = append(m.feats, feature{column: j, binner: b})
		}
	}
	nf := len(m.feats)
	if nf == 0 {
		return m
	}
	ng := (nf + maxGroup - 1) / maxGroup
	if parallel > 1 {
		ng = (ng + parallel - 1) / parallel * parallel // whole rounds
		ng = min(ng, max((nf+3)/4, (nf+maxGroup-1)/maxGroup))
	}
	m.columns = make([][]uint8, nf)
	for i := range m.columns {
		m.columns[i] = make([]uint8, rows+recordPad)
	}
	for g := range ng {
		lo, hi := g*nf/ng, (g+1)*nf/ng
		gr := group{first: lo, n: hi - lo, width: (hi - lo + 1) &^ 1}
		for 1<<gr.shift < gr.width {
			gr.shift++
		}
		gr.records = make([]uint8, rows<<gr.shift+recordPad)
		for f := lo; f < hi; f++ {
			m.feats[f].offset = m.cells + (f-lo)*histogram
		}
		m.cells += gr.width * histogram
		m.groups = append(m.groups, gr)
	}
	return m
}

const binBlock = 4096 // rows binned at a time, so that their records stay in cache

// fill bins the rows of d into m, starting at row at.
func (m *matrix) fill(d *Dataset, at int, team *team) {
	n := d.Rows()
	blocks := (n + binBlock - 1) / binBlock
	team.each(len(m.groups)*blocks, func(k int) {
		g := &m.groups[k%len(m.groups)]
		lo := k / len(m.groups) * binBlock
		hi := min(lo+binBlock, n)
		for f := g.first; f < g.first+g.n; f++ {
			ft := &m.feats[f]
			col := m.columns[f][at+lo : at+hi]
			ft.binAll(col, d.Columns[ft.column][lo:hi])
			rec := g.records[(at+lo)<<g.shift+f-g.first:]
			for i, b := range col {
				rec[i<<g.shift] = b
			}
		}
	})
}

// binAll bins a run of values.
func (b *binner) binAll(dst []uint8, src []float64) {
	if b.categorical || len(b.upper) == 0 {
		for i, v := range src {
			dst[i] = b.bin(v)
		}
		return
	}
	// Values and bounds are compared as integers: the borrow of a subtraction
	// is the outcome without a branch. bound[k] for k past the last is above
	// every value, so that eight steps always fit.
	var bound [256]uint64
	for i := range bound {
		bound[i] = math.MaxUint64
	}
	for i, u := range b.upper[:len(b.upper)-1] {
		bound[i] = orderKey(u)
	}
	missing := uint8(b.zero)
	if b.missing == models.MissingNaN {
		missing = uint8(b.bins - 1)
	}
	for len(src) >= 4 { // four searches side by side hide each other's waits
		x := (*[4]float64)(src)
		k0, k1, k2, k3 := orderKey(x[0]), orderKey(x[1]), orderKey(x[2]), orderKey(x[3])
		var i0, i1, i2, i3 uint64
		for s := 7; s >= 0; s-- {
			half := uint64(1)<<(s&7) - 1
			_, c0 := bits.Sub64(bound[(i0+half)&255], k0, 0)
			_, c1 := bits.Sub64(bound[(i1+half)&255], k1, 0)
			_, c2 := bits.Sub64(bound[(i2+half)&255], k2, 0)
			_, c3 := bits.Sub64(bound[(i3+half)&255], k3, 0)
			i0 += c0 << (s & 7)
			i1 += c1 << (s & 7)
			i2 += c2 << (s & 7)
			i3 += c3 << (s & 7)
		}
		out := (*[4]uint8)(dst)
		*out = [4]uint8{uint8(i0), uint8(i1), uint8(i2), uint8(i3)}
		if x[0] != x[0] || x[1] != x[1] || x[2] != x[2] || x[3] != x[3] {
			for j, v := range x {
				if v != v {
					out[j] = missing
				}
			}
		}
		src, dst = src[4:], dst[4:]
	}
	for i, v := range src {
		dst[i] = b.bin(v)
	}
}
