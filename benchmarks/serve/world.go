// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/benchmarks/internal/load"
	"github.com/assayrisk/assay/benchmarks/internal/world"
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

var shape = world.Applications{Numbers: numbers, Texts: texts}

// planYAML declares the 40 features.
func planYAML() string {
	return shape.PlanYAML("bench", world.Windows, windowFeatures)
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
	e := assay.Event{ID: load.ID, Kind: "application", Time: at, Entities: []assay.Entity{
		{Role: "buyer", ID: fmt.Sprintf("B-%05d", r.IntN(10_000))},
		{Role: "seller", ID: fmt.Sprintf("S-%05d", r.IntN(1_000))}}}
	for i, v := range x.n {
		e.Fields = append(e.Fields, assay.Field{Name: world.Number(i), Value: assay.NumberValue(v)})
	}
	for i, v := range x.t {
		e.Fields = append(e.Fields, assay.Field{Name: world.Text(i), Value: assay.TextValue(v)})
	}
	return e
}

// writeWorld trains the model and writes its bundle.
func writeWorld(ctx context.Context, dir string) error {
	r := rand.New(rand.NewPCG(1, 2))
	events, labels := make([]assay.Event, training), make([]float64, training)
	for i := range events {
		x := newRow(r)
		z := -2.1 // about one in twenty goes bad
		for j, v := range x.n {
			z += (v/6250 - 0.5) * float64(j%5) / 4
		}
		events[i] = x.event(r, epoch.Add(time.Duration(i)*time.Second))
		if r.NormFloat64() < z {
			labels[i] = 1
		}
	}
	plan, m, err := shape.Train(ctx, planYAML(), events, labels, trees, leaves)
	if err != nil {
		return err
	}
	if err := world.Write(filepath.Join(dir, "bundle"), "", plan, m); err != nil {
		return err
	}
	return world.Write(filepath.Join(dir, "bundle2"), "2", plan, m) // the same trees under another digest, for swaps
}

// featureCount is the number of features of the plan.
func featureCount() int {
	return strings.Count(planYAML()[strings.Index(planYAML(), "\nfeatures:"):], "name:")
}
