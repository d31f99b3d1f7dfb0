// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
)

const zonedPlan = `
version: 1
time: time
kind: kind
entities: [loan]
label: {event: default, match: [loan], horizon: 30d}
fields:
  - {name: amount, on: [application, default]}
derived:
  - {name: hour, kernel: date_part, of: event.time, part: hour, zone: America/New_York}
windows:
  - {name: month, key: [loan], on: [application], value: hour, calendar: month, length: 1, zone: Europe/Berlin}
features:
  - {name: amount}
  - {name: asked, kernel: count, window: month}
  - {name: late, kernel: max, window: month}
`

// TestZonesBeforeFitting: a spec whose windows and derived values follow time
// zones finds outcomes, and replays a table, before any plan is fitted.
func TestZonesBeforeFitting(t *testing.T) {
	t.Parallel()
	const log = `time,kind,loan,amount
2024-01-31T22:30:00Z,application,a,1
2024-01-31T23:30:00Z,application,a,2
2024-02-01T12:00:00Z,application,b,3
2024-02-02T12:00:00Z,application,b,6
2024-02-10T12:00:00Z,default,a,4
2024-04-20T12:00:00Z,application,b,5
`
	opts := datasets.Options{Text: []string{"kind", "loan"}, Time: []string{"time"}, Unlabelled: true}
	f, err := datasets.ReadBytes(t.Context(), "log.csv", []byte(log), opts)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := features.ParseSpec([]byte(zonedPlan))
	if err != nil {
		t.Fatal(err)
	}
	bare := *spec
	bare.Derived, bare.Windows, bare.Features = nil, nil, spec.Features[:1]
	rows, labels, open, err := features.ReadLabels(spec, f.Record)
	if err != nil {
		t.Fatal(err)
	}
	bareRows, bareLabels, bareOpen, err := features.ReadLabels(&bare, f.Record)
	if err != nil {
		t.Fatal(err)
	}
	bits := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
	same := slices.EqualFunc(labels, bareLabels, bits)
	if !slices.Equal(rows, bareRows) || !same || open != bareOpen || !slices.Equal(labels[:4], []float64{1, 1, 0, 0}) {
		t.Errorf("rows %v, labels %v, %d open; without zones %v, %v, %d", rows, labels, open,
			bareRows, bareLabels, bareOpen)
	}
	replayed, err := features.Replay(context.Background(), spec, f.Record)
	if err != nil {
		t.Fatal(err)
	}
	plan, _, err := replayed.Fit(context.Background(), rows)
	if err != nil {
		t.Fatal(err)
	}
	m, err := replayed.Matrix(context.Background(), plan)
	if err != nil {
		t.Fatal(err)
	}
	// 23:30 in UTC is February in Berlin, where January's application is last month's.
	if want := []float64{0, 0, 0, 1, 0}; !slices.Equal(m.Columns[1], want) {
		t.Errorf("the counts are %v, want %v", m.Columns[1], want)
	}
	spec, err = features.ParseSpec([]byte(strings.Replace(zonedPlan, "Europe/Berlin", "Europe/Atlantis", 1)))
	if err == nil {
		_, _, _, err = features.ReadLabels(spec, f.Record)
	}
	if err == nil || !strings.Contains(err.Error(), "Europe/Atlantis") {
		t.Errorf("a zone that is not there: %v", err)
	}
}
