// SPDX-License-Identifier: Apache-2.0

package features

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
)

const listedPlan = `
version: 1
fields:
  - {name: region, kind: text}
  - {name: branch, kind: number, values: [8, 3, 4]}
  - {name: owner, kind: flag}
features:
  - {name: region, categories: [south, north, "other"], unknown: missing}
  - {name: branch, kernel: category, categories: [8, 3, 4]}
  - {name: owner, kernel: category, categories: [true, false]}
  - {name: woe, kernel: frequency, of: region}
`

// listedTable has one row for each region: none is frequent.
func listedTable(t *testing.T) arrow.Record {
	t.Helper()
	text, number := array.NewStringBuilder(memory.DefaultAllocator), array.NewFloat64Builder(memory.DefaultAllocator)
	flag := array.NewBooleanBuilder(memory.DefaultAllocator)
	text.AppendValues([]string{"north", "east", "south"}, nil)
	number.AppendValues([]float64{3, 8, 4}, nil)
	flag.AppendValues([]bool{true, false, false}, nil)
	schema := arrow.NewSchema([]arrow.Field{{Name: "region", Type: arrow.BinaryTypes.String},
		{Name: "branch", Type: arrow.PrimitiveTypes.Float64}, {Name: "owner",
			Type: arrow.FixedWidthTypes.Boolean}}, nil)
	return array.NewRecord(schema, []arrow.Array{text.NewArray(), number.NewArray(), flag.NewArray()}, 3)
}

// TestListedCategories: the codes are those of the list, whatever was rare,
// unseen or first in training; a frozen plan keeps them.
func TestListedCategories(t *testing.T) {
	t.Parallel()
	spec, err := ParseSpec([]byte(listedPlan))
	if err != nil {
		t.Fatal(err)
	}
	fitted, _, err := Fit(context.Background(), spec, listedTable(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadPlan(fitted.Frozen())
	if err != nil {
		t.Fatal(err)
	}
	missing := math.NaN()
	for _, c := range []struct {
		region string
		branch float64
		owner  bool
		want   [3]float64
	}{
		{"south", 8, true, [3]float64{0, 0, 0}},
		{"north", 3, false, [3]float64{1, 1, 1}},
		{"other", 4, false, [3]float64{2, 2, 1}},
		{"east", 4, false, [3]float64{missing, 2, 1}},
		{"west", 4, false, [3]float64{missing, 2, 1}},
		{"", missing, false, [3]float64{missing, missing, 1}},
	} {
		ev := &assay.Event{ID: "1", Kind: "application", Time: time.Unix(0, 0), Fields: []assay.Field{
			{Name: "region", Value: assay.TextValue(c.region)}, {Name: "owner", Value: assay.FlagValue(c.owner)}}}
		if c.branch == c.branch {
			ev.Fields = append(ev.Fields, assay.Field{Name: "branch", Value: assay.NumberValue(c.branch)})
		}
		for _, p := range []*Plan{fitted, loaded} {
			v, err := p.Vector(nil, ev, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range c.want {
				if got := v.Values[i]; got != w && (got == got || w == w) {
					t.Errorf("%v: feature %d is %v, want %v", c, i, got, w)
				}
			}
		}
	}
	unlisted := &assay.Event{ID: "1", Kind: "application", Time: time.Unix(0, 0),
		Fields: []assay.Field{{Name: "branch", Value: assay.NumberValue(5)}}}
	if err := loaded.Validate(unlisted); err == nil || !strings.Contains(err.Error(), "not one of the values") {
		t.Errorf("a number outside values: %v", err)
	}
}

func TestListedCategoriesRefused(t *testing.T) {
	t.Parallel()
	for old, c := range map[string]struct{ new, says string }{
		"[8, 3, 4]}\n  - {name: owner, kernel":            {"[8, 3, 3]}\n  - {name: owner, kernel", "twice"},
		"branch, kernel: category, categories: [8, 3, 4]": {"branch, kernel: category", "not learned"},
		"[true, false]":     {"[true, maybe]", "want false or true"},
		"values: [8, 3, 4]": {"values: [8, x]", "finite number"},
		"unknown: missing":  {"unknown: lost", "other or missing"},
		"north, ":           {`"", `, "empty"},
		"[south, north":     {"[south, south", "twice"},
		"categories: [south, north, \"other\"], ": {"", "list them under categories"},
		"[south, north, \"other\"]":               {"[south], min_count: 3", "remove min_count"},
		"kernel: frequency":                       {"kernel: frequency, categories: [a]", "takes no categories"},
	} {
		if !strings.Contains(listedPlan, old) {
			t.Fatalf("the plan has no %q", old)
		}
		_, err := ParseSpec([]byte(strings.Replace(listedPlan, old, c.new, 1)))
		if !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: error %v, want one that says %q", c.new, err, c.says)
		}
	}
}
