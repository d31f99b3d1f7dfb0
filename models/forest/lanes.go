// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"unsafe"

	"github.com/assayrisk/assay/models"
)

// Lanes score a block of 64 vectors at a time. A line is 64 bytes, one a
// vector. A tree is evaluated from the bottom up: each node, once for all
// vectors, chooses between the lines of its two children by comparing the line
// of its column with its bound, and the line that the root chooses holds every
// vector's leaf. No vector's path through the tree is followed, so that there is
// nothing to mispredict and nothing to wait for.
//
// Trees of more than 256 leaves, whose numbers do not fit a byte, are walked.

// maxLaneLeaves is the largest number of leaves of a tree that has a program.
const maxLaneLeaves = 256

// laneOp is one operation on lines, which it names by their offset in the
// arena, in bytes. The kernels know its layout.
//
//	bound < 255:  dst = column <= bound ? left : right
//	bound = 255:  dst = column in the set at offset left ? 0 : 255
type laneOp struct {
	column, left, right uint32
	dst                 uint32 // line<<8 | bound
}

const opSet = 255

// laneTree is one tree; ops is empty when it has one leaf, or is walked.
type laneTree struct {
	ops    []laneOp
	leaf   []float64
	leaf32 []float32
	walked bool
}

// lanes is the lane form of a model. Its arena holds, in lines: the result;
// leaf number i in every byte of line 1+i; slots for nodes; codes.
type lanes struct {
	trees      []laneTree
	sets       []uint8 // 32 bytes a set: the classes of one chunk
	codes      int     // first line of the codes
	leaves     int     // lines of leaf numbers
	size       int     // of the arena, in lines
	someWalked bool    // some trees are walked
}

func newLanes(m *models.Model, c *columns, e *encoder) *lanes {
	l := &lanes{trees: make([]laneTree, len(m.Trees)), leaves: 1}
	for i := range m.Trees {
		if n := m.Trees[i].Leaves(); n <= maxLaneLeaves {
			l.leaves = max(l.leaves, n)
		}
	}
	b := laneBuilder{l: l, e: e, slots: 1 + l.leaves, setAt: map[[2]int32][]chunkSet{}}
	for i := range m.Trees {
		t := &m.Trees[i]
		if t.Leaves() > maxLaneLeaves {
			l.trees[i].walked, l.someWalked = true, true
			continue
		}
		b.addTree(t, c.splits[i])
		l.trees[i] = laneTree{ops: append([]laneOp(nil), b.ops...), leaf: append([]float64(nil), t.LeafValue...)}
		if m.Float32Sums {
			l.trees[i].leaf, l.trees[i].leaf32 = nil, toFloat32(t.LeafValue)
		}
	}
	// The number of slots is known now: the codes come after them.
	l.codes = b.slots + b.most
	l.size = l.codes + e.blockPlaces
	for i := range l.trees {
		for j := range l.trees[i].ops {
			op := &l.trees[i].ops[j]
			if op.column >= columnMark {
				op.column += uint32(l.codes)*blockRows - columnMark
			}
		}
	}
	return l
}

// columnMark marks, while slots are still being counted, an offset that is
// relative to the codes.
const columnMark = 1 << 31

func toFloat32(x []float64) []float32 {
	y := make([]float32, len(x))
	for i := range x {
		y[i] = float32(x[i])
	}
	return y
}

// laneBuilder writes programs.
type laneBuilder struct {
	l     *lanes
	e     *encoder
	ops   []laneOp
	free  []int // slots that are not in use
	used  int   // slots of this tree
	most  int   // slots of any tree
	slots int   // line of slot 0
	setAt map[[2]int32][]chunkSet
}

// chunkSet is a set's classes in one chunk: the offset of their bits.
type chunkSet struct {
	chunk  int
	offset uint32
}

func (b *laneBuilder) addTree(t *models.Tree, splits []split) {
	b.ops, b.free, b.used = b.ops[:0], b.free[:0], 0
	if len(t.Feature) > 0 {
		root := b.addNode(t, splits, 0)
		// The last operation gives the result, but where the root's set is
		// empty and it always goes right.
		if n := len(b.ops); n == 0 || b.ops[n-1].dst>>8 != uint32(root) {
			b.addChoice(0, 0, root, root, b.takeSlot())
		}
	}
	b.most = max(b.most, b.used)
}

func (b *laneBuilder) takeSlot() int {
	if n := len(b.free); n > 0 {
		s := b.free[n-1]
		b.free = b.free[:n-1]
		return s
	}
	b.used++
	return b.slots + b.used - 1
}

func (b *laneBuilder) releaseSlot(line int) {
	if line >= b.slots {
		b.free = append(b.free, line)
	}
}

// addNode writes the operations of node i and all below it, and gives the line
// of its result.
func (b *laneBuilder) addNode(t *models.Tree, splits []split, i int32) int {
	if i < 0 {
		return 1 + int(^i)
	}
	// The deeper child first would need fewer slots; trees are small enough.
	left := b.addNode(t, splits, t.Left[i])
	right := b.addNode(t, splits, t.Right[i])
	s := splits[i]
	if s.set >= 0 {
		return b.addCategory(s, left, right)
	}
	b.releaseSlot(left)
	b.releaseSlot(right)
	dst := b.takeSlot()
	b.addChoice(columnMark+uint32(b.e.place[s.column])*blockRows, s.bound, left, right, dst)
	return dst
}

func (b *laneBuilder) addChoice(column uint32, bound uint8, left, right, dst int) {
	b.ops = append(b.ops, laneOp{column, uint32(left) * blockRows, uint32(right) * blockRows,
		uint32(dst)<<8 | uint32(bound)})
}

// addCategory tests each chunk of classes that has members of the set, one after
// another: a vector that is in the set in one of them goes left.
func (b *laneBuilder) addCategory(s split, left, right int) int {
	result := right
	for _, cs := range b.setChunks(s) {
		test := b.takeSlot()
		b.ops = append(b.ops, laneOp{columnMark + uint32(b.e.classAt[s.cat]+cs.chunk)*blockRows, cs.offset, 0,
			uint32(test)<<8 | opSet})
		b.releaseSlot(test)
		if result != right || right < b.slots {
			b.releaseSlot(result)
		}
		dst := b.takeSlot()
		b.addChoice(uint32(test)*blockRows, 0, left, result, dst)
		result = dst
	}
	b.releaseSlot(left)
	return result
}

// setChunks writes the bits of a set, once for all nodes that test the set.
func (b *laneBuilder) setChunks(s split) []chunkSet {
	key := [2]int32{s.cat, s.set}
	if cs, ok := b.setAt[key]; ok {
		return cs
	}
	c := &b.e.cats[s.cat]
	cs := []chunkSet{}
	for j := range c.chunks() {
		var bits [32]uint8
		some := false
		for class := j*maxCode + 1; class < min((j+1)*maxCode+1, c.classes); class++ {
			if c.members[s.set][class/8]>>(class%8)&1 != 0 {
				k := c.inChunk(class, j)
				bits[k/8] |= 1 << (k % 8)
				some = true
			}
		}
		if some {
			cs = append(cs, chunkSet{j, uint32(len(b.l.sets))})
			b.l.sets = append(b.l.sets, bits[:]...)
		}
	}
	b.setAt[key] = cs
	return cs
}

// newArena makes an aligned arena with its leaf numbers filled in.
func (l *lanes) newArena() []uint8 {
	raw := make([]uint8, (l.size+1)*blockRows)
	shift := -uintptr(unsafe.Pointer(&raw[0])) & (blockRows - 1)
	a := raw[shift : int(shift)+l.size*blockRows]
	for i := range l.leaves {
		line := a[(1+i)*blockRows : (2+i)*blockRows]
		for k := range line {
			line[k] = uint8(i)
		}
	}
	return a
}

// fewRows is the largest number of vectors for which half of each line is enough.
const fewRows = blockRows / 2

// addBlock adds the leaves of every tree to the sums of a block of n vectors whose
// codes are in the arena. Trees without a program are walked, by the codes of the
// single vectors.
func (l *lanes) addBlock(s *scratch, w *walker, width, n int, float32s bool) {
	var sets *uint8
	if len(l.sets) > 0 {
		sets = &l.sets[0]
	}
	few, fours := n <= fewRows, (n+3)/4
	for i := range l.trees {
		t := &l.trees[i]
		if t.walked {
			if float32s {
				w.addTree32(i, s.sums32[:n], s.codes, width)
			} else {
				w.addTree64(i, s.sums[:n], s.codes, width)
			}
			continue
		}
		switch {
		case len(t.ops) == 0:
			clear(s.arena[:blockRows])
		case few:
			lanesTreeHalf(&t.ops[0], len(t.ops), &s.arena[0], sets)
		default:
			lanesTree(&t.ops[0], len(t.ops), &s.arena[0], sets)
		}
		switch {
		case few && float32s:
			lanesAddFours32(&s.sums32, &t.leaf32[0], &s.arena[0], fours)
		case few:
			lanesAddFours64(&s.sums, &t.leaf[0], &s.arena[0], fours)
		case float32s:
			lanesAdd32(&s.sums32, &t.leaf32[0], &s.arena[0])
		default:
			lanesAdd64(&s.sums, &t.leaf[0], &s.arena[0])
		}
	}
}
