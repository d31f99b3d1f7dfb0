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

// An application has numbers and texts; with features of windows over its buyer
// and seller the plan has 40 features.
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

// application holds the values of one application.
type application struct {
	n [numbers]float64
	t [texts]string
}

func newApplication(r *rand.Rand) (x application) {
	for i := range x.n {
		x.n[i] = float64(r.IntN(100_000)) / 16
	}
	for i := range x.t {
		x.t[i] = fmt.Sprintf("category-%02d", r.IntN(20))
	}
	return x
}

// event is the application of a random buyer to a random seller. Its id is
// load.ID, which a template replaces.
func (x *application) event(r *rand.Rand, at time.Time) assay.Event {
	e := assay.Event{ID: load.ID, Kind: "application", Time: at, Entities: []assay.Entity{
		{Role: "buyer", ID: fmt.Sprintf("B-%05d", r.IntN(10_000))},
		{Role: "seller", ID: fmt.Sprintf("S-%05d", r.IntN(1_000))}}}
	for i, v := range x.n {
		e.Fields = append(e.Fields, assay.Field{Name: world.NumberName(i), Value: assay.NumberValue(v)})
	}
	for i, v := range x.t {
		e.Fields = append(e.Fields, assay.Field{Name: world.CategoryName(i), Value: assay.TextValue(v)})
	}
	return e
}

// writeWorld trains the model and writes its bundle.
func writeWorld(ctx context.Context, dir string) error {
	r := rand.New(rand.NewPCG(1, 2))
	events, labels := make([]assay.Event, training), make([]float64, training)
	for i := range events {
		x := newApplication(r)
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
	if err := world.WriteBundleOf(filepath.Join(dir, "bundle"), "", plan, m); err != nil {
		return err
	}
	// the same trees under another digest, for swaps
	return world.WriteBundleOf(filepath.Join(dir, "bundle2"), "2", plan, m)
}

// featureCount is the number of features of the plan.
func featureCount() int {
	return strings.Count(planYAML()[strings.Index(planYAML(), "\nfeatures:"):], "name:")
}
