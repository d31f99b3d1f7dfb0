// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest/foresttest"
)

// TestCodesDecide: at every node of every tree, code <= bound sends a vector to
// the side to which the model sends its value: also missing values, values next to
// thresholds, categories, and features of more thresholds than a column tells apart.
func TestCodesDecide(t *testing.T) {
	for name, shape := range map[string]foresttest.Shape{
		"plain":      {Trees: 20, Leaves: 31, Features: 20},
		"missing":    {Trees: 20, Leaves: 31, Features: 20, MixedMissing: true},
		"few":        {Trees: 9, Leaves: 15, Features: 3, Thresholds: 9, Missing: 1},
		"chunks":     {Trees: 60, Leaves: 63, Features: 3, Thresholds: 3000, MixedMissing: true},
		"categories": {Trees: 20, Leaves: 31, Features: 9, Categories: 70, Categorical: 0.6, Missing: 0.5},
		"many":       {Trees: 40, Leaves: 63, Features: 4, Categories: 900, Categorical: 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := foresttest.Model(5, shape)
			c, err := columnize(m)
			if err != nil {
				t.Fatal(err)
			}
			e := newEncoder(c)
			rows := foresttest.Rows(5, m, 60)
			n := len(m.Features)
			eachLevel(t, func(t *testing.T) {
				codes, missing := make([]uint8, e.width+64), make([]uint8, e.short+64)
				for i := 0; i < len(rows); i += n {
					x := rows[i : i+n]
					e.encode(codes, missing, x)
					e.encodeSets(codes, x)
					for k := range m.Trees {
						tree := &m.Trees[k]
						for j := range tree.Feature {
							place, bound := e.placeOf(c.splits[k][j])
							left := tree.Next(j, x) == tree.Left[j]
							if got := codes[place] <= bound; got != left {
								t.Fatalf("row %d, tree %d, node %d: code %d, bound %d; the value %v goes left: %v",
									i/n, k, j, codes[place], bound, x[tree.Feature[j]], left)
							}
						}
					}
				}
			})
		})
	}
}

// TestBlockCodes: the codes of a block are those that each vector has alone, and
// the classes of a categorical feature are told by exactly one of its columns, or,
// class 0, by none.
func TestBlockCodes(t *testing.T) {
	for _, shape := range []foresttest.Shape{
		{Trees: 20, Leaves: 31, Features: 20, MixedMissing: true},
		{Trees: 40, Leaves: 63, Features: 3, Thresholds: 2000, MixedMissing: true},
		{Trees: 40, Leaves: 63, Features: 5, Categories: 900, Categorical: 0.7, Missing: 0.5},
	} {
		m := foresttest.Model(6, shape)
		c, err := columnize(m)
		if err != nil {
			t.Fatal(err)
		}
		e := newEncoder(c)
		n := len(m.Features)
		rows := foresttest.Rows(6, m, blockRows)
		eachLevel(t, func(t *testing.T) {
			codes, missing := make([]uint8, e.width+64), make([]uint8, max(e.short, blockRows)+64)
			lines := make([]uint8, e.blockPlaces*blockRows)
			for _, count := range []int{1, 31, blockRows} {
				e.encodeBlock(lines, missing, rows[:count*n], n, count)
				for r := range count {
					x := rows[r*n : (r+1)*n]
					e.encode(codes, missing, x)
					for p := range e.numeric {
						if got := lines[p*blockRows+r]; got != codes[p] {
							t.Fatalf("%d vectors, vector %d, place %d: code %d, alone %d", count, r, p, got, codes[p])
						}
					}
					for i := range e.cats {
						category := &e.cats[i]
						class, named := int(category.classOf(x[category.feature])), 0
						for j := range category.chunks() {
							if code := int(lines[(e.classAt[i]+j)*blockRows+r]); code != 0 {
								if named++; code+j*maxCode != class {
									t.Fatalf("vector %d: column %d says class %d of %d", r, j, code+j*maxCode, class)
								}
							}
						}
						if want := min(class, 1); named != want {
							t.Fatalf("vector %d: %d columns say class %d", r, named, class)
						}
					}
				}
			}
		})
	}
}

// TestClasses: two categories have one class exactly when no set tells them apart,
// and a class is in the sets that its categories are in.
func TestClasses(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	for range 200 {
		codes, sets := 1+r.IntN(100), 1+r.IntN(9)
		s := categorySets{feature: 0}
		in := func(set, code int) bool {
			return code >= 0 && code/32 < len(s.sets[set]) && s.sets[set][code/32]>>(code%32)&1 != 0
		}
		for range sets {
			words := make([]uint32, 1+r.IntN((codes+31)/32))
			for i := range words {
				words[i] = r.Uint32() & r.Uint32()
			}
			s.sets = append(s.sets, words)
		}
		c, err := s.build()
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int32{} // membership -> class
		for code := -2; code < codes+70; code++ {
			membership := ""
			for set := range sets {
				membership += fmt.Sprint(in(set, code))
			}
			class := c.classOf(float64(code) + 0.5)
			if code < 0 {
				class = c.classOf(float64(code))
			}
			if other, ok := seen[membership]; ok && other != class {
				t.Fatalf("code %d has class %d, another code of the same sets %d", code, class, other)
			}
			seen[membership] = class
			for set := range sets {
				member := c.members[set][class/8]>>(class%8)&1 != 0
				outside := c.outside[int(class)*c.stride+set/8]>>(set%8)&1 != 0
				if member != in(set, code) || outside == member {
					t.Fatalf("code %d of class %d: in set %d %v, outside %v; want %v", code, class, set, member,
						outside, in(set, code))
				}
			}
		}
		if len(seen) < c.classes {
			t.Fatalf("%d classes for %d different memberships", c.classes, len(seen))
		}
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 1 << 40} {
			if class := c.classOf(v); class != 0 {
				t.Fatalf("%v has class %d", v, class)
			}
		}
	}
}

// TestTooManyClasses: tables of categories that would take too much memory are
// refused when the model is compiled.
func TestTooManyClasses(t *testing.T) {
	t.Parallel()
	const codes, sets = 1 << 16, 1<<15 + 64
	r := rand.New(rand.NewPCG(9, 9))
	s := categorySets{feature: 3}
	for range 40 {
		words := make([]uint32, codes/32)
		for i := range words {
			words[i] = r.Uint32()
		}
		s.sets = append(s.sets, words)
	}
	for len(s.sets) < sets { // empty ones: more bytes, no new class
		s.sets = append(s.sets, nil)
	}
	if _, err := s.build(); err == nil {
		t.Fatal("tables of more than maxCategoryTable bytes were made")
	}
}

// TestPieces: the pieces of a tree hold each of its nodes once and lead to each of
// its leaves once; a piece is at most eight connected nodes.
func TestPieces(t *testing.T) {
	t.Parallel()
	for _, shape := range []foresttest.Shape{
		{Trees: 20, Leaves: 1, Features: 2}, {Trees: 20, Leaves: 2, Features: 2}, {Trees: 20, Leaves: 9, Features: 5},
		{Trees: 20, Leaves: 300, Features: 5}, {Trees: 5, Leaves: 60, Features: 5, Chain: true},
	} {
		m := foresttest.Model(8, shape)
		var c cutter
		for k := range m.Trees {
			tree := &m.Trees[k]
			pieces, ok := c.cut(tree)
			if !ok {
				t.Fatalf("a tree of %d leaves was not cut", shape.Leaves)
			}
			nodes, leaves := map[int32]bool{}, map[int32]bool{}
			for i := range pieces {
				p := &pieces[i]
				own := p.nodes[p.padding:]
				if int(p.exitCount) != len(own)+1 {
					t.Fatalf("a piece of %d nodes has %d exits", len(own), p.exitCount)
				}
				inside := map[int32]bool{}
				for _, n := range own {
					if nodes[n] {
						t.Fatalf("node %d is in two pieces", n)
					}
					nodes[n], inside[n] = true, true
				}
				for lane, n := range own {
					if lane > 0 && !inside[parentOf(tree, n)] {
						t.Fatalf("node %d is not connected to its piece", n)
					}
				}
				for k, exit := range p.exits[:p.exitCount] {
					if exit < 0 {
						leaves[^exit] = true
					} else if child := &pieces[p.child[k]]; child.nodes[child.padding] != exit {
						t.Fatalf("exit %d leads to node %d, and its piece begins with %d", k, exit,
							child.nodes[child.padding])
					}
				}
			}
			if len(nodes) != len(tree.Feature) || len(leaves) != tree.Leaves() {
				t.Fatalf("the pieces have %d nodes of %d and %d leaves of %d", len(nodes), len(tree.Feature),
					len(leaves), tree.Leaves())
			}
		}
	}
}

func parentOf(t *models.Tree, n int32) int32 {
	for i := range t.Feature {
		if t.Left[i] == n || t.Right[i] == n {
			return int32(i)
		}
	}
	return -1
}

// TestShapeTables: for all 256 answers of a piece's nodes, its table gives the exit
// that following the nodes one by one gives.
func TestShapeTables(t *testing.T) {
	t.Parallel()
	tables := newShapeTables()
	m := foresttest.Model(9, foresttest.Shape{Trees: 60, Leaves: 40, Features: 5})
	var c cutter
	for k := range m.Trees {
		tree := &m.Trees[k]
		pieces, _ := c.cut(tree)
		for i := range pieces {
			p := &pieces[i]
			table := tables.tables[moveBytes+int(tables.tableOf(p.shape))*tableSize:][:tableSize]
			for answers := range tableSize {
				lanes := answers &^ (1<<p.padding - 1) // a lane without a node answers 0: into the piece
				at := p.nodes[p.padding]
				for at >= 0 {
					lane := p.padding
					for ; lane < blockNodes && p.nodes[lane] != at; lane++ {
					}
					if lane == blockNodes {
						break // outside of the piece
					}
					right := lanes>>lane&1 != 0
					if p.flip>>lane&1 != 0 {
						right = !right
					}
					if at = tree.Left[at]; right {
						at = tree.Right[p.nodes[lane]]
					}
				}
				if got := p.exits[table[lanes]-exitBit]; got != at {
					t.Fatalf("tree %d, piece %d, answers %08b: exit to %d, want %d", k, i, lanes, got, at)
				}
			}
		}
	}
	if tables.number > 46 {
		t.Errorf("%d shapes of eight nodes, at most 46 are expected", tables.number)
	}
}

// TestShuffles: the shuffle of each set of four trees brings its members to the
// front, in their order, and nothing else.
func TestShuffles(t *testing.T) {
	t.Parallel()
	tables := newShapeTables()
	for set := range 16 {
		move, want := tables.tables[8*set:][:8], []uint8{}
		for tree := range uint8(groupTrees) {
			if set>>(groupTrees-1-tree)&1 != 0 {
				want = append(want, tree)
			}
		}
		for i, got := range move {
			if i < len(want) && got != want[i] || i >= len(want) && got != 255 {
				t.Errorf("set %04b: byte %d of its shuffle is %d, want %v and then 255", set, i, got, want)
			}
		}
	}
}
