// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/scoring/scoringtest"
)

// TestDriftForgets: what is counted is about the last rows, not about all since
// the start.
func TestDriftForgets(t *testing.T) {
	m, err := NewModel(scoringtest.Bundle(t, scoringtest.PlanYAML, "x", 0), nil, scoringtest.Start)
	if err != nil {
		t.Fatal(err)
	}
	m.Bundle.Manifest.Reference = &models.Reference{Score: models.Histogram{Edges: []float64{0.5},
		Shares: []float64{0.5, 0.5, 0}}}
	d := new(Drift)
	d.Watch(m)
	for range driftHalf {
		d.observe(0.1, nil)
	}
	old := d.Values()[0]
	for range 4 * driftHalf {
		d.observe(0.9, nil)
	}
	now := d.Values()[0]
	if old.Rows != driftHalf/2 || now.Rows > driftHalf || now.Rows < driftHalf/2-3 { // three bins lose half a row each
		t.Errorf("%d rows are counted, then %d", old.Rows, now.Rows)
	}
	if c := d.mu.series[0].counts; float64(c[0]) > 0.05*float64(now.Rows) {
		t.Errorf("counts %v: the world of before is not forgotten", c)
	}
}
