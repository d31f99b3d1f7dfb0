// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
)

func TestParseParams(t *testing.T) {
	p, err := ParseParams(map[string]string{
		"application": "binary", "n_estimators": "250", "eta": "0.03", "max_leaves": "15",
		"subsample": "0.8", "subsample_freq": "1",
		"colsample_bytree": "0.7", "reg_lambda": "3", "metric": "auc,binary_logloss", "mc": "1,0,-1",
		"interaction_constraints": "[0,1],[2]",
		"verbose":                 "-1", "boosting_type": "gbdt", "force_col_wise": "true",
		"data_sample_strategy": "bagging",
		"zero_as_missing":      "true",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultParams()
	want.NumIterations, want.LearningRate, want.NumLeaves = 250, 0.03, 15
	want.BaggingFraction, want.BaggingFreq, want.FeatureFraction, want.LambdaL2 = 0.8, 1, 0.7, 3
	want.Metric, want.ZeroAsMissing = []string{"auc", "binary_logloss"}, true
	want.MonotoneConstraints, want.InteractionGroups = []int8{1, 0, -1}, [][]int{{0, 1}, {2}}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got %+v\nwant %+v", p, want)
	}
	back, err := ParseParams(p.Map())
	if err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("Map does not read back: %v\n%+v", err, back)
	}
	if err := p.Check(3); err != nil {
		t.Error(err)
	}
	if p, err = ParseParams(map[string]string{"boosting": "goss", "objective": "quantile", "alpha": "0.2"}); err !=
		nil || !p.GOSS || p.Objective != models.Quantile {
		t.Errorf("GOSS quantile: %+v, %v", p, err)
	}
}

func TestParseParamsRefuses(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"num_leafs", "31", `unknown or not supported; did you mean "num_leaves"?`},
		{"linear_tree", "true", "only false is"},
		{"boosting", "dart", `"dart" is not supported`},
		{"objective", "multiclass", "the objectives are"},
		{"metric", "ndcg", "is not one of"},
		{"num_leaves", "many", "want a whole number"},
		{"max_bin_by_feature", "3,x", "want whole numbers, with commas"},
		{"lambda_l2", "nan", "want a number"},
		{"use_missing", "perhaps", "want true or false"},
		{"monotone_constraints", "1,2", "-1, 0 and 1"},
		{"interaction_constraints", "0,1", "want groups"},
	} {
		_, err := ParseParams(map[string]string{c.name: c.value})
		if !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), c.want) ||
			!strings.Contains(err.Error(), c.name) {
			t.Errorf("%s=%s: error %v, want ErrInvalid with %q", c.name, c.value, err, c.want)
		}
	}
	if _, err := ParseParams(map[string]string{"eta": "0.1", "learning_rate": "0.2"}); !errors.Is(err,
		assay.ErrInvalid) {
		t.Errorf("two names of one parameter: error %v", err)
	}
}

// FuzzParseParams: what is accepted reads back from Map.
func FuzzParseParams(f *testing.F) {
	f.Add("num_leaves", "31")
	f.Add("mc", "(1,-1)")
	f.Add("interaction_constraints", "[[0],[1,2]]")
	f.Add("lambda", "1e-3")
	f.Add("metric", "auc")
	f.Fuzz(func(t *testing.T, name, value string) {
		p, err := ParseParams(map[string]string{name: value})
		if err != nil {
			if !errors.Is(err, assay.ErrInvalid) {
				t.Fatalf("error %v is not ErrInvalid", err)
			}
			return
		}
		threads := p.NumThreads // not recorded
		back, err := ParseParams(p.Map())
		back.NumThreads = threads
		if err != nil || !reflect.DeepEqual(back.Map(), p.Map()) {
			t.Fatalf("%s=%s does not read back: %v", name, value, err)
		}
	})
}
