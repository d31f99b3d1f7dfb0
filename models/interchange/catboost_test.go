// SPDX-License-Identifier: Apache-2.0

package interchange_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/interchange"
)

// catModel is a model of one tree of two tests, as CatBoost writes it.
const catModel = `{"features_info":{"float_features":[
{"borders":[0.5],"feature_id":"age","feature_index":0,"flat_feature_index":0,"nan_value_treatment":"AsFalse"},
{"borders":[-1],"feature_id":"","feature_index":1,"flat_feature_index":1,"nan_value_treatment":"AsTrue"}]},
"model_info":{"class_params":{"class_names":["good","bad"]},"params":{"loss_function":{"type":"Logloss"}}},
"oblivious_trees":[{"leaf_values":[1,2,4,8],"leaf_weights":[5,1,1,5],"splits":[
{"border":0.5,"float_feature_index":0,"split_type":"FloatFeature"},{"border":-1,"float_feature_index":1,"split_type":"FloatFeature"}]}],
"scale_and_bias":[0.5,[0.25]]}`

// TestReadCatBoost: bit k of a leaf says that the value is above border k, where
// a missing one lies as its feature says. What cannot be read is refused.
func TestReadCatBoost(t *testing.T) {
	m, err := interchange.ReadCatBoost(strings.NewReader(catModel))
	if err != nil {
		t.Fatal(err)
	}
	if m.Features[0].Name != "age" || m.Features[1].Name != "f1" || m.Classes[1] != "bad" {
		t.Errorf("%+v, classes %v", m.Features, m.Classes)
	}
	nan := math.NaN()
	for _, c := range []struct{ x, y, leaf float64 }{{0.5, -1, 1}, {0.6, -1, 2}, {0.5, 0, 4}, {1, 0, 8}, {nan, -2, 1},
		{nan, nan, 4}, {1, nan, 8},
		{0.5 + 1e-9, -2, 1}, {0.5 + 1e-7, -2, 2}} { // compared as float32
		if got := m.Margin([]float64{c.x, c.y}); got != 0.25+0.5*c.leaf {
			t.Errorf("%v, %v: margin %v, want that of the leaf %v", c.x, c.y, got, c.leaf)
		}
	}
	for old, c := range map[string]struct {
		new  string
		kind error
	}{
		"Logloss":                 {"MultiClass", interchange.ErrUnsupported},
		`["good","bad"]`:          {`["a","b","c"]`, interchange.ErrUnsupported},
		`"float_features"`:        {`"categorical_features":[{}],"float_features"`, interchange.ErrUnsupported},
		`"oblivious_trees"`:       {`"trees"`, interchange.ErrUnsupported},
		"AsFalse":                 {"AsWell", interchange.ErrUnsupported},
		`"split_type":"Float`:     {`"split_type":"OnlineCtr`, interchange.ErrUnsupported},
		"[0.5,[0.25]]":            {"[0.5,[0.25,1]]", interchange.ErrUnsupported},
		"[1,2,4,8]":               {"[1,2,4]", interchange.ErrFormat},
		"[1,2,4,8],":              {"[1,2,4,NaN],", interchange.ErrFormat},
		`"float_feature_index":1`: {`"float_feature_index":2`, interchange.ErrFormat},
		`"feature_index":1`:       {`"feature_index":0`, interchange.ErrFormat},
		"[0.5,":                   {"[Infinity,", interchange.ErrFormat},
	} {
		if !strings.Contains(catModel, old) {
			t.Fatalf("the model has no %s", old)
		}
		if _, err := interchange.ReadCatBoost(strings.NewReader(strings.Replace(catModel, old, c.new,
			1))); !errors.Is(err, c.kind) {
			t.Errorf("%s: error %v, want %v", c.new, err, c.kind)
		}
	}
}

func FuzzReadCatBoost(f *testing.F) {
	f.Add([]byte(catModel))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := interchange.ReadCatBoost(strings.NewReader(string(b)))
		if err != nil {
			if !errors.Is(err, interchange.ErrFormat) && !errors.Is(err, interchange.ErrUnsupported) {
				t.Fatalf("error %v is of no kind", err)
			}
			return
		}
		if _, err := forest.Compile(m); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzRecognise(f *testing.F) {
	for _, s := range []string{"tree\n", catModel, "\x08\x03onnx", "PK\x03\x04", "\x80\x04sklearn.", "[ \"nodeid\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if format, err := interchange.Recognise(b); err != nil && (format != "" || !errors.Is(err,
			interchange.ErrUnsupported)) {
			t.Fatalf("%q, error %v", format, err)
		}
	})
}
