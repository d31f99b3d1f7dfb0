// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/benchmarks/internal/world"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/policy"
)

const trainingRows = 2000

// shape is that of an application: 24 numbers.
var shape = world.Applications{Numbers: 24}

// epoch is the time of the first application; they come once a second.
var epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// windowFeatures are the kernels of the features that read each of world.Windows.
var windowFeatures = []struct {
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
	for _, w := range windowFeatures {
		for _, k := range w.kernels {
			fmt.Fprintf(&b, "  - {name: %s_%s, kernel: %s, window: %s}\n", w.window, k, k, w.window)
		}
	}
	return shape.PlanYAML("startup", world.Windows, b.String())
}

// application is the i-th application, the same in each run.
func application(i int) *assay.Event {
	r := rand.New(rand.NewPCG(1, uint64(i)))
	pair := r.IntN(1_000_000)
	e := &assay.Event{ID: fmt.Sprintf("application-%09d", i), Kind: "application",
		Time: epoch.Add(time.Duration(i) * time.Second), Entities: []assay.Entity{
			{Role: "buyer", ID: fmt.Sprintf("B-%05d", pair%10_000)},
			{Role: "seller", ID: fmt.Sprintf("S-%04d", pair/10_000*10+pair%10)}}}
	for j := range shape.Numbers {
		e.Fields = append(e.Fields,
			assay.Field{Name: world.NumberName(j), Value: assay.NumberValue(float64(r.IntN(100_000)) / 16)})
	}
	return e
}

// bundle trains a small model; what it predicts does not matter here.
func bundle(ctx context.Context) (*models.Bundle, error) {
	events, labels := make([]assay.Event, trainingRows), make([]float64, trainingRows)
	for i := range events {
		events[i] = *application(i)
		if events[i].Fields[0].Value.Number() > 5000 {
			labels[i] = 1
		}
	}
	plan, m, err := shape.Train(ctx, planYAML(), events, labels, 20, 15)
	if err != nil {
		return nil, err
	}
	out := &models.Bundle{Plan: plan.Frozen(), Model: m, Scale: models.DefaultScale(), Policy: policy.Default()}
	out.Manifest = models.Manifest{Name: "startup", Plan: plan.Digest()}
	out.Digest = assay.Sum("startup bundle\n", out.Plan)
	return out, nil
}
