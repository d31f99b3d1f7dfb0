// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"testing"

	"github.com/assayrisk/assay/models"
)

// golden are the digests of models trained on synthetic rows. They are the
// same on every architecture, with assembly and with the tag purego, and for
// any number of threads. A change that alters them changes every model that
// users train, and says so in its commit.
var golden = map[string]string{
	"binary":       "80d57e1d33dad9485eb3bf126a45b7388d188eef639cbe4b1f079343030891bc",
	"goss":         "f6e4e9a7481acfc428e860dd1534630cf94a8d4b3e458daaca1bda390095560e",
	"intermediate": "05f38a281f15281e77539968271fe89ea952d127a6fabc1b4cdbe839e22bd699",
	"l2":           "26b576e118e266a367691a5e55ceead290a76b455eeb9b9ce1516eb4c87ac55e",
	"large":        "50228fb95d9925c6e261dcecbf36868164d7ca1f2642427feaf3b6a55e13af53",
	"monotone":     "8c704db784cb20ac9a68ecccc404001d0bad93156ca8ec68b73fb06c55f067cd",
	"quantile":     "a69f901a8d60bc3ae7c9d9ec41f601f618eacf79a3cd355e7749ef4c5f6453d1",
	"sampled":      "c9cc387f26c4a141bb9ffab3b69db2a1d1ef50a7e50caafa9c489c9635a1a45c",
	"smooth":       "dc04ae5624865c08d8c5e1026303c8dc12a386f2c6652994bcfb33a5e5aada8c",
	"sparse":       "5318901d91a1dccdc4c612f3998e2a3d03ad812d881611de111cdd54ee7f0a9b",
	"xentropy":     "80d57e1d33dad9485eb3bf126a45b7388d188eef639cbe4b1f079343030891bc",
	"zero":         "ea68f446db00e6e298f622cd7de98b2b4b27b1f3c634f3d0c3060d7b1b5031d0",
}

var goldenParams = map[string]func(*Params){
	"binary": func(*Params) {},
	"sampled": func(p *Params) {
		p.BaggingFreq, p.BaggingFraction, p.FeatureFraction, p.FeatureFractionByNode = 2, 0.7, 0.8, 0.7
	},
	"goss":     func(p *Params) { p.GOSS, p.LearningRate = true, 0.3 },
	"monotone": func(p *Params) { p.MonotoneConstraints, p.LambdaL1 = []int8{1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 0.5 },
	"intermediate": func(p *Params) {
		p.MonotoneConstraints, p.MonotoneMethod, p.MonotonePenalty = []int8{1, 1, -1, 1, 0, 0, 0, 0, 0, 0, 0, 0}, "intermediate", 1.5
	},
	"sparse":   func(p *Params) { p.NumLeaves, p.PathSmooth = 20, 1 },
	"smooth":   func(p *Params) { p.PathSmooth, p.MaxDeltaStep, p.MaxDepth = 5, 0.9, 5 },
	"zero":     func(p *Params) { p.ZeroAsMissing, p.MaxBin, p.IsUnbalance = true, 63, true },
	"large":    func(p *Params) { p.NumLeaves, p.NumIterations = 15, 3 },
	"xentropy": func(p *Params) { p.Objective = models.CrossEntropy },
	"l2":       func(p *Params) { p.Objective = models.Regression },
	"quantile": func(p *Params) { p.Objective, p.Alpha = models.Quantile, 0.7 },
}

func TestGolden(t *testing.T) {
	small := synthetic(12000, 42) // enough for several blocks of sums and for team work
	for name, set := range goldenParams {
		d := small
		if name == "large" {
			d = synthetic(exactRows+9000, 43)
		}
		if name == "sparse" {
			d = sparseTable(12000, 44)
		}
		counts := []int{1, 3}
		if name == "binary" || name == "sparse" {
			counts = []int{1, 2, 3, 8}
		}
		for _, threads := range counts {
			p := DefaultParams()
			p.NumIterations, p.NumThreads, p.Seed = 6, threads, 7
			set(&p)
			if got := digest(mustTrain(t, d, p, Options{}).Model); got != golden[name] {
				t.Errorf("%s, %d threads: digest %q, want %q", name, threads, got, golden[name])
			}
		}
	}
}
