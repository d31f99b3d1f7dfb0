// SPDX-License-Identifier: Apache-2.0

package interchange_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/interchange"
)

// pandasModel is a model of one split on each feature, with the infos, the
// parameter categorical_feature and the lists given.
func pandasModel(infos, categorical, lists string) string {
	names := []string{"a", "b", "c", "d"}[:len(strings.Fields(infos))]
	var trees strings.Builder
	for i := range names {
		if strings.Fields(infos)[i] == "none" {
			continue
		}
		kind, sets := "2", "num_cat=0\n"
		if !strings.HasPrefix(strings.Fields(infos)[i], "[") {
			kind, sets = "1", "num_cat=1\ncat_boundaries=0 1\ncat_threshold=1\n"
		}
		trees.WriteString("Tree=" + string(rune('0'+strings.Count(trees.String(), "Tree="))) + "\nnum_leaves=2\n" +
			sets + "split_feature=" + string(rune('0'+i)) +
			"\nthreshold=0\ndecision_type=" + kind + "\nleft_child=-1\nright_child=-2\nleaf_value=1 2\nshrinkage=1\n\n")
	}
	return "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=" +
		string(rune('0'+len(names)-1)) + "\nobjective=binary sigmoid:1\nfeature_names=" +
		strings.Join(names, " ") + "\nfeature_infos=" + infos + "\n\n" + trees.String() +
		"end of trees\n\nparameters:\n[categorical_feature: " + categorical +
		"]\n\nend of parameters\n\npandas_categorical:" + lists + "\n"
}

// TestPandasCategorical: lists go to the features that they can only belong to;
// where there are several ways, or none, the model is refused.
func TestPandasCategorical(t *testing.T) {
	for name, c := range map[string]struct {
		infos, categorical, lists string
		want                      string // of each feature: the first of its values, - for none
		refused                   string
	}{
		"in order":                  {"-1:1:0 [0:9.5] 0:2:1", "0,2", `[["x","y"],[70,71,72]]`, "x - 70", ""},
		"no list":                   {"[0:1] 0:1", "1", "null", "- -", ""},
		"booleans":                  {"0:1", "0", `[[false,true]]`, "false", ""},
		"ordered":                   {"0:1 [0:2] [0:9.5]", "0", `[["x","y"],["lo","mid","hi"]]`, "x lo -", ""},
		"ordered or a small number": {"0:1 [0:2] [0:1]", "0", `[["x","y"],["lo","mid","hi"]]`, "", "several ways"},
		"a constant column":         {"0:1 [0.5:2] none", "0,2", `[["x","y"],["one"]]`, "x - one", ""},
		"a column without a list":   {"0:1 0:2", "0,1", `[["x","y"]]`, "", "do not fit"},
		"too short a list":          {"0:1:7", "0", `[["x","y"]]`, "", "do not fit"},
		"too many lists":            {"0:1 [0.5:1]", "0", `[["x","y"],["z"]]`, "", "do not fit"},
		"without the parameter":     {"0:1 [0:9.5] 0:2", "", `[["x","y"],["p","q","r"]]`, "x - p", ""},
		"several kinds":             {"0:1", "0", `[["x",1]]`, "", "several kinds"},
		"no scalar":                 {"0:1", "0", `[["x",null]]`, "", "neither a text"},
		"the empty text":            {"0:1", "0", `[["x",""]]`, "", "empty text"},
		"twice":                     {"0:1", "0", `[["x","x"]]`, "", "twice"},
		"beyond 2^53":               {"0:1", "0", `[[9007199254740993,1]]`, "", "2^53"},
		"no lists":                  {"0:1", "0", `["x","y"]`, "", "not a list"},
	} {
		m, err := interchange.ReadLightGBM(strings.NewReader(pandasModel(c.infos, c.categorical, c.lists)))
		if c.refused != "" {
			if err == nil || !strings.Contains(err.Error(), c.refused) || !errors.Is(err,
				interchange.ErrUnsupported) && !errors.Is(err, interchange.ErrFormat) {
				t.Errorf("%s: error %v, want %q", name, err, c.refused)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, want := range strings.Fields(c.want) {
			got := "-"
			if d := m.Features[i].Dictionary; d != nil {
				got = d.Values[0]
			}
			if got != want {
				t.Errorf("%s: the list of feature %d begins with %s, want %s", name, i, got, want)
			}
		}
	}
}

// TestXGBoostCategories reads the dictionary of 3.1 and later, as it is, and
// refuses one that does not fit.
func TestXGBoostCategories(t *testing.T) {
	with := func(cats string) (*models.Model, error) {
		text := strings.Replace(stump("1"), `"model":{`, `"model":{"cats":{"enc":[`+cats+`]},`, 1)
		return interchange.ReadXGBoost(strings.NewReader(text))
	}
	for cats, want := range map[string][]string{
		`{"offsets":[0,4,9],"values":[101,97,115,116,110,111,114,116,104]}`: {"east", "north"},
		`{"type":15,"values":[70,3,-8]}`:                                    {"70", "3", "-8"},
		`{"offsets":[],"values":[]}`:                                        nil,
	} {
		m, err := with(cats)
		if err != nil {
			t.Fatal(err)
		}
		d := m.Features[0].Dictionary
		if want == nil && d == nil {
			continue
		}
		if d == nil || !d.Closed || !slices.Equal(d.Values, want) || !m.Features[0].Categorical {
			t.Errorf("%s: %+v, want %v", cats, d, want)
		}
	}
	for cats, says := range map[string]string{
		`{"offsets":[0,4],"values":[101,97]}`:                  "do not fit",
		`{"offsets":[0,3,2],"values":[101,97]}`:                "do not fit",
		`{"offsets":[0,2],"values":[-61,-68]}`:                 "beyond ASCII",
		`{"type":15,"values":[1.5]}`:                           "whole number",
		`{"type":15,"values":[3,3]}`:                           "twice",
		`{"type":15,"values":[3]},{"offsets":[],"values":[]}`:  "categories of 2 features",
		`{"offsets":[0,1,1],"values":[101]}`:                   "empty text",
		`{"type":15,"values":[3,9007199254740994]}`:            "2^53",
		`{"type":15,"values":["x"]},{"offsets":[],"values":1}`: "categories of 2 features",
	} {
		if _, err := with(cats); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want %q", cats, err, says)
		}
	}
}

// TestXGBoostClasses: XGBClassifier wrote its classes into files before 1.7.
func TestXGBoostClasses(t *testing.T) {
	for attribute, want := range map[string][]string{
		`{\"classes_\": [1, 2]}`:                         {"1", "2"},
		`{\"_le\": {\"classes_\": [\"bad\", \"good\"]}}`: {"bad", "good"},
		`{\"_estimator_type\": \"classifier\"}`:          nil,
		`{\"classes_\": [1]}`:                            nil,
	} {
		text := strings.Replace(stump("1"), `"learner":{`,
			`"learner":{"attributes":{"scikit_learn":"`+attribute+`"},`, 1)
		m, err := interchange.ReadXGBoost(strings.NewReader(text))
		if err != nil || !slices.Equal(m.Classes, want) {
			t.Errorf("%s: %v, %v, want %v", attribute, m, err, want)
		}
	}
}

// TestBaseScore: XGBoost 3.2 holds the base score of a logistic objective to
// 1e-6 and 1 - 1e-6, earlier versions take it as it is; the margins are those
// that they give.
func TestBaseScore(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "xgboost-2.1.4-score.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		version, score string
		want           float32
	}{
		{"2,1,4", "1E-9", -20.723267}, {"2,1,4", "1E-7", -16.118095}, {"2,1,4", "9.999999E-1", 15.942385}, {"2,1,4",
			"5E-1", 0},
		{"3,1,2", "1E-7", -16.118095}, {"3,2,0", "1E-9", -13.81551}, {"3,2,0", "1E-7", -13.81551}, {"3,2,0",
			"9.999999E-1", 13.74516},
		{"3,2,0", "0E0", -13.81551}, {"3,2,0", "1E0", 13.74516}, {"3,2,0", "5E-1", 0}, {"3,0,5", "0E0", -13.81551},
	} {
		text := strings.Replace(string(raw), `"version":[2,1,4]`, `"version":[`+c.version+`]`, 1)
		text = strings.Replace(text, `"base_score":"3E-1"`, `"base_score":"`+c.score+`"`, 1)
		if strings.Contains(text, "3E-1\"") {
			t.Fatal("the base score is written differently in the file")
		}
		m, err := interchange.ReadXGBoost(strings.NewReader(text))
		if err != nil || float32(m.Init) != c.want {
			t.Errorf("version %s, base score %s: %v, %v, want %v", c.version, c.score, m.Init, err, c.want)
		}
	}
}

// TestGuardsGainNothing: what is put before a categorical split for its missing
// values, and the copies behind it, add nothing to what splits gained.
func TestGuardsGainNothing(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "xgboost-3.2.0-cats.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := interchange.ReadXGBoost(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	type trees []struct {
		Gain []float64 `json:"loss_changes"`
		Left []int     `json:"left_children"`
	}
	var file struct {
		Learner struct {
			Booster struct {
				Model struct{ Trees trees }
			} `json:"gradient_booster"`
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	more := 0
	for i, of := range file.Learner.Booster.Model.Trees {
		var want, got float64
		splits := 0
		for n, left := range of.Left {
			if left >= 0 {
				want += of.Gain[n]
				splits++
			}
		}
		for _, g := range m.Trees[i].Gain {
			got += g
		}
		more += len(m.Trees[i].Gain) - splits
		if math.Abs(got-want) > 1e-9*want {
			t.Errorf("tree %d: its splits gain %v, XGBoost's %v", i, got, want)
		}
	}
	if more == 0 {
		t.Error("the model has no guard")
	}
}
