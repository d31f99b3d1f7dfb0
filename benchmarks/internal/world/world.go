// SPDX-License-Identifier: Apache-2.0

// Package world makes up applications and models for them, for benchmarks that
// need a bundle whose predictions mean nothing. A Shape is a table of numbers, of
// any size: values are uniform, and the label is a noisy sum of functions of the
// columns. Applications have texts, parties and windows as well; the benchmark
// makes their rows and labels.
package world

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/infer"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/gbdt"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving/policy"
)

// Shape is the size of a table and of the model trained on it. Every number must
// be positive.
type Shape struct{ Rows, Columns, Trees, Leaves int }

// ColumnName is the name of a column.
func ColumnName(i int) string { return fmt.Sprintf("n%03d", i) }

// Table draws a table, column by column, and its labels; the same seed gives
// the same table.
func Table(s Shape, seed uint64) *gbdt.Dataset {
	d := &gbdt.Dataset{Label: make([]float64, s.Rows)}
	z := make([]float64, s.Rows)
	for j := range s.Columns {
		r := rand.New(rand.NewPCG(seed, uint64(j)))
		c := make([]float64, s.Rows)
		weight := math.Cos(float64(j)) / math.Sqrt(float64(s.Columns))
		for i := range c {
			c[i] = math.Round(r.Float64()*1e6) / 64
			u := c[i]*64/1e6 - 0.5
			z[i] += weight * (4*u + 8*math.Abs(u) - 2)
		}
		d.Names, d.Columns, d.Categorical = append(d.Names, ColumnName(j)), append(d.Columns, c),
			append(d.Categorical, false)
	}
	r := rand.New(rand.NewPCG(seed, 1<<40))
	for i := range z {
		if z[i]+r.NormFloat64() > 1.2 {
			d.Label[i] = 1
		}
	}
	return d
}

// Train trains the shape's model on its table.
func Train(ctx context.Context, s Shape, d *gbdt.Dataset) (*models.Model, error) {
	p := gbdt.DefaultParams()
	p.NumIterations, p.NumLeaves, p.LearningRate = s.Trees, s.Leaves, 0.05
	r, err := gbdt.Train(ctx, d, p, gbdt.Options{})
	if err != nil {
		return nil, err
	}
	return r.Model, nil
}

// WriteBundle trains a model and writes it to dir as a bundle that serves.
func WriteBundle(ctx context.Context, dir, version string, s Shape) error {
	d := Table(s, 1)
	m, err := Train(ctx, s, d)
	if err != nil {
		return err
	}
	plan, err := fitPlan(ctx, d)
	if err != nil {
		return err
	}
	return WriteBundleOf(dir, version, plan, m)
}

// WriteBundleOf writes a plan and a model on its features to dir as a bundle that serves.
func WriteBundleOf(dir, version string, plan *features.Plan, m *models.Model) error {
	var text bytes.Buffer
	if err := interchange.WriteLightGBM(&text, m); err != nil {
		return err
	}
	b := &models.Bundle{Plan: plan.Frozen(), ModelText: text.Bytes(), Scale: models.DefaultScale(),
		Policy: policy.Default()}
	b.Manifest = models.Manifest{Name: "bench", Version: version, Plan: plan.Digest(), Model: models.ModelFacts{
		Trainer: "assay", Objective: string(m.Objective), Trees: len(m.Trees), Features: len(m.Features)}}
	return models.WriteBundle(dir, b)
}

// fitPlan fits a plan that takes the columns as they are.
func fitPlan(ctx context.Context, d *gbdt.Dataset) (*features.Plan, error) {
	var fields []arrow.Field
	for _, n := range d.Names {
		fields = append(fields, arrow.Field{Name: n, Type: arrow.PrimitiveTypes.Float64})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for j, c := range d.Columns {
		b.Field(j).(*array.Float64Builder).AppendValues(c[:min(len(c), 1000)], nil)
	}
	rec := b.NewRecord()
	defer rec.Release()
	spec, _, err := infer.FromTable(rec, "")
	if err != nil {
		return nil, err
	}
	p, _, err := features.Fit(ctx, spec, rec, nil)
	return p, err
}

// Event is row i of a table as an application that happens now.
func Event(d *gbdt.Dataset, i int, id string) assay.Event {
	e := assay.Event{ID: id, Kind: "application", Time: time.Now()}
	for j, c := range d.Columns {
		e.Fields = append(e.Fields, assay.Field{Name: d.Names[j], Value: assay.NumberValue(c[i])})
	}
	return e
}

// Row is row i of a table.
func Row(d *gbdt.Dataset, i int) []float64 {
	x := make([]float64, len(d.Columns))
	for j, c := range d.Columns {
		x[j] = c[i]
	}
	return x
}
