// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"testing"

	"github.com/assayrisk/assay/models"
)

// golden are the digests of models trained on synthetic rows. They are the
// same on every architecture, at every level of instructions and with the tag
// purego, and for any number of threads. A change that alters them changes every model that
// users train, and says so in its commit.
var golden = map[string]string{
	"binary":       "80d57e1d33dad9485eb3bf126a45b7388d188eef639cbe4b1f079343030891bc",
	"goss":         "0cb8b64187f32a2cb1a2c21d78b77a47dd6fbd3a4a3ce9837cbc21e47a1fa591",
	"intermediate": "598038e4ce5de09ca1f5bd1c0db9f4b9c20259d1dfd258d5ac0f3597704e92f1",
	"l2":           "26b576e118e266a367691a5e55ceead290a76b455eeb9b9ce1516eb4c87ac55e",
	"large":        "50228fb95d9925c6e261dcecbf36868164d7ca1f2642427feaf3b6a55e13af53",
	"monotone":     "564189e3e190ecf4f2479ff9ee58f0e17d0fa84b4f58e7e1609ff93578957b1d",
	"quantile":     "e8d31038053a44b0d599f5e56fe3f6bff79db44c99f1aea797aab78df65acceb",
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
		p.MonotoneConstraints, p.MonotoneMethod, p.MonotonePenalty = []int8{1, 1, -1, 1, 0, 0, 0, 0, 0, 0, 0,
			0}, "intermediate", 1.5
	},
	"sparse":   func(p *Params) { p.NumLeaves, p.PathSmooth = 20, 1 },
	"smooth":   func(p *Params) { p.PathSmooth, p.MaxDeltaStep, p.MaxDepth = 5, 0.9, 5 },
	"zero":     func(p *Params) { p.ZeroAsMissing, p.MaxBin, p.IsUnbalance = true, 63, true },
	"large":    func(p *Params) { p.NumLeaves, p.NumIterations = 15, 3 },
	"xentropy": func(p *Params) { p.Objective = models.CrossEntropy },
	"l2":       func(p *Params) { p.Objective = models.Regression },
	"quantile": func(p *Params) { p.Objective, p.Alpha = models.Quantile, 0.7 },
}

func TestGolden(t *testing.T) { eachLevel(t, testGolden) }

func testGolden(t *testing.T) {
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
		if testing.Short() {
			counts = counts[1:2]
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
