// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/assayrisk/assay/models"
)

// blockBuilder lays trees out in blocks.
type blockBuilder struct {
	e       *encoder
	cut     cutter
	tables  *shapeTables
	out     blocks
	byCat   map[int32][]catNode
	waiting []cutTree // of the chunk that is being filled
	first   int       // tree that the chunk begins with
	places  int       // of category answers that the chunk needs
	next    uint32    // place that is free
	base    uint32    // place that the chunk's places begin at
	float   bool      // values are float32
	rows
}

// cutTree is a tree that waits for its place.
type cutTree struct {
	t      *models.Tree
	splits []split
	pieces []piece
}

// catNode is a node whose answer depends on a category.
type catNode struct {
	place uint32
	bit   int
	set   int32
}

// newBlocks lays out the trees of m. Trees that do not fit the form are left
// to the walk; nil means that none does.
func newBlocks(m *models.Model, c *columns, e *encoder) *blocks {
	if e.numeric > maxColumns {
		return nil
	}
	b := blockBuilder{e: e, tables: newShapeTables(), byCat: map[int32][]catNode{}, float: m.Float32Sums}
	nodes := 0
	for i := range m.Trees {
		nodes += len(m.Trees[i].Feature)
	}
	b.data = aligned(8192 + 16*nodes)[:0]
	b.out.groups = make([]group, 0, len(m.Trees)/groupTrees+1)
	b.begin()
	for i := range m.Trees {
		if !b.add(&m.Trees[i], c.splits[i], i) {
			b.flush()
			b.out.extend(run{from: i, to: i + 1, walked: true})
			b.out.walk = true
		}
	}
	b.flush()
	if len(b.out.groups) == 0 || !b.categories() {
		return nil
	}
	b.more() // a leaf is read like a block
	b.out.data, b.out.shapes = b.data, append(aligned(len(b.tables.tables))[:0], b.tables.tables...)
	if cap(b.data) > len(b.data)*9/8 {
		b.out.data = append(aligned(len(b.data))[:0], b.data...)
	}
	out := b.out // alone: the builder's memory is not kept
	return &out
}

// begin writes what the data begins with.
func (b *blockBuilder) begin() {
	b.more()
	b.taken[0] = 0xff
	b.leaf(0, math.Copysign(0, -1))
	for i := range 8 {
		b.data[idle+8+i] = 255
	}
	binary.LittleEndian.PutUint64(b.data[idle+blockLink:], uint64(newLink(idle, 0, 0, 0)))
}

// extend adds r, or makes the last run longer.
func (b *blocks) extend(r run) {
	if n := len(b.runs); n > 0 && b.runs[n-1].walked == r.walked {
		b.runs[n-1].to = r.to
		return
	}
	b.runs = append(b.runs, r)
}

// add puts a tree into the chunk. It reports false for one that does not fit
// the form.
func (b *blockBuilder) add(t *models.Tree, splits []split, number int) bool {
	if len(b.data) > math.MaxInt32 {
		return false
	}
	c := cutTree{t: t, splits: splits}
	ok := false
	if c.pieces, ok = b.cut.cut(t); !ok {
		return false
	}
	places := 0
	if len(t.CatBits) > 0 {
		for i := range c.pieces {
			p := &c.pieces[i]
			for _, x := range p.nodes[p.spare:] {
				p.places = p.places || splits[x].set >= 0
			}
			if p.places {
				places++
			}
		}
	}
	if places >= math.MaxUint16 {
		return false
	}
	if len(b.waiting) == chunkTrees || b.places+places >= math.MaxUint16 {
		b.flush()
	}
	if len(b.waiting) == 0 {
		b.first = number
	}
	b.places += places
	b.waiting = append(b.waiting, c)
	return true
}

// padding fills a group up: adding -0 changes no sum.
var padding = models.Tree{LeafValue: []float64{math.Copysign(0, -1)}}

// flush lays out the chunk.
func (b *blockBuilder) flush() {
	if len(b.waiting) == 0 {
		return
	}
	for len(b.waiting)%groupTrees != 0 {
		p, _ := b.cut.cut(&padding)
		b.waiting = append(b.waiting, cutTree{t: &padding, pieces: p})
	}
	h := chunkHead{groups: uint32(len(b.waiting) / groupTrees), place: b.next}
	b.base = b.next
	b.next++ // what needs none takes the first, which stays 0
	from := len(b.out.groups)
	for i := 0; i < len(b.waiting); i += groupTrees {
		var g group
		for k := range groupTrees {
			c := &b.waiting[i+k]
			var block [blockSize]uint8
			b.block(&block, c, &c.pieces[0])
			copy(g.columns[k][:], block[0:])
			copy(g.bounds[k][:], block[8:])
			g.next[k] = link(binary.LittleEndian.Uint64(block[blockLink:]))
		}
		b.out.groups = append(b.out.groups, g)
	}
	// The kernels rely on every chunk of a run but the last being full.
	n := len(b.out.chunks)
	r := run{from: n, to: n + 1, group: from}
	if n > 0 && b.out.chunks[n-1].groups < chunkGroups {
		b.out.runs = append(b.out.runs, r)
	} else {
		b.out.extend(r)
	}
	b.out.chunks = append(b.out.chunks, h)
	for i := range b.waiting {
		b.cut.spare = append(b.cut.spare, b.waiting[i].pieces)
	}
	b.waiting, b.places = b.waiting[:0], 0
}

func (b *blockBuilder) leaf(at int, v float64) {
	if b.float {
		binary.LittleEndian.PutUint32(b.data[at:], math.Float32bits(float32(v)))
	} else {
		binary.LittleEndian.PutUint64(b.data[at:], math.Float64bits(v))
	}
}

// block fills the block of a piece, and writes what it leads to.
func (b *blockBuilder) block(to *[blockSize]uint8, c *cutTree, p *piece) {
	for i := range 8 {
		to[8+i] = 255 // no code is 255: the answer is 0
	}
	place := uint32(0)
	for lane := int(p.spare); lane < blockNodes; lane++ {
		s := c.splits[p.nodes[lane]]
		if s.set < 0 {
			to[lane], to[8+lane] = uint8(b.e.place[s.column]), s.bound+1
		} else {
			if place == 0 {
				place = b.next
				b.next++
			}
			b.byCat[s.cat] = append(b.byCat[s.cat], catNode{place, lane, s.set})
		}
		to[lane] |= p.flip >> lane & 1 << 7
	}
	if place > 0 {
		place -= b.base
	}
	row, open := b.children(c, p)
	binary.LittleEndian.PutUint64(to[blockLink:], uint64(newLink(row, uint16(place), open, b.tables.of(p.shape))))
}

// children writes what p leads to, in one row. It gives the row's position, and a
// bit for each exit that leads to a block.
func (b *blockBuilder) children(c *cutTree, p *piece) (row int, open uint16) {
	exits := p.exits[:p.n]
	for k, x := range exits {
		open |= uint16(^x>>31&1) << k
	}
	row = b.take(open, len(exits))
	for k, x := range exits {
		at := row + slotSize*k
		if x < 0 {
			b.leaf(at, c.t.LeafValue[^x])
			continue
		}
		var block [blockSize]uint8
		b.block(&block, c, &c.pieces[p.child[k]])
		copy(b.data[at:], block[:])
	}
	return row, open
}

// maxAnswers bounds the category answers of one feature, in bytes.
const maxAnswers = 1 << 25

func (b *blockBuilder) categories() bool {
	if len(b.byCat) == 0 {
		return true
	}
	b.out.places = int(b.next+31) &^ 31
	for cat := range int32(len(b.e.cats)) {
		nodes := b.byCat[cat]
		if len(nodes) == 0 {
			continue
		}
		c := &b.e.cats[cat]
		if c.classes*b.out.places > maxAnswers {
			return false
		}
		bc := blockCats{cat: cat, answer: make([]uint8, c.classes*b.out.places)}
		for class := range c.classes {
			row := bc.answer[class*b.out.places:]
			for _, n := range nodes {
				if c.members[n.set][class/8]>>(class%8)&1 == 0 {
					row[n.place] |= 1 << n.bit
				}
			}
		}
		b.out.cats = append(b.out.cats, bc)
	}
	return true
}

// aligned gives n bytes, 0, that begin at a cache line's boundary.
func aligned(n int) []uint8 {
	raw := make([]uint8, n+64)
	shift := int(-uintptr(unsafe.Pointer(&raw[0])) & 63)
	return raw[shift : shift+n : shift+n]
}
