// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/serving/policy"
	"github.com/assayrisk/assay/training"
)

// libraryAnswers is what the library that wrote a model file says of rows;
// testdata/modelfiles/make.py wrote it.
type libraryAnswers struct {
	From          string      `json:"from"`
	File          string      `json:"file"`
	Names         []string    `json:"names"`
	Rows          [][]any     `json:"rows"`
	Margins       []string    `json:"margins"`
	PDs           []float64   `json:"pds"`
	Contributions [][]float64 `json:"contributions"`
	Bad           string      `json:"bad"`
	Refused       string      `json:"refused"`
}

// agreement is how far a library's numbers may be from ours. XGBoost computes
// probabilities and contributions in float32; two libraries add up in another
// order.
type agreement struct{ margin, pd, contribution float64 }

var agreements = map[string]agreement{
	"lightgbm": {0, 1e-15, 1e-9}, "xgboost": {0, 1.5e-7, 2e-6}, "sklearn": {4e-16, 1e-15, 1e-9}, "catboost": {1e-15,
		1e-15, 1e-9},
}

// imported writes the bundle of a file in testdata/modelfiles, with a field for
// each of its features, and opens it again.
func imported(t *testing.T, format, file, badClass string) (*training.Scorer, error) {
	t.Helper()
	m, err := Read(training.Quiet{}, format, readModelFile(t, file), badClass)
	if err != nil {
		return nil, err
	}
	plan, err := m.PlainPlan(t.Context())
	if err != nil {
		return nil, err
	}
	return written(t, m, plan)
}

// written makes the model's bundle under the plan, writes it, and opens it.
func written(t *testing.T, m *Model, plan *features.Plan) (*training.Scorer, error) {
	t.Helper()
	if err := m.CheckPlan(plan); err != nil {
		return nil, err
	}
	b, err := m.Bundle(training.Quiet{}, "imported", plan, policy.Default())
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(t.TempDir(), "bundle")
	if err := training.WriteBundle(dir, b); err != nil {
		return nil, err
	}
	return training.OpenScorer(dir)
}

func readModelFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "modelfiles", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestModelFiles imports every model file of testdata/modelfiles and holds the
// bundle to the library that wrote the file: margin, probability of the bad
// class and contributions of rows that hold the values of the training frame,
// missing and unknown ones among them. At least forty agree.
func TestModelFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	files, err := filepath.Glob(filepath.Join("testdata", "modelfiles", "*.answers.json"))
	if err != nil {
		t.Fatal(err)
	}
	agree := map[string]int{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want libraryAnswers
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".answers.json"), func(t *testing.T) {
			s, err := imported(t, want.From, want.File, want.Bad)
			if want.Refused != "" {
				if err == nil || !strings.Contains(err.Error(), want.Refused) {
					t.Fatalf("%v, want it refused with %q", err, want.Refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want.compare(t, s)
			agree[want.From]++
		})
	}
	total := 0
	for _, n := range agree {
		total += n
	}
	t.Logf("%d model files agree with their libraries: %v", total, agree)
	if total < 40 && !t.Failed() {
		t.Errorf("%d model files, want 40", total)
	}
}

func (a *libraryAnswers) compare(t *testing.T, s *training.Scorer) {
	t.Helper()
	if len(a.Rows) == 0 || len(a.Margins) != len(a.Rows) || len(a.PDs) != len(a.Rows) ||
		len(a.Contributions) != len(a.Rows) {
		t.Fatal("the answers are not complete")
	}
	within := agreements[a.From]
	var x []float64
	phi := make([]float64, len(a.Names)+1)
	for i, row := range a.Rows {
		ev := a.event(t, s.Plan, row)
		if err := s.Plan.Admit(ev); err != nil {
			t.Fatal(err)
		}
		v, err := s.Plan.Vector(x, ev, nil)
		if err != nil {
			t.Fatal(err)
		}
		x = v.Values
		margin, err := strconv.ParseFloat(a.Margins[i], 64)
		if err != nil {
			t.Fatal(err)
		}
		near(t, i, "margin", s.Forest.Margin(x), margin, within.margin)
		near(t, i, "probability", s.Bundle.Calibration.Apply(s.Forest.Margin(x)), a.PDs[i], within.pd)
		s.Forest.Contributions(phi, x)
		for j, got := range phi {
			near(t, i, "contribution "+strconv.Itoa(j), got, a.Contributions[i][j], within.contribution)
		}
	}
}

// near holds a number to what the library says, relative to its size from 1 on.
func near(t *testing.T, row int, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within*max(1, math.Abs(want))) {
		t.Fatalf("row %d: %s %v, the library says %v", row, what, got, want)
	}
}

// event states a row's values as the plan's fields want them.
func (a *libraryAnswers) event(t *testing.T, plan *features.Plan, row []any) *assay.Event {
	t.Helper()
	ev := &assay.Event{ID: "1", Kind: plan.Event(), Time: time.Unix(1_700_000_000, 0)}
	for j, v := range row {
		f := assay.Field{Name: a.Names[j]}
		switch v := v.(type) {
		case nil:
			continue
		case string:
			f.Value = assay.TextValue(v)
		case bool:
			f.Value = assay.FlagValue(v)
		case float64:
			f.Value = assay.NumberValue(v)
		}
		ev.Fields = append(ev.Fields, f)
	}
	return ev
}
