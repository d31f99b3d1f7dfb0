// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"math"
	"testing"

	"github.com/assayrisk/assay/models/forest/foresttest"
)

// runLanes is what a program does, one operation and one vector at a time: the slow
// twin of the lanes kernels.
func runLanes(ops []laneOp, arena, sets []uint8) {
	for _, op := range ops {
		bound, dst := uint8(op.dst), op.dst>>8*blockRows
		for k := range uint32(blockRows) {
			code := arena[op.column+k]
			if bound == opSet {
				arena[dst+k] = 255
				if sets[op.left+uint32(code/8)]>>(code%8)&1 != 0 {
					arena[dst+k] = 0
				}
				continue
			}
			from := op.right
			if code <= bound {
				from = op.left
			}
			arena[dst+k] = arena[from+k]
		}
	}
	last := ops[len(ops)-1].dst >> 8 * blockRows
	copy(arena[:blockRows], arena[last:][:blockRows])
}

// TestLanesKernels: at each level, the kernels leave the leaf of each vector that
// the slow twin leaves, and that the model's walk finds; and they add its value to
// the sums.
func TestLanesKernels(t *testing.T) {
	if kernelLevel == levelGo {
		t.Skip("this build has no kernels")
	}
	for name, shape := range map[string]foresttest.Shape{
		"plain":   {Trees: 20, Leaves: 31, Features: 20, MixedMissing: true},
		"wide":    {Trees: 6, Leaves: 256, Features: 30, Missing: 0.5},
		"cats":    {Trees: 20, Leaves: 31, Features: 8, Categories: 60, Categorical: 0.7},
		"classes": {Trees: 20, Leaves: 63, Features: 3, Categories: 900, Categorical: 1},
	} {
		m := foresttest.Model(12, shape)
		c, err := columnize(m)
		if err != nil {
			t.Fatal(err)
		}
		e := newEncoder(c)
		l := newLanes(m, c, e)
		n := len(m.Features)
		rows := foresttest.Rows(12, m, blockRows)
		missing := make([]uint8, max(e.short, blockRows)+64)
		var sets *uint8
		if len(l.sets) > 0 {
			sets = &l.sets[0]
		}
		t.Run(name, func(t *testing.T) {
			eachLevel(t, func(t *testing.T) {
				if kernelLevel == levelGo {
					return
				}
				fast, slow := l.newArena(), l.newArena()
				e.encodeBlock(fast[l.codes*blockRows:], missing, rows, n, blockRows)
				e.encodeBlock(slow[l.codes*blockRows:], missing, rows, n, blockRows)
				for i := range l.trees {
					tree := &l.trees[i]
					if len(tree.ops) == 0 {
						continue
					}
					runLanes(tree.ops, slow, l.sets)
					checkLanes(t, i, fast, slow, blockRows, func() {
						lanesTree(&tree.ops[0], len(tree.ops), &fast[0], sets)
					})
					checkLanes(t, i, fast, slow, blockRows/2, func() {
						lanesTreeHalf(&tree.ops[0], len(tree.ops), &fast[0], sets)
					})
					var sums, half [blockRows]float64
					lanesAdd64(&sums, &tree.leaf[0], &slow[0])
					lanesAddFours64(&half, &tree.leaf[0], &slow[0], 5)
					for k := range blockRows {
						leaf := m.Trees[i].Leaf(rows[k*n : (k+1)*n])
						if int(slow[k]) != leaf {
							t.Fatalf("tree %d, vector %d: leaf %d, the walk finds %d", i, k, slow[k], leaf)
						}
						want := m.Trees[i].LeafValue[leaf]
						if math.Float64bits(sums[k]) != math.Float64bits(want) || k < 20 && half[k] != want {
							t.Fatalf("tree %d, vector %d: the sums are %v and %v, want %v", i, k,
								sums[k], half[k], want)
						}
					}
				}
			})
		})
	}
}

func checkLanes(t *testing.T, tree int, fast, slow []uint8, vectors int, run func()) {
	t.Helper()
	for k := range blockRows {
		fast[k] = 0xee
	}
	run()
	for k := range vectors {
		if fast[k] != slow[k] {
			t.Fatalf("tree %d, vector %d of %d: leaf %d, want %d", tree, k, vectors, fast[k], slow[k])
		}
	}
}
