// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets/scf"
)

// BenchmarkOnline measures one event of the scf plan (35 features, 17 windows)
// through Validate, Vector and Observe.
func BenchmarkOnline(b *testing.B) {
	cfg := scf.Config{Seed: 3, Events: 50_000}
	p, _ := scfPlan(b, cfg)
	st := p.NewState()
	var apps []assay.Event
	for e := range scf.New(cfg).Events() {
		if err := p.Observe(e, st); err != nil {
			b.Fatal(err)
		}
		if e.Kind == p.Event() {
			c := *e
			c.Entities, c.Fields = append([]assay.Entity{}, e.Entities...), append([]assay.Field{}, e.Fields...)
			apps = append(apps, c)
		}
	}
	apps = apps[len(apps)-1000:]
	dst := make([]float64, 0, 64)
	b.Run("vector", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if _, err := p.Vector(dst, &apps[i%1000], st); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("validate", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if err := p.Validate(&apps[i%1000]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("observe", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			if err := p.Observe(&apps[i%1000], st); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkOffline measures Matrix on an event log.
func BenchmarkOffline(b *testing.B) {
	p, rec := scfPlan(b, scf.Config{Seed: 3, Events: 100_000})
	b.ResetTimer()
	for range b.N {
		if _, err := p.Matrix(context.Background(), rec); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rec.NumRows())*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
