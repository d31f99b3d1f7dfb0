// SPDX-License-Identifier: Apache-2.0

package forest_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/forest/foresttest"
)

func group(code string, features ...int) forest.ReasonGroup {
	return forest.ReasonGroup{Code: code, Text: "text of " + code, Features: features}
}

func codes(rs []assay.Reason) (out []string) {
	for _, r := range rs {
		out = append(out, r.Code)
	}
	return out
}

func TestReasons(t *testing.T) {
	m := foresttest.Model(1, foresttest.Shape{Trees: 40, Leaves: 31, Features: 8})
	m.Features = append(m.Features, models.FeatureInfo{Name: "unused"})
	f := compile(t, m)
	groups := []forest.ReasonGroup{group("a", 0, 1), group("b", 2), group("c", 3), group("d", 4), group("e", 5),
		group("f", 6, 7), group("g", 8)}
	r, err := forest.NewReasons(f, groups)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		phi  []float64
		want []string
	}{
		"strongest first":         {[]float64{0.1, 0.1, 0.5, 0.3, 0, 0, 0, 0, 0, 0}, []string{"b", "c", "a"}},
		"at most four":            {[]float64{1, 0, 2, 3, 4, 5, 6, 0, 0, 0}, []string{"f", "e", "d", "c"}},
		"groups cancel":           {[]float64{1, -1, 0.2, 0, 0, 0, 2, -3, 0, 0}, []string{"b"}},
		"ties in order of plan":   {[]float64{0, 0, 1, 1, 1, 1, 1, 0, 0, 0}, []string{"b", "c", "d", "e"}},
		"ties after a stronger":   {[]float64{0, 0, 1, 1, 1, 1, 2, 0, 0, 0}, []string{"f", "b", "c", "d"}},
		"never an unused one":     {[]float64{0, 0, 0, 0, 0, 0, 0, 0, 9, 0}, nil},
		"never the expectation":   {[]float64{0, 0, 0, 0, 0, 0, 0, 0, 0, 9}, nil},
		"nothing raises the risk": {[]float64{-1, 0, -2, 0, 0, 0, 0, 0, 0, 0}, nil},
		"NaN gives no reason":     {[]float64{math.NaN(), 0, 1, 0, 0, 0, 0, 0, 0, 0}, []string{"b"}},
	} {
		if got := codes(r.Append(nil, c.phi)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for name, bad := range map[string][]forest.ReasonGroup{
		"no such feature": {group("a", 9)},
		"negative":        {group("a", -1)},
		"feature twice":   {group("a", 1), group("b", 1)},
		"code twice":      {group("a", 1), group("a", 2)},
		"no code":         {group("", 1)},
	} {
		if _, err := forest.NewReasons(f, bad); !errors.Is(err, assay.ErrInvalid) {
			t.Errorf("%s: error %v, want ErrInvalid", name, err)
		}
	}
}

func TestImportances(t *testing.T) {
	m := foresttest.Model(1, foresttest.Shape{Trees: 4, Leaves: 8, Features: 3})
	f := compile(t, m)
	rows := foresttest.Rows(1, m, 20)
	got := f.Importances(rows)
	want := make([]forest.Importance, 3)
	for i := range m.Trees {
		for k, j := range m.Trees[i].Feature {
			want[j].Splits++
			want[j].Gain += m.Trees[i].Gain[k]
		}
	}
	for i := 0; i < len(rows); i += 3 {
		for j, v := range shapley(m, rows[i:i+3])[:3] {
			want[j].MeanAbs += math.Abs(v) / 20
		}
	}
	for j := range want {
		if got[j].Splits != want[j].Splits || got[j].Gain != want[j].Gain ||
			math.Abs(got[j].MeanAbs-want[j].MeanAbs) > 1e-9 {
			t.Errorf("feature %d: %+v, want %+v", j, got[j], want[j])
		}
	}
}

func TestGroupReasons(t *testing.T) {
	codes := []string{"late", "size", "late", "age"}
	got := forest.GroupReasons(4, func(j int) (code, text string) { return codes[j], fmt.Sprint("sentence ", j) })
	want := []forest.ReasonGroup{
		{Code: "late", Text: "sentence 0", Features: []int{0, 2}},
		{Code: "size", Text: "sentence 1", Features: []int{1}},
		{Code: "age", Text: "sentence 3", Features: []int{3}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("groups %v, want %v", got, want)
	}
}
