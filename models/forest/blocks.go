// SPDX-License-Identifier: Apache-2.0

package forest

// Blocks score one vector. A block is a connected piece of a tree, of at most
// eight nodes, in 24 bytes. Its nodes are tested at once, four trees side by
// side, 32 nodes a register; the eight answers, and the block's shape, say
// where the piece is left: at another block, or at a leaf. The codes of up to
// 128 columns stay in registers, where byte shuffles fetch them.
//
// Trees are taken a chunk of 64 at a time. First all its root blocks are tested.
// Where one leads to another block, its tree enters a queue, which is taken in
// rounds, four trees at a time: all trees that wait take a step, and those that
// did not come to a leaf wait for the next round. The blocks of a round do not wait for
// one another, so that the processor works on many at once, and the cache line of
// a block is asked for when its tree enters the queue. While the roots of a chunk
// are tested, the leaves of the chunk before are added, in tree order.

const (
	blockNodes  = 8
	groupTrees  = 4
	chunkGroups = 16
	chunkTrees  = groupTrees * chunkGroups
	maxColumns  = 128 // whose codes fit the registers
	maxSteps    = 12  // a deeper tree is walked

	atSize = 1 + chunkTrees // the first place belongs to no tree
	// room for every entry, for rounds that are filled up, and for reads and writes past the end
	queueSize = chunkTrees * maxSteps
)

// group is the root blocks of four trees. The kernels know its layout, and that
// of the blocks that follow.
type group struct {
	columns [groupTrees][8]uint8 // 0: the top bit is the node's flip
	bounds  [groupTrees][8]uint8 // 32: a code of at least the bound answers 1
	next    [groupTrees]link     // 64
}

// link says what a block leads to. From the lowest bit on:
//
//	base   32 bits: position of the block's exits in the data, in units of 8 bytes, see newLink
//	place  16 bits: of the block in its chunk's category answers
//	open    9 bits: of each exit, whether it leads to a block
//	        1 bit, 0
//	table   6 bits: of the block's shape, which gives the exit for eight answers
type link uint64

// An entry of a table is exitBit more than the exit's number, and so is the
// number of the exit's bit in the link. base is less by what that adds.
const exitBit = 48

func newLink(row int, place uint16, open uint16, table uint8) link {
	base := uint32(row/leafSize - exitBit*slotSize/leafSize)
	return link(base) | link(place)<<32 | link(open)<<exitBit | link(table)<<58
}

// In the data, a block is its columns, bounds and link, and a leaf its value. The
// children of a block form one row, slotSize apart; rows interlock, one using the
// room that others leave free. No block crosses the boundary of a cache line.
const (
	blockSize = 24
	blockLink = 16
	leafSize  = 8
	slotSize  = 32
	tableSize = 1 << blockNodes
)

// The data begins with a leaf of -0, and with the block of a tree that does not
// exist, which leads to itself.
const idleBlock = 32

// chunkHead is up to 64 trees.
type chunkHead struct {
	groups uint32 // 0
	place  uint32 // 4: of the chunk's category answers
}

// blocks is the block form of a model.
type blocks struct {
	runs       []run
	chunks     []chunkHead
	groups     []group
	data       []uint8
	shapes     []uint8 // the shuffles that move trees to the queue, and the tables of exits
	zero       [atSize]uint32
	cats       []categoryAnswers
	places     int  // bytes of category answers, a multiple of 32; 0 without categories
	someWalked bool // some trees are walked
}

// run is consecutive trees: chunks [from, to), whose groups begin at group, or
// trees [from, to) that are walked.
type run struct {
	from, to int
	group    int
	walked   bool
}

// categoryAnswers holds, for each class of a categorical feature, the answers of all
// nodes that split on it: bit k of byte p is set when node k of the block at
// place p goes right.
type categoryAnswers struct {
	category int32
	answer   []uint8 // classes * places
}

// blockArgs is what the kernels read and write. They know its layout.
type blockArgs struct {
	chunks  *chunkHead // 0
	n       int        // 8
	groups  *group     // 16
	codes   *uint8     // 24
	data    *uint8     // 32
	shapes  *uint8     // 40
	answers *uint8     // 48
	at      *uint32    // 56: where each tree of two chunks is
	zero    *uint32    // 64: the leaf of -0, for each tree of no chunk
	queue   *uint8     // 72: numbers of trees, from 1 on
}

// collectAnswers collects the category answers of x.
func (b *blocks) collectAnswers(dst []uint8, cats []category, x []float64) {
	for i := range b.cats {
		bc := &b.cats[i]
		c := &cats[bc.category]
		row := bc.answer[int(c.classOf(x[c.feature]))*b.places:][:b.places]
		if i == 0 {
			copy(dst, row)
		} else {
			orBytes(dst[:b.places], row)
		}
	}
}

// sumLeaves adds the leaves of all trees to f.init.
func (b *blocks) sumLeaves(f *Forest, s *scratch, x []float64) float64 {
	a := blockArgs{codes: &s.codes[0], data: &b.data[0], shapes: &b.shapes[0], at: &s.treeAt[0],
		zero: &b.zero[0], queue: &s.queue[0]}
	if b.places > 0 {
		b.collectAnswers(s.answers, f.encoder.cats, x)
		a.answers = &s.answers[0]
	}
	few := f.encoder.numeric <= 64
	total, total32 := f.init, float32(f.init)
	for _, r := range b.runs {
		if !r.walked {
			a.chunks, a.n, a.groups = &b.chunks[r.from], r.to-r.from, &b.groups[r.group]
		}
		switch {
		case r.walked && f.float32:
			total32 = sumLeaves(f.walker, r.from, r.to, s.codes, total32)
		case r.walked:
			total = sumLeaves(f.walker, r.from, r.to, s.codes, total)
		case f.float32 && b.places > 0:
			total32 = blocksCategories32(&a, total32)
		case f.float32:
			total32 = blocks32(&a, total32)
		case b.places > 0 && few:
			total = blocksFewCategories64(&a, total)
		case b.places > 0:
			total = blocksManyCategories64(&a, total)
		case few:
			total = blocksFew64(&a, total)
		default:
			total = blocksMany64(&a, total)
		}
	}
	if f.float32 {
		return float64(total32)
	}
	return total
}
