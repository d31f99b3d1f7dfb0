// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/scoring/scoringtest"
)

// TestDriftForgets: old rows count less and less.
func TestDriftForgets(t *testing.T) {
	t.Parallel()
	m, err := NewModel(scoringtest.Bundle(t, scoringtest.PlanYAML, "x", 0), nil, scoringtest.Start)
	if err != nil {
		t.Fatal(err)
	}
	m.Bundle.Manifest.Reference = &models.Reference{Score: models.Histogram{Edges: []float64{0.5},
		Shares: []float64{0.5, 0.5, 0}}}
	d := new(Drift)
	d.Watch(m)
	for range driftHalveAt {
		d.observe(0.1, nil)
	}
	old := d.Values()[0]
	for range 4 * driftHalveAt {
		d.observe(0.9, nil)
	}
	now := d.Values()[0]
	// three bins lose half a row each
	if old.Rows != driftHalveAt/2 || now.Rows > driftHalveAt || now.Rows < driftHalveAt/2-3 {
		t.Errorf("%d rows are counted, then %d", old.Rows, now.Rows)
	}
	if c := d.mu.series[0].counts; float64(c[0]) > 0.05*float64(now.Rows) {
		t.Errorf("counts %v: the old rows are not forgotten", c)
	}
}
