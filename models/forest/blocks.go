// SPDX-License-Identifier: Apache-2.0

package forest

import "math"

// Blocks score one vector. A block is a connected piece of a tree, of at most
// eight nodes; all of them are tested at once, and the eight answers, read as a
// number, are looked up in the block's table, which says where the piece is
// left: at another block, or at a leaf. Four trees go side by side, 32 nodes a
// register. The codes of up to 128 columns stay in registers, where byte
// shuffles fetch them.
//
// A tree of 31 leaves takes two or three blocks from root to leaf, one of 255
// leaves four or five. The four trees of a group take the same number of steps;
// a leaf that is reached early leads to itself.

const (
	blockNodes  = 8
	groupTrees  = 4
	maxColumns  = 128 // that the registers hold
	maxSteps    = 12  // a deeper tree is walked
	maxTreeData = 8 * math.MaxUint16
	noColumn    = 0x80 // a shuffle gives 0 for it
)

// group is the start of four trees. The kernels know its layout.
type group struct {
	columns [groupTrees][blockNodes]uint8 // 0: of the root blocks
	bounds  [groupTrees][blockNodes]uint8 // 32: a code of at least the bound goes right
	tree    [groupTrees]uint32            // 64: offset of the tree's data
	cat     [groupTrees]uint32            // 80: the root blocks' places in the category answers
	steps   uint32                        // 96: lookups after the first
	_       [28]byte
}

// A tree's data starts with the table of its root block. A table has an entry
// for each combination of right turns: a position in the tree's data, in units
// of 8 bytes, of the next block or of the leaf. A block is
//
//	0  columns [8]uint8
//	8  bounds  [8]uint8
//	16 place in the category answers, uint32, and 4 bytes of nothing; only in models with categories
//	.. table   [1<<nodes]uint16
//
// and a leaf is its value, 8 bytes. One that can be reached before the last
// step goes on as a block whose columns happen to be the value, whose bounds no
// code reaches, and whose table leads to itself.
const (
	blockHeader    = 16
	blockHeaderCat = 24
)

// blocks is the block form of a model.
type blocks struct {
	runs   []run
	groups []group
	data   []uint8
	cats   []blockCats
	places int  // bytes of category answers, a multiple of 32; 0 without categories
	walk   bool // some trees are walked
}

// run is a run of trees: groups [from, to), or trees [from, to) that are walked.
type run struct {
	from, to int
	walked   bool
}

// blockCats holds, for each class of a categorical feature, the answers of all
// nodes that split on it: bit k of byte p is set when node k of the block at
// place p goes right.
type blockCats struct {
	cat    int32
	answer []uint8 // classes * places
}

// answers collects the category answers of x.
func (b *blocks) answers(dst []uint8, cats []category, x []float64) {
	for i := range b.cats {
		bc := &b.cats[i]
		c := &cats[bc.cat]
		row := bc.answer[int(c.classOf(x[c.feature]))*b.places:][:b.places]
		if i == 0 {
			copy(dst, row)
		} else {
			orBytes(dst[:b.places], row)
		}
	}
}

// sum adds the leaves of all trees to f.init and gives the sum.
func (b *blocks) sum(f *Forest, s *scratch, x []float64) float64 {
	var answers *uint8
	if b.places > 0 {
		b.answers(s.answers, f.encoder.cats, x)
		answers = &s.answers[0]
	}
	total, total32 := f.init, float32(f.init)
	for _, r := range b.runs {
		switch {
		case r.walked && f.float32:
			total32 = sum(f.walker, r.from, r.to, s.codes, total32)
		case r.walked:
			total = sum(f.walker, r.from, r.to, s.codes, total)
		case f.float32 && answers != nil:
			total32 = blocksCat32(&b.groups[r.from], r.to-r.from, &s.codes[0], &b.data[0], answers, total32)
		case f.float32:
			total32 = blocks32(&b.groups[r.from], r.to-r.from, &s.codes[0], &b.data[0], nil, total32)
		case answers != nil && f.encoder.numeric <= 64:
			total = blocks4Cat64(&b.groups[r.from], r.to-r.from, &s.codes[0], &b.data[0], answers, total)
		case answers != nil:
			total = blocksCat64(&b.groups[r.from], r.to-r.from, &s.codes[0], &b.data[0], answers, total)
		case f.encoder.numeric <= 64:
			total = blocks4x64(&b.groups[r.from], r.to-r.from, &s.codes[0], &b.data[0], nil, total)
		default:
			total = blocks8x64(&b.groups[r.from], r.to-r.from, &s.codes[0], &b.data[0], nil, total)
		}
	}
	if f.float32 {
		return float64(total32)
	}
	return total
}
