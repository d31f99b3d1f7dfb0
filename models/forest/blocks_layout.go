// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"

	"github.com/assayrisk/assay/models"
)

// blockBuilder lays trees out in blocks.
type blockBuilder struct {
	e      *encoder
	out    blocks
	byCat  map[int32][]catNode
	size   []int32 // of the subtree under each node
	t      *models.Tree
	splits []split
	tests  uint32 // places of category answers taken
	header int    // bytes before a block's table
	float  bool   // values are float32
	data   []uint8
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
	b := blockBuilder{e: e, byCat: map[int32][]catNode{}, tests: 1, header: blockHeader, float: m.Float32Sums}
	if len(c.cats) > 0 {
		b.header = blockHeaderCat
	}
	for from := 0; from < len(m.Trees); from += groupTrees {
		to := min(len(m.Trees), from+groupTrees)
		g := len(b.out.groups)
		if b.group(m, c, from, to) {
			b.out.extend(g, g+1, false)
		} else {
			b.out.extend(from, to, true)
		}
	}
	if len(b.out.groups) == 0 || !b.categories() {
		return nil
	}
	b.out.data = aligned(b.out.data)
	return &b.out
}

// extend adds to the last run, or begins another.
func (b *blocks) extend(from, to int, walked bool) {
	b.walk = b.walk || walked
	if n := len(b.runs); n > 0 && b.runs[n-1].walked == walked {
		b.runs[n-1].to = to
		return
	}
	b.runs = append(b.runs, run{from, to, walked})
}

// piece is a block while the tree is being cut: at most eight connected nodes,
// and the nodes and leaves (^leaf) where it is left.
type piece struct {
	nodes, exits   [blockNodes + 1]int32
	nNodes, nExits int
}

// grow makes a piece of at most most nodes from node i down. It grows where
// most nodes wait, so that the way through the pieces gets short.
func (b *blockBuilder) grow(i int32, most int) (p piece) {
	p.exits[0], p.nExits = i, 1
	for p.nNodes < most {
		best, at := int32(0), -1
		for k, x := range p.exits[:p.nExits] {
			if x >= 0 && b.size[x] > best {
				best, at = b.size[x], k
			}
		}
		if at < 0 {
			break
		}
		x := p.exits[at]
		p.nodes[p.nNodes] = x
		p.exits[at], p.exits[p.nExits] = b.t.Left[x], b.t.Right[x]
		p.nNodes++
		p.nExits++
	}
	return p
}

// height is the number of pieces on the longest way from node i down.
func (b *blockBuilder) height(i int32, most int) int {
	p := b.grow(i, most)
	h := 0
	for _, x := range p.exits[:p.nExits] {
		switch {
		case x < 0:
		case b.size[x] <= int32(most):
			h = max(h, 1)
		default:
			h = max(h, b.height(x, most))
		}
	}
	return 1 + h
}

// sizes counts the nodes under each node, itself included.
func sizes(t *models.Tree, size []int32) []int32 {
	size = append(size[:0], make([]int32, len(t.Feature))...)
	for i := len(size) - 1; i >= 0; i-- {
		size[i] = 1
		for _, c := range [2]int32{t.Left[i], t.Right[i]} {
			if c >= 0 {
				size[i] += size[c]
			}
		}
	}
	return size
}

// group lays out trees [from, to). It reports false, and leaves nothing behind,
// when they are too deep or too large.
func (b *blockBuilder) group(m *models.Model, c *columns, from, to int) bool {
	steps := 1
	for i := from; i < to; i++ {
		b.use(&m.Trees[i], c.splits[i])
		if depth(b.t) > maxSteps*blockNodes {
			return false
		}
		if len(b.t.Feature) > 0 {
			steps = max(steps, b.height(0, blockNodes))
		}
	}
	if steps > maxSteps {
		return false
	}
	g := group{steps: uint32(steps - 1)}
	before := len(b.out.data)
	for k := range groupTrees {
		b.data = b.data[:0]
		if from+k < to {
			b.use(&m.Trees[from+k], c.splits[from+k])
		} else {
			b.use(&padding, nil)
		}
		b.tree(&g, k, steps)
		if len(b.data) > maxTreeData || len(b.out.data) > math.MaxInt32 {
			b.out.data = b.out.data[:before]
			return false
		}
		g.tree[k] = uint32(len(b.out.data))
		b.out.data = append(b.out.data, b.data...)
		for len(b.out.data)%64 != 0 {
			b.out.data = append(b.out.data, 0)
		}
	}
	b.out.groups = append(b.out.groups, g)
	return true
}

// padding fills a group up: adding -0 changes no sum.
var padding = models.Tree{LeafValue: []float64{math.Copysign(0, -1)}}

func (b *blockBuilder) use(t *models.Tree, splits []split) {
	b.t, b.splits = t, splits
	b.size = sizes(t, b.size)
}

// depth is the number of nodes on the longest way down.
func depth(t *models.Tree) int {
	below := make([]int, len(t.Feature))
	for i := len(below) - 1; i >= 0; i-- {
		for _, c := range [2]int32{t.Left[i], t.Right[i]} {
			if c >= 0 {
				below[i] = max(below[i], below[c])
			}
		}
		below[i]++
	}
	if len(below) == 0 {
		return 0
	}
	return below[0]
}

// never is a block that tests nothing.
func never() (columns, bounds [blockNodes]uint8) {
	for i := range columns {
		columns[i], bounds[i] = noColumn, 255
	}
	return columns, bounds
}

// tree writes the data of tree k of a group that takes a number of steps. Its
// pieces are as small as that number allows: tables double with each node.
func (b *blockBuilder) tree(g *group, k, steps int) {
	if len(b.t.Feature) == 0 {
		g.columns[k], g.bounds[k] = never()
		b.room(2)
		b.entry(0, 0, b.leaf(b.t.LeafValue[0], steps > 1))
		return
	}
	most := 3
	for most < blockNodes && b.height(0, most) > steps {
		most++
	}
	root := b.grow(0, most)
	g.columns[k], g.bounds[k], g.cat[k] = b.tests8(&root)
	b.room(2 << root.nNodes)
	b.table(0, &root, most, steps)
}

// room adds n zero bytes, rounded up to 8, and gives their position.
func (b *blockBuilder) room(n int) int {
	at := len(b.data)
	b.data = append(b.data, make([]uint8, (n+7)&^7)...)
	return at
}

// entry sets entry i of the table at byte offset at to a position.
func (b *blockBuilder) entry(at, i, position int) {
	binary.LittleEndian.PutUint16(b.data[at+2*i:], uint16(min(position/8, math.MaxUint16)))
}

// leaf writes a leaf, which goes on when steps are left after it.
func (b *blockBuilder) leaf(v float64, goesOn bool) int {
	at := b.room(8)
	if b.float {
		binary.LittleEndian.PutUint32(b.data[at:], math.Float32bits(float32(v)))
	} else {
		binary.LittleEndian.PutUint64(b.data[at:], math.Float64bits(v))
	}
	if goesOn {
		b.room(b.header - 8 + 2)
		_, bounds := never()
		copy(b.data[at+8:], bounds[:])
		b.entry(at+b.header, 0, at)
	}
	return at
}

// block writes the block from node i down; it takes one of n steps that are
// left.
func (b *blockBuilder) block(i int32, most, n int) int {
	p := b.grow(i, most)
	if size := b.header + 2<<p.nNodes; len(b.data)%64 > 0 && (size > 64 || len(b.data)%64+size > 64) {
		b.room(64 - len(b.data)%64) // rather than into one more cache line
	}
	at := b.room(b.header + 2<<p.nNodes)
	columns, bounds, cat := b.tests8(&p)
	copy(b.data[at:], columns[:])
	copy(b.data[at+8:], bounds[:])
	if b.header == blockHeaderCat {
		binary.LittleEndian.PutUint32(b.data[at+16:], cat)
	}
	b.table(at+b.header, &p, most, n)
	return at
}

// tests8 gives the columns and bounds of a piece's nodes, and its place among
// the category answers, 0 when it needs none.
func (b *blockBuilder) tests8(p *piece) (columns, bounds [blockNodes]uint8, cat uint32) {
	columns, bounds = never()
	for k, i := range p.nodes[:p.nNodes] {
		s := b.splits[i]
		if s.set < 0 {
			columns[k], bounds[k] = uint8(b.e.place[s.column]), s.bound+1
			continue
		}
		if cat == 0 {
			cat = b.tests
			b.tests++
		}
		b.byCat[s.cat] = append(b.byCat[s.cat], catNode{cat, k, s.set})
	}
	return columns, bounds, cat
}

// table fills the table at a byte offset for a piece, and writes what follows.
func (b *blockBuilder) table(at int, p *piece, most, n int) {
	nodes, exits := p.nodes[:p.nNodes], p.exits[:p.nExits]
	var target [blockNodes + 1]int
	for k, x := range exits {
		if x >= 0 {
			target[k] = b.block(x, most, n-1)
		} else {
			target[k] = b.leaf(b.t.LeafValue[^x], n > 1)
		}
	}
	// Where each node's left and right side lead: to node k of the piece, or
	// out of it at exit ^k.
	var to [blockNodes][2]int
	for k, i := range nodes {
		for side, child := range [2]int32{b.t.Left[i], b.t.Right[i]} {
			if j := slices.Index(nodes, child); j >= 0 {
				to[k][side] = j
			} else {
				to[k][side] = ^slices.Index(exits, child)
			}
		}
	}
	for turns := range 1 << len(nodes) {
		k := 0
		for k >= 0 {
			k = to[k][turns>>k&1]
		}
		b.entry(at, turns, target[^k])
	}
}

// maxAnswers bounds the category answers of one feature, in bytes.
const maxAnswers = 1 << 25

func (b *blockBuilder) categories() bool {
	if b.header == blockHeader {
		return true
	}
	b.out.places = int(b.tests+31) &^ 31
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

// aligned copies b to a cache line boundary.
func aligned(b []uint8) []uint8 {
	raw := make([]uint8, len(b)+64)
	shift := int(-uintptr(unsafe.Pointer(&raw[0])) & 63)
	copy(raw[shift:], b)
	return raw[shift : shift+len(b)]
}
