// SPDX-License-Identifier: Apache-2.0

// Package forest is the compiled predictor: a [models.Model] goes in once, and
// a form comes out that scores one vector or a batch of them, and explains a
// score exactly, without allocating and from any number of goroutines.
//
// Every form gives the bits of [models.Model.Margin], the naive walk: leaves
// are found by exact comparison, and their values are added in tree order.
// TestMargin and FuzzMargin hold it to that.
package forest

import (
	"fmt"
	"sync"

	"github.com/assayrisk/assay/models"
)

// Forest is a compiled model. It is immutable and safe for concurrent use.
type Forest struct {
	features int
	init     float64
	trees    int
	float32  bool // sums are rounded to float32
	average  bool
	encoder  *encoder
	walker   *walker // nil when no tree is walked
	lanes    *lanes  // nil without kernels, or when large
	blocks   *blocks // nil without kernels, or when no tree fits
	large    bool    // batches are scored one vector after another, by blocks
	explain  *explainer
	splits   []int     // per feature
	gains    []float64 // per feature
	pool     sync.Pool // of *scratch
}

// Compile validates m and makes its compiled form. m is not kept.
func Compile(m *models.Model) (*Forest, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("forest: %w", err)
	}
	c, err := columnize(m)
	if err != nil {
		return nil, fmt.Errorf("forest: %w", err)
	}
	f := &Forest{features: len(m.Features), init: m.Init, trees: len(m.Trees), float32: m.Float32Sums,
		average: m.Average && len(m.Trees) > 0}
	f.encoder = newEncoder(c)
	if err := walkable(m, f.encoder); err != nil {
		return nil, fmt.Errorf("forest: %w", err)
	}
	f.explain = newExplainer(m, c, f.encoder, func() {
		f.count(m)
		f.forms(m, c)
	})
	f.pool.New = func() any { return f.newScratch() }
	return f, nil
}

// forms makes the forms that scores will be made with: a form that another
// leaves nothing to do is not made.
func (f *Forest) forms(m *models.Model, c *columns) {
	if use > levelGo {
		f.blocks = newBlocks(m, c, f.encoder)
		nodes := 0
		for _, n := range f.splits {
			nodes += n
		}
		f.large = f.blocks != nil && !f.blocks.walk && nodes > largeTree*len(m.Trees)
	}
	if f.large {
		return
	}
	if use > levelGo {
		f.lanes = newLanes(m, c, f.encoder)
	}
	if f.blocks == nil || f.blocks.walk || f.lanes.walk {
		f.walker = newWalker(m, c, f.encoder)
	}
}

// blockRows is the number of vectors that a batch scores at a time.
const blockRows = 64

// scratch is what a call writes to.
type scratch struct {
	codes   []uint8 // of blockRows vectors, encoder.width each
	missing []uint8
	arena   []uint8 // of lanes
	answers []uint8 // of blocks
	at      [2 * atSize]uint32
	queue   [queueSize]uint8
	shap    *shapScratch
	side    []int8 // of a background's walk
	sums    [blockRows]float64
	sums32  [blockRows]float32
}

func (f *Forest) newScratch() *scratch {
	s := &scratch{codes: make([]uint8, blockRows*f.encoder.width+maxColumns),
		missing: make([]uint8, max(f.encoder.short, blockRows)+64)}
	if f.lanes != nil {
		s.arena = f.lanes.newArena()
	}
	if f.blocks != nil {
		s.answers = make([]uint8, f.blocks.places)
		s.at[0], s.at[atSize] = idle/leafSize, idle/leafSize
	}
	return s
}

// Features returns the length of the vectors that f scores.
func (f *Forest) Features() int { return f.features }

// Trees returns the number of trees.
func (f *Forest) Trees() int { return f.trees }

// Margin scores one vector of Features values, NaN for a missing one. A vector
// of another length is a mistake of the caller's and panics.
func (f *Forest) Margin(x []float64) float64 {
	f.check(len(x) == f.features)
	s := f.pool.Get().(*scratch)
	m := f.one(s, x)
	f.pool.Put(s)
	return m
}

func (f *Forest) one(s *scratch, x []float64) float64 {
	f.encoder.encode(s.codes, s.missing, x)
	if f.blocks == nil || f.blocks.walk {
		f.encoder.sets(s.codes, x)
	}
	if f.blocks != nil {
		return f.finish(f.blocks.sum(f, s, x))
	}
	if f.float32 {
		return f.finish(float64(sum(f.walker, 0, f.trees, s.codes, float32(f.init))))
	}
	return f.finish(sum(f.walker, 0, f.trees, s.codes, f.init))
}

// Margins scores len(dst) vectors, laid one after another in rows.
func (f *Forest) Margins(dst, rows []float64) {
	f.check(len(rows) == len(dst)*f.features)
	s := f.pool.Get().(*scratch)
	for len(dst) > 0 {
		n := min(len(dst), blockRows)
		f.block(s, dst[:n], rows[:n*f.features])
		dst, rows = dst[n:], rows[n*f.features:]
	}
	f.pool.Put(s)
}

// minLanes is the number of vectors from which on a block is faster than one
// vector after another.
const minLanes = 12

// largeTree is the number of nodes of the mean tree from which on blocks are
// faster than lanes: these test every node of a tree, those a way through it.
const largeTree = 96

// block scores at most blockRows vectors.
func (f *Forest) block(s *scratch, dst, rows []float64) {
	if f.large || f.lanes != nil && len(dst) < minLanes {
		for i := range dst {
			dst[i] = f.one(s, rows[i*f.features:(i+1)*f.features])
		}
		return
	}
	if f.lanes == nil || f.lanes.walk {
		for i := range dst {
			x, codes := rows[i*f.features:(i+1)*f.features], s.codes[i*f.encoder.width:]
			f.encoder.encode(codes, s.missing, x)
			f.encoder.sets(codes, x)
		}
	}
	for i := range s.sums {
		s.sums[i], s.sums32[i] = f.init, float32(f.init)
	}
	if f.lanes != nil {
		f.encoder.encodeBlock(s.arena[f.lanes.codes*blockRows:], s.missing, rows, f.features, len(dst))
		f.lanes.block(s, f.walker, f.encoder.width, len(dst), f.float32)
	} else {
		for t := range f.trees {
			if f.float32 {
				f.walker.tree32(t, s.sums32[:len(dst)], s.codes, f.encoder.width)
			} else {
				f.walker.tree64(t, s.sums[:len(dst)], s.codes, f.encoder.width)
			}
		}
	}
	for i := range dst {
		if f.float32 {
			dst[i] = f.finish(float64(s.sums32[i]))
		} else {
			dst[i] = f.finish(s.sums[i])
		}
	}
}

// finish turns a sum into a margin.
func (f *Forest) finish(sum float64) float64 {
	if f.average && !f.float32 {
		return sum / float64(f.trees)
	}
	return sum
}

func (f *Forest) check(ok bool) {
	if !ok {
		panic(fmt.Sprintf("forest: the length of a vector or batch does not fit a model of %d features", f.features))
	}
}

// Kernels names the instructions that this process scores with: "avx512",
// "avx2", or "go" without assembly. The margins are the same.
func Kernels() string {
	return [...]string{levelGo: "go", levelAVX2: "avx2", levelAVX512: "avx512"}[use]
}
