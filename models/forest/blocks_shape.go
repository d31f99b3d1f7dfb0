// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"encoding/binary"
	"math"

	"github.com/assayrisk/assay/models"
)

// piece is a block while the tree is being cut: at most eight connected nodes,
// and the nodes and leaves (^leaf) that it leads to, both in the order of the
// block's lanes and exits. Its first lanes, padding of them, have no node: they
// are above the piece, and always lead into it.
//
// With two children exchanged where that brings the larger side to the left
// (the node is flipped: its answer is inverted), there are 46 shapes of eight
// nodes. A table for each says which exit eight answers lead to.
type piece struct {
	nodes         [blockNodes]int32
	exits         [blockNodes + 1]int32
	child         [blockNodes + 1]int32 // per exit that is a node: its piece, in the tree's list
	flip          uint8                 // bit per lane
	padding       uint8
	exitCount     uint8  // exits
	shape         uint32 // bits of its outline
	testsCategory bool   // a node tests categories
}

// cutter cuts trees into pieces.
type cutter struct {
	t          *models.Tree
	size       []int32   // nodes of what is under each leaf, from the last one on, and each node
	cover      []float64 // in the same order: training rows
	weight     []int64   // in the same order: what makes a piece grow
	depth      []int32   // in the same order: nodes on the longest way down
	pieces     []piece
	freePieces [][]piece // not in use any more
}

// cut cuts t, and gives the pieces, the root's first. It reports false for a tree
// that is too deep.
func (c *cutter) cut(t *models.Tree) (pieces []piece, ok bool) {
	c.t = t
	if c.measure() > maxSteps*blockNodes {
		return nil, false
	}
	c.weigh()
	root := int32(0)
	if len(t.Feature) == 0 {
		root = ^0
	}
	c.pieces = nil
	if n := len(c.freePieces); n > 0 {
		c.pieces, c.freePieces = c.freePieces[n-1][:0], c.freePieces[:n-1]
	}
	height := c.cutBelow(root)
	return c.pieces, height <= maxSteps
}

// measure counts the nodes under each node, itself included, and gives the
// number of nodes on the longest way down.
func (c *cutter) measure() (depth int32) {
	t, leaves := c.t, c.t.Leaves()
	// Leaves come before the nodes, the last one first. No branch asks what is a
	// leaf: the processor could not predict it.
	c.size, c.depth = resize(c.size, leaves+len(t.Feature)), resize(c.depth, leaves+len(t.Feature))
	clear(c.size[:leaves])
	clear(c.depth[:leaves])
	size, deep := c.size, c.depth
	for i := len(t.Feature) - 1; i >= 0; i-- {
		l, r := leaves+int(t.Left[i]), leaves+int(t.Right[i])
		size[leaves+i] = 1 + size[l] + size[r]
		deep[leaves+i] = 1 + max(deep[l], deep[r])
		depth = deep[leaves+i]
	}
	return depth
}

// weigh finds the weight of each node: how many training rows reached it and,
// where these are equal or unknown, how many nodes are under it.
func (c *cutter) weigh() {
	t, leaves := c.t, c.t.Leaves()
	n := len(t.Feature)
	c.cover, c.weight = resize(c.cover, leaves+n), resize(c.weight, leaves+n)
	cover, weight := c.cover, c.weight
	clear(cover[:leaves])
	switch {
	case len(t.LeafCount) > 0:
		for i, v := range t.LeafCount {
			cover[leaves-1-i] = max(float64(v), 0)
		}
	case len(t.LeafHess) > 0:
		for i, v := range t.LeafHess {
			cover[leaves-1-i] = max(v, 0)
		}
	}
	for i := n - 1; i >= 0; i-- {
		cover[leaves+i] = cover[leaves+int(t.Left[i])] + cover[leaves+int(t.Right[i])]
	}
	scale := 0.0
	if n > 0 && cover[leaves] > 0 && cover[leaves] < math.MaxFloat64 {
		scale = 1 << 36 / cover[leaves]
	}
	clear(weight[:leaves])
	for i := leaves; i < len(weight); i++ {
		weight[i] = int64(cover[i]*scale)<<24 | int64(min(c.size[i], 1<<24-1))
	}
}

// cutBelow appends the piece from node i down, and those below it.
func (c *cutter) cutBelow(i int32) (height int) {
	at := len(c.pieces)
	c.pieces = append(c.pieces, c.grow(i))
	for k, x := range c.pieces[at].exits[:c.pieces[at].exitCount] {
		if x >= 0 {
			c.pieces[at].child[k] = int32(len(c.pieces))
			height = max(height, c.cutBelow(x))
		}
	}
	return height + 1
}

// grow makes the piece from node i down. It grows where most rows go, so that
// most rows pass few pieces.
func (c *cutter) grow(i int32) (p piece) {
	leaves := c.t.Leaves()
	var g growth
	exits, weights := [blockNodes + 1]int32{i}, [blockNodes + 1]int64{c.weight[leaves+int(i)]}
	var above [blockNodes + 1]struct{ node, side uint8 } // of each exit
	for g.n < blockNodes {
		best, at := int64(0), 0
		for k, weight := range weights[:g.n+1] {
			if weight > best {
				best, at = weight, k
			}
		}
		if best == 0 {
			break
		}
		x := exits[at]
		l, r := c.t.Left[x], c.t.Right[x]
		g.side[above[at].node][above[at].side].node = uint8(g.n) // the root is 0, of no node
		g.number[g.n] = x
		g.side[g.n] = [2]growthSide{{exit: l}, {exit: r}}
		above[at] = struct{ node, side uint8 }{uint8(g.n), 0}
		exits[at], weights[at] = l, c.weight[leaves+int(l)]
		g.n++
		above[g.n] = struct{ node, side uint8 }{uint8(g.n - 1), 1}
		exits[g.n], weights[g.n] = r, c.weight[leaves+int(r)]
	}
	g.layOut(&p, i)
	return p
}

// growth is a piece that is being made: nodes in the order in which they were
// added, each after the node above it.
type growth struct {
	n      int
	number [blockNodes]int32 // in the tree
	side   [blockNodes][2]growthSide
}

// growthSide is where a side of a node leads to: another node of the piece, or
// out when that is 0, which is the root.
type growthSide struct {
	node uint8
	exit int32
}

// layOut decides which nodes are flipped, and gives nodes their lanes and exits
// their numbers, in the order of the outline. A piece that is a leaf has no node.
func (g *growth) layOut(p *piece, root int32) {
	var flip [blockNodes]uint8
	var shapes [blockNodes]outline
	for k := g.n - 1; k >= 0; k-- {
		var l, r outline
		if at := g.side[k][0].node; at > 0 {
			l = shapes[at]
		}
		if at := g.side[k][1].node; at > 0 {
			r = shapes[at]
		}
		if r.larger(l) {
			l, r = r, l
			flip[k] = 1
			g.side[k][0], g.side[k][1] = g.side[k][1], g.side[k][0]
		}
		shapes[k] = l.above(r)
	}
	shape := shapes[0]
	p.padding = uint8(blockNodes - g.n)
	for range p.padding { // a lane without a node: the piece on the left, nothing on the right
		shape = shape.above(outline{})
	}
	p.shape = shape.bits
	if g.n == 0 {
		p.exits[0], p.exitCount = root, 1
		return
	}
	var todo [blockNodes + 1]growthSide
	lane, k := p.padding, uint8(0)
	for waiting := 0; ; {
		p.nodes[lane] = g.number[k]
		p.flip |= flip[k] << lane
		lane++
		todo[waiting], todo[waiting+1] = g.side[k][1], g.side[k][0]
		waiting += 2
		for waiting > 0 && todo[waiting-1].node == 0 {
			waiting--
			p.exits[p.exitCount] = todo[waiting].exit
			p.exitCount++
		}
		if waiting == 0 {
			return
		}
		waiting--
		k = todo[waiting].node
	}
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

// shapeTables holds the tables of exits. Before them are the shuffles that move
// trees to the queue: for each of the 16 sets of four trees, the shuffle that
// brings its members to the front. The first tree is the highest bit.
type shapeTables struct {
	tables []uint8
	known  []uint8 // by shape: the number of its table, plus one
	number uint8   // of tables
}

const moveBytes = 16 * 8

func newShapeTables() *shapeTables {
	s := &shapeTables{tables: aligned(moveBytes), known: make([]uint8, 1<<(2*blockNodes+1))}
	for set := range 16 {
		move := s.tables[8*set:][:8]
		binary.LittleEndian.PutUint64(move, math.MaxUint64) // what shuffles read as 0
		n := 0
		for k := range uint8(groupTrees) {
			if set>>(groupTrees-1-k)&1 != 0 {
				move[n] = k
				n++
			}
		}
	}
	return s
}

// tableOf gives the number of the table for a shape of eight nodes.
func (s *shapeTables) tableOf(shape uint32) uint8 {
	if at := s.known[shape]; at > 0 {
		return at - 1
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
	at := s.number
	s.number++
	for answers := range tableSize {
		k := 0
		for k >= 0 {
			k = to[k][answers>>k&1]
		}
		s.tables = append(s.tables, uint8(^k+exitBit))
	}
	s.known[shape] = at + 1
	return at
}
