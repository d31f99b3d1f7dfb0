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
	e             *encoder
	cut           cutter
	tables        *shapeTables
	out           blocks
	byCat         map[int32][]catNode
	waiting       []cutTree // of the chunk that is being filled
	first         int       // tree that the chunk begins with
	places        int       // of category answers that the chunk needs
	nextPlace     uint32    // place that is free
	chunkBase     uint32    // place that the chunk's places begin at
	float32Leaves bool      // values are float32
	exitRows
}

// cutTree is a tree that waits to be written.
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

// newBlocks lays out the trees of m. Trees that do not fit the form are walked;
// when none fits, newBlocks gives nil.
func newBlocks(m *models.Model, c *columns, e *encoder) *blocks {
	if e.numeric > maxColumns {
		return nil
	}
	b := blockBuilder{e: e, tables: newShapeTables(), byCat: map[int32][]catNode{}, float32Leaves: m.Float32Sums}
	nodes := 0
	for i := range m.Trees {
		nodes += len(m.Trees[i].Feature)
	}
	b.data = aligned(8192 + 16*nodes)[:0]
	b.out.groups = make([]group, 0, len(m.Trees)/groupTrees+1)
	b.writeStart()
	for i := range m.Trees {
		if !b.add(&m.Trees[i], c.splits[i], i) {
			b.flushChunk()
			b.out.extend(run{from: i, to: i + 1, walked: true})
			b.out.someWalked = true
		}
	}
	b.flushChunk()
	if len(b.out.groups) == 0 || !b.buildAnswers() {
		return nil
	}
	b.grow() // a leaf is read like a block
	b.out.data, b.out.shapes = b.data, append(aligned(len(b.tables.tables))[:0], b.tables.tables...)
	if cap(b.data) > len(b.data)*9/8 {
		b.out.data = append(aligned(len(b.data))[:0], b.data...)
	}
	out := b.out // alone: the builder's memory is not kept
	return &out
}

// writeStart writes the leaf and the block that the data begins with.
func (b *blockBuilder) writeStart() {
	b.grow()
	b.taken[0] = 0xff
	b.writeLeaf(0, math.Copysign(0, -1))
	for i := range 8 {
		b.data[idleBlock+8+i] = 255
	}
	binary.LittleEndian.PutUint64(b.data[idleBlock+blockLink:], uint64(newLink(idleBlock, 0, 0, 0)))
}

// extend adds r, or makes the last run longer.
func (b *blocks) extend(r run) {
	if n := len(b.runs); n > 0 && b.runs[n-1].walked == r.walked {
		b.runs[n-1].to = r.to
		return
	}
	b.runs = append(b.runs, r)
}

// add puts a tree into the chunk, or reports that it does not fit the form.
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
			for _, x := range p.nodes[p.padding:] {
				p.testsCategory = p.testsCategory || splits[x].set >= 0
			}
			if p.testsCategory {
				places++
			}
		}
	}
	if places >= math.MaxUint16 {
		return false
	}
	if len(b.waiting) == chunkTrees || b.places+places >= math.MaxUint16 {
		b.flushChunk()
	}
	if len(b.waiting) == 0 {
		b.first = number
	}
	b.places += places
	b.waiting = append(b.waiting, c)
	return true
}

// paddingTree fills a group up. Adding its -0 changes no sum.
var paddingTree = models.Tree{LeafValue: []float64{math.Copysign(0, -1)}}

// flushChunk lays out the chunk.
func (b *blockBuilder) flushChunk() {
	if len(b.waiting) == 0 {
		return
	}
	for len(b.waiting)%groupTrees != 0 {
		p, _ := b.cut.cut(&paddingTree)
		b.waiting = append(b.waiting, cutTree{t: &paddingTree, pieces: p})
	}
	h := chunkHead{groups: uint32(len(b.waiting) / groupTrees), place: b.nextPlace}
	b.chunkBase = b.nextPlace
	b.nextPlace++ // blocks without categories share the first place, which stays 0
	from := len(b.out.groups)
	for i := 0; i < len(b.waiting); i += groupTrees {
		var g group
		for k := range groupTrees {
			c := &b.waiting[i+k]
			var block [blockSize]uint8
			b.fillBlock(&block, c, &c.pieces[0])
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
		b.cut.freePieces = append(b.cut.freePieces, b.waiting[i].pieces)
	}
	b.waiting, b.places = b.waiting[:0], 0
}

func (b *blockBuilder) writeLeaf(at int, v float64) {
	if b.float32Leaves {
		binary.LittleEndian.PutUint32(b.data[at:], math.Float32bits(float32(v)))
	} else {
		binary.LittleEndian.PutUint64(b.data[at:], math.Float64bits(v))
	}
}

// fillBlock fills the block of a piece, and writes its children.
func (b *blockBuilder) fillBlock(to *[blockSize]uint8, c *cutTree, p *piece) {
	for i := range 8 {
		to[8+i] = 255 // no code is 255: the answer is 0
	}
	place := uint32(0)
	for lane := int(p.padding); lane < blockNodes; lane++ {
		s := c.splits[p.nodes[lane]]
		if s.set < 0 {
			to[lane], to[8+lane] = uint8(b.e.place[s.column]), s.bound+1
		} else {
			if place == 0 {
				place = b.nextPlace
				b.nextPlace++
			}
			b.byCat[s.cat] = append(b.byCat[s.cat], catNode{place, lane, s.set})
		}
		to[lane] |= p.flip >> lane & 1 << 7
	}
	if place > 0 {
		place -= b.chunkBase
	}
	row, open := b.writeChildren(c, p)
	binary.LittleEndian.PutUint64(to[blockLink:], uint64(newLink(row, uint16(place), open, b.tables.tableOf(p.shape))))
}

// writeChildren writes the children of p in one row. It gives the row's position,
// and a bit for each exit that leads to a block.
func (b *blockBuilder) writeChildren(c *cutTree, p *piece) (row int, open uint16) {
	exits := p.exits[:p.exitCount]
	for k, x := range exits {
		open |= uint16(^x>>31&1) << k
	}
	row = b.takeRow(open, len(exits))
	for k, x := range exits {
		at := row + slotSize*k
		if x < 0 {
			b.writeLeaf(at, c.t.LeafValue[^x])
			continue
		}
		var block [blockSize]uint8
		b.fillBlock(&block, c, &c.pieces[p.child[k]])
		copy(b.data[at:], block[:])
	}
	return row, open
}

// maxAnswers bounds the category answers of one feature, in bytes.
const maxAnswers = 1 << 25

func (b *blockBuilder) buildAnswers() bool {
	if len(b.byCat) == 0 {
		return true
	}
	b.out.places = int(b.nextPlace+31) &^ 31
	for cat := range int32(len(b.e.cats)) {
		nodes := b.byCat[cat]
		if len(nodes) == 0 {
			continue
		}
		c := &b.e.cats[cat]
		if c.classes*b.out.places > maxAnswers {
			return false
		}
		bc := categoryAnswers{category: cat, answer: make([]uint8, c.classes*b.out.places)}
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
