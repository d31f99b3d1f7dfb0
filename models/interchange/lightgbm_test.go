// SPDX-License-Identifier: Apache-2.0

package interchange_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest/foresttest"
	"github.com/assayrisk/assay/models/interchange"
)

var shapes = map[string]foresttest.Shape{
	"plain":     {Trees: 20, Leaves: 31, Features: 50, Missing: 0.5},
	"one leaf":  {Trees: 3, Leaves: 1, Features: 2},
	"stump":     {Trees: 1, Leaves: 2, Features: 1},
	"no trees":  {Trees: 0, Leaves: 1, Features: 2, Init: 0.25},
	"mixed":     {Trees: 30, Leaves: 31, Features: 10, MixedMissing: true},
	"cats":      {Trees: 20, Leaves: 63, Features: 20, Categories: 100, Categorical: 0.5, Missing: 0.5},
	"leaves300": {Trees: 3, Leaves: 300, Features: 30},
	"float32":   {Trees: 20, Leaves: 31, Features: 20, Missing: 1, Float32: true, Init: -0.3},
	"average":   {Trees: 20, Leaves: 31, Features: 20, Average: true},
	"init":      {Trees: 20, Leaves: 31, Features: 20, Init: 1.7},
}

func write(t testing.TB, m *models.Model) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := interchange.WriteLightGBM(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestLightGBMRoundTrip writes and reads random models: the whole model comes
// back, and writing it again gives the same bytes.
func TestLightGBMRoundTrip(t *testing.T) {
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			m := foresttest.Model(3, shape)
			m.Params = map[string]string{"learning_rate": "0.1", "num_leaves": "31"}
			text := write(t, m)
			got, err := interchange.ReadLightGBM(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if name == "no trees" { // written as a constant tree, read back as Init and no tree
				got.Trees = m.Trees
			}
			if !reflect.DeepEqual(got, m) {
				t.Fatalf("the model read is not the model written\n%+v\n%+v", got, m)
			}
			if again := write(t, got); !bytes.Equal(again, text) {
				t.Fatal("writing the model read gives other bytes")
			}
		})
	}
}

func TestLightGBMOddNames(t *testing.T) {
	m := foresttest.Model(3, foresttest.Shape{Trees: 1, Leaves: 3, Features: 6})
	for i, n := range []string{"a b", "a\nb", "x=y", "", `{"q":[1]}`, "taux d'intérêt"} {
		m.Features[i].Name = n
	}
	text := write(t, m)
	got, err := interchange.ReadLightGBM(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Features {
		if got.Features[i].Name != m.Features[i].Name {
			t.Errorf("name %d: %q, want %q", i, got.Features[i].Name, m.Features[i].Name)
		}
	}
	for line := range strings.Lines(string(text)) {
		if strings.Count(line, "=") > 1 {
			t.Errorf("leaves refuses the line %q", line)
		}
	}
}

func TestReadLightGBMRefuses(t *testing.T) {
	good := string(write(t,
		foresttest.Model(3, foresttest.Shape{Trees: 2, Leaves: 4, Features: 3, Categories: 5, Categorical: 0.5})))
	for name, c := range map[string]struct {
		old, new string
		kind     error
	}{
		"not a model":    {"tree\n", "wood\n", interchange.ErrFormat},
		"future version": {"version=v3", "version=v9", interchange.ErrUnsupported},
		"multiclass":     {"num_class=1", "num_class=3", interchange.ErrUnsupported},
		"ranking":        {"binary sigmoid:1", "lambdarank", interchange.ErrUnsupported},
		"poisson":        {"binary sigmoid:1", "poisson", interchange.ErrUnsupported},
		"square roots":   {"binary sigmoid:1", "regression sqrt", interchange.ErrUnsupported},
		"linear tree":    {"is_linear=0", "is_linear=1", interchange.ErrUnsupported},
		"huge features":  {"max_feature_idx=2", "max_feature_idx=2000000000", interchange.ErrFormat},
		"huge leaves":    {"num_leaves=4", "num_leaves=2000000000", interchange.ErrFormat},
		"few names":      {"max_feature_idx=2", "max_feature_idx=3", interchange.ErrFormat},
		"cycle":          {"left_child=", "left_child=0 ", interchange.ErrFormat},
		"missing list":   {"right_child=", "wrong_child=", interchange.ErrFormat},
		"NaN leaf":       {"leaf_value=", "leaf_value=nan ", interchange.ErrFormat},
		"repeated key":   {"num_leaves=4", "num_leaves=4\nnum_leaves=4", interchange.ErrFormat},
		"trees disorder": {"Tree=1", "Tree=7", interchange.ErrFormat},
		"cut off":        {good[len(good)/2:], "", interchange.ErrFormat},
		"lost tree": {good[strings.Index(good, "Tree=1"):strings.Index(good, "end of trees")], "",
			interchange.ErrFormat},
		"negative count":  {"leaf_count=", "leaf_count=-", interchange.ErrFormat},
		"no end of trees": {good[strings.Index(good, "end of trees"):], "", interchange.ErrFormat},
		"empty":           {good, "", interchange.ErrFormat},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("the sound model has no %q", c.old)
			}
			_, err := interchange.ReadLightGBM(strings.NewReader(strings.Replace(good, c.old, c.new, 1)))
			if !errors.Is(err, c.kind) {
				t.Fatalf("error %v, want %v", err, c.kind)
			}
		})
	}
}

func FuzzReadLightGBM(f *testing.F) {
	for name, shape := range shapes {
		if name != "leaves300" {
			shape.Trees = min(shape.Trees, 2)
			f.Add(write(f, foresttest.Model(3, shape)))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := interchange.ReadLightGBM(bytes.NewReader(text))
		if err != nil {
			return
		}
		// What was read is valid, scores, and survives a round trip.
		x := make([]float64, len(m.Features))
		want := m.Margin(x)
		if m.Average && m.Init != 0 {
			return
		}
		again, err := interchange.ReadLightGBM(bytes.NewReader(write(t, m)))
		if err != nil {
			t.Fatal(err)
		}
		if got := again.Margin(x); math.Float64bits(got) != math.Float64bits(want) && !(got == 0 && want == 0) {
			t.Fatalf("margin %v after a round trip, %v before", got, want)
		}
	})
}
