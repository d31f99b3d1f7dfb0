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
	"goss":         "b469b49d09bb99b823a3e1f9fd50bccbfea52f226d8b86301bd245210f3f7724",
	"intermediate": "05f38a281f15281e77539968271fe89ea952d127a6fabc1b4cdbe839e22bd699",
	"l2":           "26b576e118e266a367691a5e55ceead290a76b455eeb9b9ce1516eb4c87ac55e",
	"large":        "50228fb95d9925c6e261dcecbf36868164d7ca1f2642427feaf3b6a55e13af53",
	"monotone":     "8c704db784cb20ac9a68ecccc404001d0bad93156ca8ec68b73fb06c55f067cd",
	"quantile":     "b3aee1580355b79c9ef4f39cb0f8d97a3527f511dd35b83e527a0e5a786bcb1a",
	"sampled":      "2a21f00cc84ade3c1034c5af37def4b3ef8cfa44c2d96e84cc140c2e582aac1a",
	"smooth":       "dc04ae5624865c08d8c5e1026303c8dc12a386f2c6652994bcfb33a5e5aada8c",
	"sparse":       "84aaa8cbc39f51be45fc7f2657f233b9afe7235d8ab966f402ad7a380b40003b",
	"xentropy":     "80d57e1d33dad9485eb3bf126a45b7388d188eef639cbe4b1f079343030891bc",
	"zero":         "4991b1539661ae9b28a72fd3228a6229eb52d84d5a0445ec1cb56ee293ccec26",
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
