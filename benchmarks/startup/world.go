// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt"
	"github.com/assayrisk/assay/serving/policy"
)

const (
	numbers  = 24
	training = 2000
)

// epoch is the time of the first application; they come once a second.
var epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

const windows = `
windows:
  - {name: buyer30, key: [buyer], on: [application], value: n00, length: 30d}
  - {name: buyer90, key: [buyer], on: [application], value: n00, length: 90d, member: seller}
  - {name: seller30, key: [seller], on: [application], value: n01, length: 30d}
  - {name: pair90, key: [buyer, seller], on: [application], value: n00, length: 90d}
features:
`

// ofWindows are the features that read them, kernel by window.
var ofWindows = []struct {
	window  string
	kernels []string
}{
	{"buyer30", []string{"count", "window_sum", "mean", "since_last"}},
	{"buyer90", []string{"count", "window_sum", "std", "max", "distinct", "share", "age"}},
	{"seller30", []string{"count", "window_sum", "mean"}},
	{"pair90", []string{"count", "window_sum"}},
}

func planYAML() string {
	var b strings.Builder
	b.WriteString("version: 1\nname: startup\ntime: at\nentities: [buyer, seller]\nfields:\n")
	for i := range numbers {
		fmt.Fprintf(&b, "  - {name: n%02d}\n", i)
	}
	b.WriteString(windows[1:])
	for i := range numbers {
		fmt.Fprintf(&b, "  - {name: n%02d}\n", i)
	}
	for _, w := range ofWindows {
		for _, k := range w.kernels {
			fmt.Fprintf(&b, "  - {name: %s_%s, kernel: %s, window: %s}\n", w.window, k, k, w.window)
		}
	}
	return b.String()
}

// application is the i-th, always the same.
func application(i int) *assay.Event {
	r := rand.New(rand.NewPCG(1, uint64(i)))
	e := &assay.Event{ID: fmt.Sprintf("application-%09d", i), Kind: "application", Time: epoch.Add(time.Duration(i) * time.Second), Entities: []assay.Entity{
		{Role: "buyer", ID: fmt.Sprintf("B-%05d", r.IntN(10_000))}, {Role: "seller", ID: fmt.Sprintf("S-%04d", r.IntN(1_000))}}}
	for j := range numbers {
		e.Fields = append(e.Fields, assay.Field{Name: fmt.Sprintf("n%02d", j), Value: assay.NumberValue(float64(r.IntN(100_000)) / 16)})
	}
	return e
}

// bundle trains a small model: what it scores does not matter here.
func bundle(ctx context.Context) (*models.Bundle, error) {
	var fields []arrow.Field
	for i := range numbers {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("n%02d", i), Type: arrow.PrimitiveTypes.Float64})
	}
	fields = append(fields, arrow.Field{Name: "buyer", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "seller", Type: arrow.BinaryTypes.String},
		arrow.Field{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us})
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	labels := make([]float64, training)
	for i := range training {
		e := application(i)
		for j, f := range e.Fields {
			b.Field(j).(*array.Float64Builder).Append(f.Value.Number())
		}
		b.Field(numbers).(*array.StringBuilder).Append(e.Entities[0].ID)
		b.Field(numbers + 1).(*array.StringBuilder).Append(e.Entities[1].ID)
		b.Field(numbers + 2).(*array.TimestampBuilder).Append(arrow.Timestamp(e.Time.UnixMicro()))
		if e.Fields[0].Value.Number() > 5000 {
			labels[i] = 1
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	spec, err := features.ParseSpec([]byte(planYAML()))
	if err != nil {
		return nil, err
	}
	plan, _, err := spec.Fit(ctx, rec, nil)
	if err != nil {
		return nil, err
	}
	m, err := plan.Matrix(ctx, rec)
	if err != nil {
		return nil, err
	}
	ds := &gbdt.Dataset{Columns: m.Columns, Label: labels}
	for _, f := range plan.Features() {
		ds.Names, ds.Categorical = append(ds.Names, f.Name), append(ds.Categorical, f.Categorical)
	}
	p := gbdt.DefaultParams()
	p.NumIterations, p.NumLeaves = 20, 15
	res, err := gbdt.Train(ctx, ds, p, gbdt.Options{})
	if err != nil {
		return nil, err
	}
	out := &models.Bundle{Plan: plan.Frozen(), Model: res.Model, Scale: models.DefaultScale(), Policy: policy.Default()}
	out.Manifest = models.Manifest{Name: "startup", Plan: plan.Digest()}
	out.Digest = assay.Sum("startup bundle\n", out.Plan)
	return out, nil
}
