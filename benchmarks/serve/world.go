// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving/policy"
)

// The shape of the world: numbers and texts that an application carries, and
// window features over its buyer and seller, 40 features in all.
const (
	numbers  = 20
	texts    = 4
	trees    = 300
	leaves   = 31
	training = 20_000
)

// planYAML declares the 40 features.
func planYAML() string {
	var b strings.Builder
	b.WriteString("version: 1\nname: bench\ntime: at\nentities: [buyer, seller]\nfields:\n")
	for i := range numbers {
		fmt.Fprintf(&b, "  - {name: n%02d}\n", i)
	}
	for i := range texts {
		fmt.Fprintf(&b, "  - {name: t%d, kind: text}\n", i)
	}
	b.WriteString(windowYAML)
	b.WriteString("features:\n")
	for i := range numbers {
		fmt.Fprintf(&b, "  - {name: n%02d}\n", i)
	}
	for i := range texts {
		fmt.Fprintf(&b, "  - {name: t%d, min_count: 1}\n", i)
	}
	b.WriteString(windowFeatures)
	return b.String()
}

// row is one application's values.
type row struct {
	n [numbers]float64
	t [texts]string
}

func newRow(r *rand.Rand) (x row) {
	for i := range x.n {
		x.n[i] = float64(r.IntN(100_000)) / 16
	}
	for i := range x.t {
		x.t[i] = fmt.Sprintf("category-%02d", r.IntN(20))
	}
	return x
}

// event makes an application of a row. The request id and event id have a
// fixed width, so that they can be replaced in the encoded bytes.
func (x *row) event(r *rand.Rand, at time.Time) assay.Event {
	e := assay.Event{ID: idTemplate, Kind: "application", Time: at, Entities: []assay.Entity{
		{Role: "buyer", ID: fmt.Sprintf("B-%05d", r.IntN(10_000))}, {Role: "seller", ID: fmt.Sprintf("S-%05d", r.IntN(1_000))}}}
	for i, v := range x.n {
		e.Fields = append(e.Fields, assay.Field{Name: fmt.Sprintf("n%02d", i), Value: assay.NumberValue(v)})
	}
	for i, v := range x.t {
		e.Fields = append(e.Fields, assay.Field{Name: fmt.Sprintf("t%d", i), Value: assay.TextValue(v)})
	}
	return e
}

// writeWorld trains the model and writes its bundle.
func writeWorld(ctx context.Context, dir string) error {
	r := rand.New(rand.NewPCG(1, 2))
	var fields []arrow.Field
	for i := range numbers {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("n%02d", i), Type: arrow.PrimitiveTypes.Float64})
	}
	for i := range texts {
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("t%d", i), Type: arrow.BinaryTypes.String})
	}
	fields = append(fields, arrow.Field{Name: "buyer", Type: arrow.BinaryTypes.String}, arrow.Field{Name: "seller", Type: arrow.BinaryTypes.String},
		arrow.Field{Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us})
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	labels := make([]float64, training)
	for i := range training {
		x := newRow(r)
		z := -2.1 // about one in twenty goes bad
		for j, v := range x.n {
			b.Field(j).(*array.Float64Builder).Append(v)
			z += (v/6250 - 0.5) * float64(j%5) / 4
		}
		for j, v := range x.t {
			b.Field(numbers + j).(*array.StringBuilder).Append(v)
		}
		b.Field(numbers + texts).(*array.StringBuilder).Append(fmt.Sprintf("B-%05d", r.IntN(10_000)))
		b.Field(numbers + texts + 1).(*array.StringBuilder).Append(fmt.Sprintf("S-%05d", r.IntN(1_000)))
		b.Field(numbers + texts + 2).(*array.TimestampBuilder).Append(arrow.Timestamp(epoch.UnixMicro() + int64(i)*1_000_000))
		if r.NormFloat64() < z {
			labels[i] = 1
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	spec, err := features.ParseSpec([]byte(planYAML()))
	if err != nil {
		return err
	}
	plan, _, err := spec.Fit(ctx, rec, nil)
	if err != nil {
		return err
	}
	m, err := plan.Matrix(ctx, rec)
	if err != nil {
		return err
	}
	ds := &gbdt.Dataset{Columns: m.Columns, Label: labels}
	for _, f := range plan.Features() {
		ds.Names, ds.Categorical = append(ds.Names, f.Name), append(ds.Categorical, f.Categorical)
	}
	p := gbdt.DefaultParams()
	p.NumIterations, p.NumLeaves = trees, leaves
	res, err := gbdt.Train(ctx, ds, p, gbdt.Options{})
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := interchange.WriteLightGBM(&text, res.Model); err != nil {
		return err
	}
	bundle := &models.Bundle{Plan: plan.Frozen(), ModelText: text.Bytes(), Scale: models.DefaultScale(), Policy: policy.Default()}
	bundle.Manifest = models.Manifest{Name: "bench", Plan: plan.Digest(), Model: models.ModelFacts{
		Trainer: "assay", Objective: string(res.Model.Objective), Trees: len(res.Model.Trees), Features: len(res.Model.Features)}}
	if err := models.WriteBundle(filepath.Join(dir, "bundle"), bundle); err != nil {
		return err
	}
	bundle.Manifest.Version = "2" // the same trees under another digest, for swaps
	return models.WriteBundle(filepath.Join(dir, "bundle2"), bundle)
}

// featureCount is the number of features of the plan.
func featureCount() int {
	return strings.Count(planYAML()[strings.Index(planYAML(), "\nfeatures:"):], "name:")
}
