// SPDX-License-Identifier: Apache-2.0

// Package scoringtest makes small bundles and events for tests.
package scoringtest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
)

// PlanYAML is a plan with two numbers, a text and a flag.
const PlanYAML = `
version: 1
name: test
entities: [buyer]
fields:
  - {name: amount, required: true, min: 0}
  - {name: income}
  - {name: sector, kind: text}
  - {name: insured, kind: flag}
features:
  - {name: amount, group: size}
  - {name: income, group: means}
  - {name: sector, min_count: 1}
groups:
  - {name: size, code: R01, text: The amount is high for this buyer.}
  - {name: means, code: R02, text: The buyer's income is low.}
`

// table is a small training table.
func table(t testing.TB) arrow.Record {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "amount", Type: arrow.PrimitiveTypes.Float64},
		{Name: "income", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "sector", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "insured", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "buyer", Type: arrow.BinaryTypes.String}, {Name: "target", Type: arrow.PrimitiveTypes.Float64},
		{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us}, {Name: "seller", Type: arrow.BinaryTypes.String},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := range 200 {
		b.Field(0).(*array.Float64Builder).Append(float64(i))
		b.Field(1).(*array.Float64Builder).Append(float64(1000 - i))
		b.Field(2).(*array.StringBuilder).Append([]string{"steel", "food"}[i%2])
		b.Field(3).(*array.BooleanBuilder).Append(i%3 == 0)
		b.Field(4).(*array.StringBuilder).Append(fmt.Sprintf("B-%d", i%7))
		b.Field(5).(*array.Float64Builder).Append(float64(i % 2))
		b.Field(6).(*array.TimestampBuilder).Append(arrow.Timestamp(Start.UnixMicro()) - 1e9 + arrow.Timestamp(i))
		b.Field(7).(*array.StringBuilder).Append(fmt.Sprintf("S-%d", i%5))
	}
	return b.NewRecord()
}

// Stump is a tree with one split.
func Stump(feature int32, threshold, left, right float64) models.Tree {
	return models.Tree{
		Feature: []int32{feature}, Threshold: []float64{threshold}, Decision: []uint8{uint8(models.MissingNaN) << 2},
		Left: []int32{^0}, Right: []int32{^1}, Gain: []float64{1}, NodeValue: []float64{0}, NodeHess: []float64{200},
		NodeCount: []int64{200},
		LeafValue: []float64{left, right}, LeafHess: []float64{100, 100}, LeafCount: []int64{100, 100}, Shrinkage: 1,
	}
}

// Bundle makes a bundle of two stumps: the margin is -3 + bias, plus 2.5 when the
// amount is over 1000, plus 2 when the income is at most 500.
func Bundle(t testing.TB, plan, name string, bias float64) *models.Bundle {
	t.Helper()
	spec, err := features.ParseSpec([]byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	rec := table(t)
	defer rec.Release()
	p, _, err := features.Fit(t.Context(), spec, rec, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &models.Model{Objective: models.Binary, Sigmoid: 1,
		Trees: []models.Tree{Stump(0, 1000, -3+bias, -0.5+bias), Stump(1, 500, 2, 0)}}
	for _, f := range p.Features() {
		m.Features = append(m.Features, models.FeatureInfo{Name: f.Name, Categorical: f.Categorical, Max: 1e6})
	}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	b := &models.Bundle{Model: m, Plan: p.Frozen(), Scale: models.DefaultScale()}
	b.Manifest.Name, b.Manifest.Plan = name, p.Digest()
	b.Digest = assay.Sum("test bundle\n", []byte(name), b.Plan, []byte(fmt.Sprint(bias)))
	return b
}

// Start is the time of the events of Application.
var Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Application makes an event to score. An income of NaN is missing.
func Application(id string, amount, income float64) *assay.Event {
	e := &assay.Event{ID: id, Kind: "application", Time: Start, Entities: []assay.Entity{{Role: "buyer", ID: "B-1"}},
		Fields: []assay.Field{{Name: "amount", Value: assay.NumberValue(amount)},
			{Name: "sector", Value: assay.TextValue("steel")}}}
	if !math.IsNaN(income) {
		e.Fields = append(e.Fields, assay.Field{Name: "income", Value: assay.NumberValue(income)})
	}
	return e
}
