// SPDX-License-Identifier: Apache-2.0

package forest

import "github.com/assayrisk/assay/models"

// piece is a block while the tree is being cut: at most eight connected nodes,
// and the nodes and leaves (^leaf) where it is left, both in the order of the
// block's lanes and exits. Its first spare lanes are of no node: they stand
// above the piece, and always lead into it.
//
// With two children exchanged where that brings the larger side to the left
// (the node is flipped: its answer is inverted), there are 46 shapes of eight
// nodes. A table for each says which exit eight answers lead to.
type piece struct {
	nodes  [blockNodes]int32
	exits  [blockNodes + 1]int32
	child  [blockNodes + 1]int32 // per exit that is a node: its piece, in the tree's list
	flip   uint8                 // bit per lane
	spare  uint8
	n      uint8  // exits
	shape  uint32 // bits of its outline
	places bool   // a node tests categories
}

// cutter cuts trees into pieces.
type cutter struct {
	t      *models.Tree
	size   []int32 // of the subtree under each node
	in     []bool  // per node: in the piece that is being made
	flip   []bool  // per node
	pieces []piece
}

// cut cuts t, and gives the number of pieces on the longest way down, and the
// pieces, the root's first.
func (c *cutter) cut(t *models.Tree) (height int, pieces []piece) {
	c.t = t
	c.size = sizes(t, c.size)
	c.in = append(c.in[:0], make([]bool, len(t.Feature))...)
	c.flip = append(c.flip[:0], c.in...)
	root := int32(0)
	if len(t.Feature) == 0 {
		root = ^0
	}
	c.pieces = make([]piece, 0, 2+len(t.Feature)/4)
	height = c.below(root)
	return height, c.pieces
}

// below appends the piece from node i down, and those below it.
func (c *cutter) below(i int32) (height int) {
	at := len(c.pieces)
	c.pieces = append(c.pieces, c.grow(i))
	for k, x := range c.pieces[at].exits[:c.pieces[at].n] {
		if x >= 0 {
			c.pieces[at].child[k] = int32(len(c.pieces))
			height = max(height, c.below(x))
		}
	}
	return height + 1
}

// grow makes the piece from node i down. It grows where most nodes wait, so that
// the way through the pieces gets short.
func (c *cutter) grow(i int32) (p piece) {
	var nodes [blockNodes]int32
	exits := [blockNodes + 1]int32{i}
	n := 0
	for n < blockNodes {
		best, at := int32(0), -1
		for k, x := range exits[:n+1] {
			if x >= 0 && c.size[x] > best {
				best, at = c.size[x], k
			}
		}
		if at < 0 {
			break
		}
		x := exits[at]
		nodes[n] = x
		c.in[x] = true
		exits[at], exits[n+1] = c.t.Left[x], c.t.Right[x]
		n++
	}
	shape := c.shape(i)
	for range blockNodes - n { // the spare lanes: the rest on the left, nothing on the right
		shape = shape.above(outline{})
	}
	p.shape = shape.bits
	p.spare = uint8(blockNodes - n)
	lane := p.spare
	c.emit(&p, &lane, i)
	for _, x := range nodes[:n] {
		c.in[x] = false
	}
	return p
}

// outline is the shape of a part of a piece: a bit for each node, 1, and each
// exit, 0, a node before its left side and that before its right.
type outline struct{ nodes, bits uint32 }

// above is the outline of a node with o on the left and r on the right.
func (o outline) above(r outline) outline {
	n := 2*r.nodes + 1
	return outline{o.nodes + r.nodes + 1, (1<<(2*o.nodes+1)|o.bits)<<n | r.bits}
}

func (o outline) larger(r outline) bool {
	return o.nodes > r.nodes || o.nodes == r.nodes && o.bits > r.bits
}

// shape decides which nodes of the piece are flipped, from node i down.
func (c *cutter) shape(i int32) outline {
	if i < 0 || !c.in[i] {
		return outline{}
	}
	l, r := c.shape(c.t.Left[i]), c.shape(c.t.Right[i])
	if c.flip[i] = r.larger(l); c.flip[i] {
		l, r = r, l
	}
	return l.above(r)
}

// emit gives nodes their lanes and exits their numbers, in the order of the
// outline.
func (c *cutter) emit(p *piece, lane *uint8, i int32) {
	if i < 0 || !c.in[i] {
		p.exits[p.n] = i
		p.n++
		return
	}
	p.nodes[*lane] = i
	l, r := c.t.Left[i], c.t.Right[i]
	if c.flip[i] {
		p.flip |= 1 << *lane
		l, r = r, l
	}
	*lane++
	c.emit(p, lane, l)
	c.emit(p, lane, r)
}

// shapeTables holds the tables of exits.
type shapeTables struct {
	tables []uint8
	known  map[uint32]uint16
}

func newShapeTables() *shapeTables {
	// Where the second table would be is the one entry of tableStay: 0.
	return &shapeTables{tables: make([]uint8, 2*tableSize), known: map[uint32]uint16{}}
}

// of gives the offset of the table of a shape of eight nodes.
func (s *shapeTables) of(shape uint32) uint16 {
	if at, ok := s.known[shape]; ok {
		return at
	}
	// Where the sides of each node lead to: to a node, or out at exit ^k.
	var to [blockNodes][2]int
	node, exit, left := 0, 0, 2*blockNodes+1
	var read func() int
	read = func() int {
		left--
		if shape>>left&1 == 0 {
			exit++
			return ^(exit - 1)
		}
		k := node
		node++
		to[k][0] = read()
		to[k][1] = read()
		return k
	}
	read()
	at := uint16(len(s.tables))
	if len(s.known) == 0 {
		at = 0
	} else {
		s.tables = append(s.tables, make([]uint8, tableSize)...)
	}
	for answers := range tableSize {
		k := 0
		for k >= 0 {
			k = to[k][answers>>k&1]
		}
		s.tables[int(at)+answers] = uint8(^k * blockSize / 8)
	}
	s.known[shape] = at
	return at
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
