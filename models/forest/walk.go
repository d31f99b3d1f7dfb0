// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"errors"
	"math"
	"unsafe"

	"github.com/assayrisk/assay/models"
)

// The walk is the form that fits every model: from the root of each tree to a
// leaf, four trees (or four vectors) at a time, eight trees where there is a
// kernel for it, so that the processor has something to do while one of them
// waits for memory. A leaf is a slot whose test always leads to itself, so that a
// step has no branch. Only leaves have the bound 255: nodes have at most maxCode-1,
// and those that test a set 0.

// slot is a node or a leaf in eight bytes:
//
//	bits  0-7    bound: codes <= bound go to the left slot
//	bits  8-31   place of the code
//	bits 32-63   left slot; the right one follows it
type slot uint64

const maxPlace = 1 << 24

func newSlot(place int, bound uint8, left uint32) slot {
	return slot(bound) | slot(place)<<8 | slot(left)<<32
}

// walker is the walk form of a run of trees.
type walker struct {
	slots  []slot
	values []float64 // per slot: the leaf's value, 0 for nodes
	roots  []uint32  // per tree
	depths []int32   // per tree: nodes on the longest path
}

var errTooLarge = errors.New("the model has more nodes than can be compiled")

// checkWalkable refuses a model whose slots, or whose places of codes, are more
// than a slot can number.
func checkWalkable(m *models.Model, e *encoder) error {
	if e.width > maxPlace || countSlots(m) > math.MaxInt32 {
		return errTooLarge
	}
	return nil
}

func countSlots(m *models.Model) (n int) {
	for i := range m.Trees {
		n += 2*m.Trees[i].Leaves() - 1
	}
	return n
}

// newWalker lays out the trees of m, which is walkable.
func newWalker(m *models.Model, c *columns, e *encoder) *walker {
	n := countSlots(m)
	w := &walker{slots: make([]slot, n), values: make([]float64, n), roots: make([]uint32, len(m.Trees)),
		depths: make([]int32, len(m.Trees))}
	next := uint32(0)
	var queue []queued
	for i := range m.Trees {
		w.roots[i] = next
		next, queue = w.add(&m.Trees[i], c.splits[i], e, next, queue[:0])
		w.depths[i] = queue[len(queue)-1].depth
	}
	return w
}

// queued is a node (>= 0) or leaf (^leaf) that waits for its children's slots.
type queued struct {
	node  int32
	slot  uint32
	depth int32
}

// add lays out a tree breadth first from slot next on.
func (w *walker) add(t *models.Tree, splits []split, e *encoder, next uint32, queue []queued) (uint32, []queued) {
	root := queued{slot: next}
	if len(t.Feature) == 0 {
		root.node = ^0
	}
	next++
	queue = append(queue, root)
	for k := 0; k < len(queue); k++ {
		q := queue[k]
		if q.node < 0 {
			w.slots[q.slot] = newSlot(0, 255, q.slot)
			w.values[q.slot] = t.LeafValue[^q.node]
			continue
		}
		place, bound := e.placeOf(splits[q.node])
		w.slots[q.slot] = newSlot(place, bound, next)
		queue = append(queue, queued{t.Left[q.node], next, q.depth + 1}, queued{t.Right[q.node], next + 1, q.depth + 1})
		next += 2
	}
	return next, queue
}

// step moves from slot i to its child, or stays when it is a leaf.
func step(slots unsafe.Pointer, i uintptr, codes unsafe.Pointer) uintptr {
	s := *(*slot)(unsafe.Add(slots, i*8))
	var right uintptr
	if *(*uint8)(unsafe.Add(codes, uintptr(s>>8&(maxPlace-1)))) > uint8(s) {
		right = 1
	}
	return uintptr(s>>32) + right
}

// sumLeaves adds the leaves of trees [from, to) to s, in order.
func sumLeaves[T float32 | float64](w *walker, from, to int, codes []uint8, s T) T {
	if from == to {
		return s
	}
	p, x := unsafe.Pointer(&w.slots[0]), unsafe.Pointer(&codes[0])
	for kernelLevel > levelGo && from+8 <= to {
		var at [64]uint32
		n := min(len(at), to-from) / 8
		walkEights(&w.slots[0], &codes[0], &w.roots[from], &at[0], n)
		for _, i := range at[:8*n] {
			s += T(w.values[i])
		}
		from += 8 * n
	}
	for ; from+4 <= to; from += 4 {
		r, d := w.roots[from:from+4:from+4], w.depths[from:from+4:from+4]
		a, b, c, e := uintptr(r[0]), uintptr(r[1]), uintptr(r[2]), uintptr(r[3])
		for range (max(d[0], d[1], d[2], d[3]) + 1) / 2 {
			a2, b2, c2, e2 := step(p, a, x), step(p, b, x), step(p, c, x), step(p, e, x)
			a2, b2, c2, e2 = step(p, a2, x), step(p, b2, x), step(p, c2, x), step(p, e2, x)
			if (a^a2)|(b^b2)|(c^c2)|(e^e2) == 0 {
				break
			}
			a, b, c, e = a2, b2, c2, e2
		}
		s += T(w.values[a])
		s += T(w.values[b])
		s += T(w.values[c])
		s += T(w.values[e])
	}
	for ; from < to; from++ {
		i := uintptr(w.roots[from])
		for range w.depths[from] {
			i = step(p, i, x)
		}
		s += T(w.values[i])
	}
	return s
}

// addTree adds the leaves of tree t to the sums of len(dst) vectors, whose codes
// follow one another, width bytes each.
func addTree[T float32 | float64](w *walker, t int, dst []T, codes []uint8, width int) {
	p, x := unsafe.Pointer(&w.slots[0]), unsafe.Pointer(&codes[0])
	root, depth := uintptr(w.roots[t]), (w.depths[t]+1)/2
	k := 0
	for ; k+4 <= len(dst); k += 4 {
		x0 := unsafe.Add(x, k*width)
		x1, x2, x3 := unsafe.Add(x0, width), unsafe.Add(x0, 2*width), unsafe.Add(x0, 3*width)
		a, b, c, e := root, root, root, root
		for range depth {
			a2, b2, c2, e2 := step(p, step(p, a, x0), x0), step(p, step(p, b, x1), x1), step(p, step(p, c, x2), x2),
				step(p, step(p, e, x3), x3)
			if (a^a2)|(b^b2)|(c^c2)|(e^e2) == 0 {
				break
			}
			a, b, c, e = a2, b2, c2, e2
		}
		d := dst[k : k+4 : k+4]
		d[0] += T(w.values[a])
		d[1] += T(w.values[b])
		d[2] += T(w.values[c])
		d[3] += T(w.values[e])
	}
	for ; k < len(dst); k++ {
		dst[k] = sumLeaves(w, t, t+1, codes[k*width:(k+1)*width], dst[k])
	}
}

func (w *walker) addTree64(t int, dst []float64, codes []uint8, width int) {
	addTree(w, t, dst, codes, width)
}

func (w *walker) addTree32(t int, dst []float32, codes []uint8, width int) {
	addTree(w, t, dst, codes, width)
}
