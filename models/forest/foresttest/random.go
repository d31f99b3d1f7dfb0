// SPDX-License-Identifier: Apache-2.0

// Package foresttest makes random models and awkward vectors for the tests of
// the packages that score, read and write models. The same seed gives the same
// model everywhere.
package foresttest

import (
	"math"
	"math/rand/v2"

	"github.com/assayrisk/assay/models"
)

// Shape says what a random model is like. The zero value of a share is none.
type Shape struct {
	Trees, Leaves, Features int
	Thresholds              int     // distinct thresholds a feature; 0 is 64
	Categories              int     // codes of a categorical feature; 0 is no such feature
	Categorical             float64 // share of categorical features
	Missing                 float64 // share of features with a missing type other than none
	MixedMissing            bool    // missing types differ from node to node of a feature
	Chain                   bool    // each split is below the one before: the deepest trees
	Float32, Average        bool
	Init                    float64
}

// Model makes a model of the shape. Every tree has Shape.Leaves leaves, counts
// and hessians that add up, and gains.
func Model(seed uint64, s Shape) *models.Model {
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	m := &models.Model{Objective: models.Binary, Sigmoid: 1, Init: s.Init, Float32Sums: s.Float32, Average: s.Average}
	grid := make([][]float64, s.Features)
	missing := make([]models.MissingType, s.Features)
	for f := range s.Features {
		info := models.FeatureInfo{Name: "f" + string(rune('a'+f%26)) + string(rune('0'+f/26%10)) +
			string(rune('0'+f/260%10)), Min: -3, Max: 3}
		if info.Categorical = r.Float64() < s.Categorical; info.Categorical {
			info.Min, info.Max = 0, 0
			for c := range s.Categories {
				info.Categories = append(info.Categories, int32(c))
			}
		}
		if r.Float64() < s.Missing {
			missing[f] = models.MissingType(1 + r.IntN(2))
		}
		n := s.Thresholds
		if n == 0 {
			n = 64
		}
		for range n {
			grid[f] = append(grid[f], threshold(r))
		}
		m.Features = append(m.Features, info)
	}
	for range s.Trees {
		m.Trees = append(m.Trees, tree(r, m, s, grid, missing))
	}
	return m
}

func threshold(r *rand.Rand) float64 {
	switch r.IntN(12) {
	case 0:
		return 0
	case 1:
		return models.ZeroThreshold
	case 2:
		return float64(r.IntN(5)) - 2
	}
	return r.NormFloat64()
}

// position is the left or right side of node parent-1, or the root.
type position struct {
	parent int
	right  bool
}

func tree(r *rand.Rand, m *models.Model, s Shape, grid [][]float64, missing []models.MissingType) models.Tree {
	t := models.Tree{Shrinkage: 0.1}
	open := []position{{}}
	for len(open) < s.Leaves {
		k := r.IntN(len(open))
		if s.Chain {
			k = len(open) - 1
		}
		n := int32(len(t.Feature))
		set(&t, open[k], n)
		f := int32(r.IntN(s.Features))
		mt := missing[f]
		if s.MixedMissing {
			mt = models.MissingType(r.IntN(3))
		}
		d := uint8(mt)<<2 | uint8(r.IntN(2))*models.DecisionDefaultLeft
		th := grid[f][r.IntN(len(grid[f]))]
		if m.Features[f].Categorical {
			d = d&^models.DecisionDefaultLeft | models.DecisionCategorical
			th = addSet(r, &t, s.Categories)
		}
		t.Feature, t.Threshold, t.Decision = append(t.Feature, f), append(t.Threshold, th), append(t.Decision, d)
		t.Left, t.Right = append(t.Left, 0), append(t.Right, 0)
		t.Gain = append(t.Gain, float64(r.IntN(1000)))
		open[k] = position{int(n) + 1, false}
		open = append(open, position{int(n) + 1, true})
	}
	finish(r, &t, open, s.Float32)
	return t
}

// set makes child the one at p.
func set(t *models.Tree, p position, child int32) {
	switch {
	case p.parent == 0:
	case p.right:
		t.Right[p.parent-1] = child
	default:
		t.Left[p.parent-1] = child
	}
}

// addSet adds a random set of categories, never empty, and gives its number.
func addSet(r *rand.Rand, t *models.Tree, categories int) float64 {
	if len(t.CatBoundaries) == 0 {
		t.CatBoundaries = []int32{0}
	}
	words := make([]uint32, 1+r.IntN(1+(categories-1)/32))
	for i := range words {
		words[i] = r.Uint32() & r.Uint32()
	}
	words[len(words)-1] |= 1 << r.IntN(min(32, categories))
	t.CatBits = append(t.CatBits, words...)
	t.CatBoundaries = append(t.CatBoundaries, int32(len(t.CatBits)))
	return float64(len(t.CatBoundaries) - 2)
}

// finish closes the open places with leaves, and sums counts and hessians up.
func finish(r *rand.Rand, t *models.Tree, open []position, float32s bool) {
	r.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
	for i, p := range open {
		set(t, p, ^int32(i))
		v := r.NormFloat64() / 10
		if float32s {
			v = float64(float32(v))
		}
		c := int64(1 + r.IntN(500))
		t.LeafValue = append(t.LeafValue, v)
		t.LeafCount = append(t.LeafCount, c)
		t.LeafHess = append(t.LeafHess, float64(c)/4)
	}
	n := len(t.Feature)
	t.NodeValue, t.NodeHess, t.NodeCount = make([]float64, n), make([]float64, n), make([]int64, n)
	for i := n - 1; i >= 0; i-- {
		for _, c := range []int32{t.Left[i], t.Right[i]} {
			if c < 0 {
				t.NodeCount[i] += t.LeafCount[^c]
				t.NodeHess[i] += t.LeafHess[^c]
			} else {
				t.NodeCount[i] += t.NodeCount[c]
				t.NodeHess[i] += t.NodeHess[c]
			}
		}
	}
	if n == 0 {
		t.NodeValue, t.NodeHess, t.NodeCount = nil, nil, nil
	}
}

// Rows makes n vectors for m, row-major: mostly ordinary numbers, often a
// number that is a threshold of the model or next to one, a category in
// or out of the dictionary, a missing value, and now and then an infinity.
func Rows(seed uint64, m *models.Model, n int) []float64 {
	r := rand.New(rand.NewPCG(seed, 0xd1b54a32d192ed03))
	thresholds := make([][]float64, len(m.Features))
	for i := range m.Trees {
		for j, f := range m.Trees[i].Feature {
			if m.Trees[i].Decision[j]&models.DecisionCategorical == 0 && len(thresholds[f]) < 4096 {
				thresholds[f] = append(thresholds[f], m.Trees[i].Threshold[j])
			}
		}
	}
	rows := make([]float64, 0, n*len(m.Features))
	for range n {
		for f := range m.Features {
			rows = append(rows, value(r, &m.Features[f], thresholds[f]))
		}
	}
	return rows
}

func value(r *rand.Rand, f *models.FeatureInfo, thresholds []float64) float64 {
	switch k := r.IntN(32); {
	case k < 3:
		return math.NaN()
	case k == 3:
		return []float64{0, math.Copysign(0, -1), models.ZeroThreshold, -models.ZeroThreshold, 1.1e-35, -1.1e-35,
			math.Inf(1), math.Inf(-1),
			math.MaxFloat64, -math.MaxFloat64, -1, -0.5, 1 << 31, 1 << 40}[r.IntN(14)]
	case f.Categorical:
		return float64(r.IntN(len(f.Categories)+2)) + float64(r.IntN(2))/2
	case k < 20 && len(thresholds) > 0:
		return math.Nextafter(thresholds[r.IntN(len(thresholds))], float64(r.IntN(3)-1)*math.Inf(1))
	}
	return r.NormFloat64()
}
