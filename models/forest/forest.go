// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"fmt"
	"sync"

	"github.com/assayrisk/assay/models"
)

// Forest is a compiled model. It is immutable and safe for concurrent use.
type Forest struct {
	features           int
	init               float64
	trees              int
	float32            bool // sums are rounded to float32
	average            bool
	encoder            *encoder
	walker             *walker // nil when no tree is walked
	lanes              *lanes  // nil without kernels, or when large
	blocks             *blocks // nil without kernels, or when no tree fits
	blocksScoreBatches bool    // batches are scored one vector after another
	explainer          *explainer
	splits             []int     // per feature
	gains              []float64 // per feature
	pool               sync.Pool // of *scratch
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
	if err := checkWalkable(m, f.encoder); err != nil {
		return nil, fmt.Errorf("forest: %w", err)
	}
	f.explainer = newExplainer(m, c, f.encoder, func() {
		f.countSplits(m)
		f.makeForms(m, c)
	})
	f.pool.New = func() any { return f.newScratch() }
	return f, nil
}

// makeForms makes the forms that compute scores. Where blocks score batches too,
// lanes are not made, and where no tree is walked, the walk is not.
func (f *Forest) makeForms(m *models.Model, c *columns) {
	if kernelLevel > levelGo {
		f.blocks = newBlocks(m, c, f.encoder)
		nodes := 0
		for _, n := range f.splits {
			nodes += n
		}
		f.blocksScoreBatches = f.blocks != nil && !f.blocks.someWalked && nodes > largeTree*len(m.Trees)
	}
	if f.blocksScoreBatches {
		return
	}
	if kernelLevel > levelGo {
		f.lanes = newLanes(m, c, f.encoder)
	}
	if f.blocks == nil || f.blocks.someWalked || f.lanes.someWalked {
		f.walker = newWalker(m, c, f.encoder)
	}
}

// blockRows is the number of vectors that a batch scores at a time.
const blockRows = 64

// scratch is the memory that a call writes to.
type scratch struct {
	codes   []uint8 // of blockRows vectors, encoder.width each
	missing []uint8
	arena   []uint8 // of lanes
	answers []uint8 // of blocks
	treeAt  [2 * atSize]uint32
	queue   [queueSize]uint8
	shap    *shapScratch
	side    []int8 // for explanations against a background
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
		s.treeAt[0], s.treeAt[atSize] = idleBlock/leafSize, idleBlock/leafSize
	}
	return s
}

// Features returns the length of the vectors that f scores.
func (f *Forest) Features() int { return f.features }

// Trees returns the number of trees.
func (f *Forest) Trees() int { return f.trees }

// Margin scores one vector of Features values, with NaN for a missing one. A vector
// of another length is a programming error and panics.
func (f *Forest) Margin(x []float64) float64 {
	f.mustFit(len(x) == f.features)
	s := f.pool.Get().(*scratch)
	m := f.scoreOne(s, x)
	f.pool.Put(s)
	return m
}

func (f *Forest) scoreOne(s *scratch, x []float64) float64 {
	f.encoder.encode(s.codes, s.missing, x)
	if f.blocks == nil || f.blocks.someWalked {
		f.encoder.encodeSets(s.codes, x)
	}
	if f.blocks != nil {
		return f.toMargin(f.blocks.sumLeaves(f, s, x))
	}
	if f.float32 {
		return f.toMargin(float64(sumLeaves(f.walker, 0, f.trees, s.codes, float32(f.init))))
	}
	return f.toMargin(sumLeaves(f.walker, 0, f.trees, s.codes, f.init))
}

// Margins scores len(dst) vectors, laid one after another in rows.
func (f *Forest) Margins(dst, rows []float64) {
	f.mustFit(len(rows) == len(dst)*f.features)
	s := f.pool.Get().(*scratch)
	for len(dst) > 0 {
		n := min(len(dst), blockRows)
		f.scoreBlock(s, dst[:n], rows[:n*f.features])
		dst, rows = dst[n:], rows[n*f.features:]
	}
	f.pool.Put(s)
}

// minLanes is the number of vectors from which on lanes are faster than one vector
// after another.
const minLanes = 12

// largeTree is the mean number of nodes of a tree from which on blocks are faster
// than lanes: lanes test every node of a tree, blocks those of one path.
const largeTree = 96

// scoreBlock scores at most blockRows vectors.
func (f *Forest) scoreBlock(s *scratch, dst, rows []float64) {
	if f.blocksScoreBatches || f.lanes != nil && len(dst) < minLanes {
		for i := range dst {
			dst[i] = f.scoreOne(s, rows[i*f.features:(i+1)*f.features])
		}
		return
	}
	if f.lanes == nil || f.lanes.someWalked {
		for i := range dst {
			x, codes := rows[i*f.features:(i+1)*f.features], s.codes[i*f.encoder.width:]
			f.encoder.encode(codes, s.missing, x)
			f.encoder.encodeSets(codes, x)
		}
	}
	for i := range s.sums {
		s.sums[i], s.sums32[i] = f.init, float32(f.init)
	}
	if f.lanes != nil {
		f.encoder.encodeBlock(s.arena[f.lanes.codes*blockRows:], s.missing, rows, f.features, len(dst))
		f.lanes.addBlock(s, f.walker, f.encoder.width, len(dst), f.float32)
	} else {
		for t := range f.trees {
			if f.float32 {
				f.walker.addTree32(t, s.sums32[:len(dst)], s.codes, f.encoder.width)
			} else {
				f.walker.addTree64(t, s.sums[:len(dst)], s.codes, f.encoder.width)
			}
		}
	}
	for i := range dst {
		if f.float32 {
			dst[i] = f.toMargin(float64(s.sums32[i]))
		} else {
			dst[i] = f.toMargin(s.sums[i])
		}
	}
}

// toMargin turns a sum into a margin.
func (f *Forest) toMargin(sum float64) float64 {
	if f.average && !f.float32 {
		return sum / float64(f.trees)
	}
	return sum
}

func (f *Forest) mustFit(ok bool) {
	if !ok {
		panic(fmt.Sprintf("forest: the length of a vector or batch does not fit a model of %d features", f.features))
	}
}

// Kernels names the instructions that this process scores with: "avx512",
// "avx2", or "go" without assembly. The margins are the same.
func Kernels() string {
	return [...]string{levelGo: "go", levelAVX2: "avx2", levelAVX512: "avx512"}[kernelLevel]
}
