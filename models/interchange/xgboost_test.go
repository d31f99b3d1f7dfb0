// SPDX-License-Identifier: Apache-2.0

package interchange_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/interchange"
)

// stump is a model of one split, x < condition.
func stump(condition string) string {
	return `{"learner":{"feature_names":[],"feature_types":[],"gradient_booster":{"name":"gbtree","model":{"trees":[{
	"left_children":[1,-1,-1],"right_children":[2,-1,-1],"split_indices":[0,0,0],"default_left":[0,0,0],
	"split_conditions":[` + condition + `,1,2],"tree_param":{"num_nodes":"3","size_leaf_vector":"1"}}]}},
	"learner_model_param":{"base_score":"0E0","num_class":"0","num_feature":"1"},"objective":{"name":"reg:squarederror"}},"version":[3,0,0]}`
}

// TestXGBoostThreshold compares, around each kind of threshold, the float64
// comparison that the reader makes with XGBoost's own: round to float32, then <.
func TestXGBoostThreshold(t *testing.T) {
	for _, c := range []float32{0, 1, -1, 0.1, -0.1, 1.5, 1e-45, -1e-45, 3e-45, 1.17549435e-38, math.MaxFloat32,
		-math.MaxFloat32, 1 << 24, 16777215} {
		m, err := interchange.ReadXGBoost(strings.NewReader(stump(shortest32(c))))
		if err != nil {
			t.Fatal(err)
		}
		below, above := math.Nextafter32(c, float32(math.Inf(-1))), math.Nextafter32(c, float32(math.Inf(1)))
		middle := float64(below)/2 + float64(c)/2
		for _, x := range []float64{float64(c), float64(below), float64(above), middle, math.Nextafter(middle, 1e300),
			math.Nextafter(middle, -1e300),
			math.Nextafter(float64(c), -1e300), math.Nextafter(float64(c), 1e300), 0, math.Inf(1), math.Inf(-1)} {
			want := 2.0
			if float32(x) < c {
				want = 1
			}
			if got := m.Margin([]float64{x}); got != want {
				t.Errorf("x = %v (%x), threshold %v: leaf %v, want %v", x, x, c, got, want)
			}
		}
		if m.Margin([]float64{math.NaN()}) != 2 {
			t.Errorf("threshold %v: a missing value went left", c)
		}
	}
}

func shortest32(c float32) string { return strconv.FormatFloat(float64(c), 'g', -1, 32) }

func TestReadXGBoostRefuses(t *testing.T) {
	good := stump("0.5")
	for name, c := range map[string]struct {
		old, new string
		kind     error
	}{
		"not JSON":       {good, "learner", interchange.ErrFormat},
		"empty":          {good, "", interchange.ErrFormat},
		"other JSON":     {`"learner"`, `"teacher"`, interchange.ErrFormat},
		"cut off":        {`"version":[3,0,0]}`, "", interchange.ErrFormat},
		"more after":     {`"version":[3,0,0]}`, `"version":[3,0,0]}{}`, interchange.ErrFormat},
		"linear":         {"gbtree", "gblinear", interchange.ErrUnsupported},
		"classes":        {`"num_class":"0"`, `"num_class":"3"`, interchange.ErrUnsupported},
		"poisson":        {"reg:squarederror", "count:poisson", interchange.ErrUnsupported},
		"vector leaves":  {`"size_leaf_vector":"1"`, `"size_leaf_vector":"4"`, interchange.ErrUnsupported},
		"cycle":          {`"left_children":[1,`, `"left_children":[0,`, interchange.ErrFormat},
		"shared child":   {`"right_children":[2,`, `"right_children":[1,`, nil}, // a copy: the same leaf on both sides
		"out of range":   {`"left_children":[1,`, `"left_children":[3,`, interchange.ErrFormat},
		"feature":        {`"split_indices":[0,`, `"split_indices":[1,`, interchange.ErrFormat},
		"no feature":     {`"num_feature":"1"`, `"num_feature":"0"`, interchange.ErrFormat},
		"huge feature":   {`"num_feature":"1"`, `"num_feature":"1e12"`, interchange.ErrFormat},
		"one child":      {`"right_children":[2,`, `"right_children":[-1,`, interchange.ErrFormat},
		"NaN threshold":  {"[0.5,1,2]", "[NaN,1,2]", interchange.ErrFormat},
		"-Inf threshold": {"[0.5,1,2]", "[-Infinity,1,2]", interchange.ErrFormat},
		"NaN leaf":       {"[0.5,1,2]", "[0.5,NaN,2]", interchange.ErrFormat},
		"base score":     {`"base_score":"0E0"`, `"base_score":"x"`, interchange.ErrFormat},
		"lost trees":     {`"model":{`, `"model":{"gbtree_model_param":{"num_trees":"2"},`, interchange.ErrFormat},
		"other class":    {`"model":{`, `"model":{"tree_info":[1],`, interchange.ErrUnsupported},
		"tree_info":      {`"model":{`, `"model":{"tree_info":[0,0],`, interchange.ErrFormat},
		"num_nodes":      {`"num_nodes":"3"`, `"num_nodes":"5"`, interchange.ErrFormat},
		"names":          {`"feature_names":[]`, `"feature_names":["a","b"]`, interchange.ErrFormat},
		"types":          {`"feature_types":[]`, `"feature_types":["q","c"]`, interchange.ErrFormat},
		"no trees":       {`"trees"`, `"bushes"`, interchange.ErrFormat},
		"weights":        {`"split_conditions"`, `"sum_hessian":[NaN,1,1],"split_conditions"`, interchange.ErrFormat},
		"huge leaf":      {"[0.5,1,2]", "[0.5,3e38,3e38]", nil}, // alone it is a number
		"deep":           {`"version":[3,0,0]`, `"version":` + strings.Repeat("[", 100), interchange.ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.new, 1)
			if text == good {
				t.Fatalf("the sound model has no %q", c.old)
			}
			if _, err := interchange.ReadXGBoost(strings.NewReader(text)); !errors.Is(err, c.kind) {
				t.Fatalf("error %v, want %v", err, c.kind)
			}
		})
	}
}

// TestXGBoostForest: what a file says of its forest holds, or it is refused.
func TestXGBoostForest(t *testing.T) {
	read := func(text string) error {
		_, err := interchange.ReadXGBoost(strings.NewReader(text))
		return err
	}
	huge := strings.Replace(stump("0.5"), "[0.5,1,2]", "[0.5,3e38,1]", 1)
	if err := read(huge); err != nil {
		t.Errorf("one huge leaf: %v", err)
	}
	if err := read(strings.Replace(huge, `"0E0"`, `"3E38"`, 1)); !errors.Is(err, interchange.ErrFormat) {
		t.Errorf("a sum that overflows: %v", err)
	}
	dart, err := os.ReadFile(filepath.Join("testdata", "xgboost-3.2.0-dart.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := read(string(dart)); err != nil {
		t.Error(err)
	}
	if err := read(strings.Replace(string(dart), `"weight_drop"`, `"weight_lost"`, 1)); !errors.Is(err,
		interchange.ErrFormat) {
		t.Errorf("DART trees without their weights: %v", err)
	}
	for best, want := range map[string]string{"3": "3", "5": ""} { // of six trees, one an iteration
		m, err := interchange.ReadXGBoost(
			strings.NewReader(strings.Replace(string(dart), `"attributes":{}`,
				`"attributes":{"best_iteration":"`+best+`"}`, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Params[interchange.BestIteration]; got != want || len(m.Trees) != 6 {
			t.Errorf("best iteration %s: %q of %d trees, want %q and all six", best, got, len(m.Trees), want)
		}
	}
}

func FuzzReadXGBoost(f *testing.F) {
	f.Add([]byte(stump("0.5")))
	for _, p := range []string{"xgboost-3.2.0-binary.json", "xgboost-3.2.0-cats.ubj", "xgboost-1.7.6-dart.json",
		"xgboost-1.7.6-onehot.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", p))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := interchange.ReadXGBoost(bytes.NewReader(b))
		if err != nil {
			return
		}
		c, err := forest.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float64, len(m.Features))
		for i := range x {
			x[i] = float64(i%7) - 3
		}
		if got, want := c.Margin(x), m.Margin(x); math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("margin %v, the naive walk gives %v", got, want)
		}
	})
}

func FuzzReadXGBoostBinary(f *testing.F) {
	for _, p := range []string{"xgboost-1.7.6-binary.bin", "xgboost-1.7.6-regression.bin"} {
		b, err := os.ReadFile(filepath.Join("testdata", p))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := interchange.ReadXGBoostBinary(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, interchange.ErrFormat) && !errors.Is(err, interchange.ErrUnsupported) {
				t.Fatalf("error %v is of no kind", err)
			}
			return
		}
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
	})
}
