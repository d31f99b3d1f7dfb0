// SPDX-License-Identifier: Apache-2.0

package forest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/forest/foresttest"
	"github.com/assayrisk/assay/models/interchange"
)

// stump is a model of one numerical split with the leaves 1 and 3, reached by 30
// and 10 training rows.
func stump(threshold float64, decision uint8) *models.Model {
	return &models.Model{Objective: models.Binary, Sigmoid: 1, Features: []models.FeatureInfo{{Name: "a"}, {Name: "b"}},
		Trees: []models.Tree{{
			Feature: []int32{0}, Threshold: []float64{threshold}, Decision: []uint8{decision},
			Left: []int32{^0}, Right: []int32{^1}, LeafValue: []float64{1, 3}, LeafCount: []int64{30, 10}, Shrinkage: 1,
		}}}
}

// TestContributionsByHand: one split on one feature, worked out on paper. The
// expectation is (30*1 + 10*3)/40 = 1.5, and the feature is all that moves it.
func TestContributionsByHand(t *testing.T) {
	t.Parallel()
	m := stump(5, uint8(models.MissingNaN)<<2)
	f := compile(t, m)
	for _, c := range []struct{ x, phi float64 }{{5, -0.5}, {5.1, 1.5}, {math.Inf(-1), -0.5}, {math.NaN(), 1.5}} {
		got := make([]float64, 3)
		f.Contributions(got, []float64{c.x, 7})
		if math.Abs(got[0]-c.phi) > 1e-15 || got[1] != 0 || math.Abs(got[2]-1.5) > 1e-15 {
			t.Errorf("x = %v: %v, want %v, 0 and the expectation 1.5", c.x, got, c.phi)
		}
	}
}

// TestContributionsTwoFeatures: a = 1 and b = 1 are both needed for the leaf 8,
// and all four combinations have the same number of rows. With a known and b not,
// the expectation is 4; with neither, 2: each feature gives (2 + 4)/2 = 3.
func TestContributionsTwoFeatures(t *testing.T) {
	t.Parallel()
	m := stump(0.5, 0)
	m.Trees[0] = models.Tree{
		Feature: []int32{0, 1}, Threshold: []float64{0.5, 0.5}, Decision: []uint8{0, 0},
		Left: []int32{^0, ^1}, Right: []int32{1, ^2}, LeafValue: []float64{0, 0, 8}, LeafCount: []int64{20, 10, 10},
		Shrinkage: 1,
	}
	f := compile(t, m)
	for _, c := range []struct{ x, want [2]float64 }{
		{[2]float64{1, 1}, [2]float64{3, 3}}, {[2]float64{1, 0}, [2]float64{1, -3}},
		{[2]float64{0, 1}, [2]float64{-3, 1}}, {[2]float64{0, 0}, [2]float64{-1, -1}},
	} {
		got := make([]float64, 3)
		f.Contributions(got, c.x[:])
		if math.Abs(got[0]-c.want[0]) > 1e-14 || math.Abs(got[1]-c.want[1]) > 1e-14 || math.Abs(got[2]-2) > 1e-14 {
			t.Errorf("x = %v: %v, want %v and the expectation 2", c.x, got, c.want)
		}
	}
}

// TestContributionAxioms holds explanations of models that are too wide for the
// sum over all sets to what Shapley values must be: a feature without a split gives
// 0, the numbers sum to the margin, and those of two models' trees add up.
func TestContributionAxioms(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]foresttest.Shape{
		"wide":      {Trees: 30, Leaves: 40, Features: 60, Missing: 0.5},
		"chain":     {Trees: 6, Leaves: 120, Features: 90, Chain: true},
		"long path": {Trees: 2, Leaves: 180, Features: 170, Chain: true},
		"cats":      {Trees: 20, Leaves: 30, Features: 40, Categories: 50, Categorical: 0.5, Missing: 0.3},
		"float32":   {Trees: 20, Leaves: 30, Features: 40, Float32: true, Init: 0.25},
	} {
		a, b := foresttest.Model(21, shape), foresttest.Model(22, shape)
		for j := range b.Features { // so that trees of one fit the features of the other
			b.Features[j] = a.Features[j]
		}
		if shape.Categories > 0 {
			b.Trees = foresttest.Model(21, shape).Trees[:5]
		}
		unused := models.FeatureInfo{Name: "unused"}
		a.Features, b.Features = append(a.Features, unused), append(b.Features, unused)
		both := *a
		both.Trees = append(append([]models.Tree{}, a.Trees...), b.Trees...)
		rows := foresttest.Rows(23, &both, 12)
		n := len(both.Features)
		fa, fb, fBoth := compile(t, a), compile(t, b), compile(t, &both)
		pa, pb, pBoth := make([]float64, n+1), make([]float64, n+1), make([]float64, n+1)
		for i := 0; i < len(rows); i += n {
			x := rows[i : i+n]
			fa.Contributions(pa, x)
			fb.Contributions(pb, x)
			fBoth.Contributions(pBoth, x)
			sum := 0.0
			for j := range pBoth {
				sum += pBoth[j]
				want := pa[j] + pb[j]
				if j == n {
					want -= b.Init
				}
				if math.Abs(pBoth[j]-want) > 1e-9 {
					t.Fatalf("%s, feature %d: %v, the two models give %v", name, j, pBoth[j], want)
				}
			}
			if pBoth[n-1] != 0 {
				t.Fatalf("%s: a feature without a split gives %v", name, pBoth[n-1])
			}
			within := 1e-9
			if shape.Float32 {
				within = 1e-5 // the margin is rounded to float32 after each tree
			}
			if math.Abs(sum-both.Margin(x)) > within {
				t.Fatalf("%s: the numbers sum to %v, the margin is %v", name, sum, both.Margin(x))
			}
		}
	}
}

// TestContributionsWithoutCovers: a model that does not say how many rows reached
// a leaf is explained as if each leaf had had the same number.
func TestContributionsWithoutCovers(t *testing.T) {
	t.Parallel()
	with := foresttest.Model(31, foresttest.Shape{Trees: 6, Leaves: 9, Features: 5, Missing: 0.5})
	without := foresttest.Model(31, foresttest.Shape{Trees: 6, Leaves: 9, Features: 5, Missing: 0.5})
	for i := range with.Trees {
		for j := range with.Trees[i].LeafCount {
			with.Trees[i].LeafCount[j] = 1
		}
		without.Trees[i].LeafCount, without.Trees[i].LeafHess = nil, nil
	}
	a, b := compile(t, with), compile(t, without)
	pa, pb := make([]float64, 6), make([]float64, 6)
	for i, rows := 0, foresttest.Rows(31, with, 20); i < len(rows); i += 5 {
		a.Contributions(pa, rows[i:i+5])
		b.Contributions(pb, rows[i:i+5])
		for j := range pa {
			if pa[j] != pb[j] {
				t.Fatalf("row %d, feature %d: %v without covers, %v with equal ones", i/5, j, pb[j], pa[j])
			}
		}
	}
}

// TestBackgroundLikeContributions: on a model of one split, a background with the
// training rows' shares gives the same numbers as the path-dependent values.
func TestBackgroundLikeContributions(t *testing.T) {
	t.Parallel()
	f := compile(t, stump(5, 0))
	b, err := forest.NewBackground(f, []float64{1, 0, 2, 0, 3, 0, 9, 0})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range [][]float64{{4, 1}, {6, 1}} {
		byPath, byRows := make([]float64, 3), make([]float64, 3)
		f.Contributions(byPath, x)
		b.Contributions(byRows, x)
		for j := range byPath {
			if math.Abs(byPath[j]-byRows[j]) > 1e-15 {
				t.Errorf("x = %v, number %d: %v by the path, %v by the background", x, j, byPath[j], byRows[j])
			}
		}
	}
}

// TestBackgroundLimits: a background names its rows, and is refused for a model
// whose paths are too long.
func TestBackgroundLimits(t *testing.T) {
	t.Parallel()
	f := compile(t, foresttest.Model(1, foresttest.Shape{Trees: 2, Leaves: 3, Features: 2}))
	one, err := forest.NewBackground(f, []float64{1, math.NaN()})
	if err != nil {
		t.Fatal(err)
	}
	same, err := forest.NewBackground(f, []float64{1, math.NaN()})
	if err != nil {
		t.Fatal(err)
	}
	if one.Digest() != same.Digest() || one.Digest() == (assay.Digest{}) {
		t.Error("the same rows have two digests, or none")
	}
	if testing.Short() {
		t.Skip("a path of 1,025 features takes a while")
	}
	long := foresttest.Model(1, foresttest.Shape{Trees: 1, Leaves: 12000, Features: 1100, Chain: true})
	if _, err := forest.NewBackground(compile(t, long), make([]float64, 1100)); !errors.Is(err, assay.ErrInvalid) {
		t.Errorf("a path of more than 1,024 features: error %v, want ErrInvalid", err)
	}
}

// pythonContributions reads model.txt, rows and asks LightGBM and shap for margins
// and contributions.
const pythonContributions = `import json, sys
import numpy as np, lightgbm as lgb
booster = lgb.Booster(model_file=sys.argv[1])
rows = np.array([[np.nan if v is None else v for v in r] for r in json.load(open(sys.argv[2]))], dtype=np.float64)
out = {"margins": booster.predict(rows, raw_score=True).tolist(),
       "contributions": booster.predict(rows, pred_contrib=True).tolist(), "shap": None}
try:
    import shap
    e = shap.TreeExplainer(booster)
    values = e.shap_values(rows)
    if isinstance(values, list):
        values = values[-1]
    out["shap"] = np.asarray(values).tolist()
except ImportError:
    pass
print(json.dumps(out))
`

// TestContributionsOfPeers compares with LightGBM, and with shap where it is
// there: both read the model as LightGBM text.
func TestContributionsOfPeers(t *testing.T) {
	t.Parallel()
	python := os.Getenv("ASSAY_PEERS_PYTHON")
	if python == "" || testing.Short() {
		t.Skip("ASSAY_PEERS_PYTHON is not set, or the tests are to be short")
	}
	for name, shape := range map[string]foresttest.Shape{
		"plain":   {Trees: 20, Leaves: 31, Features: 12, Missing: 0.5},
		"missing": {Trees: 20, Leaves: 31, Features: 6, MixedMissing: true},
		"chain":   {Trees: 8, Leaves: 14, Features: 8, Chain: true},
		"cats":    {Trees: 12, Leaves: 20, Features: 8, Categories: 30, Categorical: 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := foresttest.Model(41, shape)
			rows := foresttest.Rows(41, m, 30)
			answer := askPeers(t, python, m, rows)
			f := compile(t, m)
			n := len(m.Features)
			got := make([]float64, n+1)
			for i := range answer.Margins {
				x := rows[i*n : (i+1)*n]
				if m := f.Margin(x); m != answer.Margins[i] {
					t.Fatalf("row %d: margin %v, LightGBM gives %v", i, m, answer.Margins[i])
				}
				f.Contributions(got, x)
				for j, want := range answer.Contributions[i] {
					if math.Abs(got[j]-want) > 1e-9 {
						t.Fatalf("row %d, number %d: %v, LightGBM gives %v", i, j, got[j], want)
					}
				}
				if answer.Shap != nil {
					for j, want := range answer.Shap[i] {
						if math.Abs(got[j]-want) > 1e-6 {
							t.Fatalf("row %d, number %d: %v, shap gives %v", i, j, got[j], want)
						}
					}
				}
			}
		})
	}
}

type peersAnswer struct {
	Margins       []float64
	Contributions [][]float64
	Shap          [][]float64
}

func askPeers(t *testing.T, python string, m *models.Model, rows []float64) (answer peersAnswer) {
	t.Helper()
	var text bytes.Buffer
	if err := interchange.WriteLightGBM(&text, m); err != nil {
		t.Fatal(err)
	}
	n := len(m.Features)
	var table [][]*float64
	for i := 0; i < len(rows); i += n {
		row := make([]*float64, n)
		for j := range row {
			switch v := rows[i+j]; {
			case math.IsInf(v, 0): // JSON has no infinities
				rows[i+j] = math.Copysign(1e300, v)
			case math.Abs(v) <= models.ZeroThreshold: // LightGBM reads such a value of a table as 0
				rows[i+j] = 0
			}
			if !math.IsNaN(rows[i+j]) {
				row[j] = &rows[i+j]
			}
		}
		table = append(table, row)
	}
	js, err := json.Marshal(table)
	if err != nil {
		t.Fatal(err)
	}
	model, data := filepath.Join(t.TempDir(), "model.txt"), filepath.Join(t.TempDir(), "rows.json")
	for path, b := range map[string][]byte{model: text.Bytes(), data: js} {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, "-c", pythonContributions, model, data)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	out = out[max(0, bytes.LastIndexByte(bytes.TrimSpace(out), '\n')+1):] // LightGBM prints warnings before it
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(fmt.Errorf("%w: %.200s", err, out))
	}
	if len(answer.Margins) != len(rows)/n {
		t.Fatalf("%d answers for %d rows", len(answer.Margins), len(rows)/n)
	}
	return answer
}
