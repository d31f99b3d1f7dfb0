// SPDX-License-Identifier: Apache-2.0

package featurestest

import (
	"math/rand/v2"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/plantext"
)

// withLookups adds tables to a world, and features that look values up in them:
// for each text field a table with dates and one without, and one dated series
// without keys. Some keys have no rows, some rows have no value, and some rows
// begin exactly at the time of an event.
func (w *World) withLookups(seed uint64) *World {
	r := rand.New(rand.NewPCG(0x100c, seed))
	spec := *w.Spec
	w.Spec = &spec
	add := func(l plantext.LookupSpec, of ...string) {
		w.Spec.Lookups = append(w.Spec.Lookups, l)
		w.Spec.Features = append(w.Spec.Features,
			plantext.FeatureSpec{Name: l.Name, Kernel: "lookup", Table: l.Name, Of: of})
	}
	from := func() string { return w.Events[r.IntN(len(w.Events))].Time.Format(time.RFC3339Nano) }
	value := func() *float64 {
		x := float64(r.IntN(1000)) / 8
		if r.IntN(8) == 0 {
			return nil
		}
		return &x
	}
	series := plantext.LookupSpec{Name: "lookup series"}
	for _, at := range distinct(8, from) {
		series.Rows = append(series.Rows, plantext.LookupRow{From: at, Value: value()})
	}
	add(series)
	for _, f := range w.Spec.Fields {
		if f.Kind != "text" {
			continue
		}
		dated, plain := plantext.LookupSpec{Name: "lookup dated " + f.Name},
			plantext.LookupSpec{Name: "lookup " + f.Name}
		texts := distinct(3, func() string {
			v, _ := w.Events[r.IntN(len(w.Events))].Field(f.Name)
			if v.Kind != assay.Text || v.Text() == "" {
				return "of no event"
			}
			return v.Text()
		})
		for _, t := range append(texts, "another of no event") {
			plain.Rows = append(plain.Rows, plantext.LookupRow{Key: t, Value: value()})
			for _, at := range distinct(5, from) {
				dated.Rows = append(dated.Rows, plantext.LookupRow{Key: t, From: at, Value: value()})
			}
		}
		add(dated, f.Name)
		add(plain, f.Name)
		for i := range w.Events { // a server refuses scored events without any field that features read
			ev := &w.Events[i]
			if _, ok := ev.Field(f.Name); !ok && ev.Kind == w.Spec.ScoredKind() {
				ev.Fields = append(ev.Fields, assay.Field{Name: f.Name})
			}
		}
	}
	return w
}

// distinct draws up to n different texts.
func distinct(n int, draw func() string) []string {
	seen, out := map[string]bool{}, []string{}
	for range 4 * n {
		if t := draw(); !seen[t] && len(out) < n {
			seen[t], out = true, append(out, t)
		}
	}
	return out
}
