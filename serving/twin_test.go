// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/featurestest"
	"github.com/assayrisk/assay/models"
)

// TestTwinWorlds sends the logs whose windows SQL computes again (TestTwin of
// package features holds the offline vectors to it) through a server that
// starts anew twice on the way: each decision is made from the vector that the
// batch makes. 4 random plans; ASSAY_TWIN_PLANS says another number.
func TestTwinWorlds(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	vectors := 0
	for _, w := range featurestest.Worlds(t, 4) {
		p, m := w.Fit(t)
		model := &models.Model{Objective: models.Binary, Sigmoid: 1, Trees: []models.Tree{stump(0, 1, -3, -1)}}
		for _, f := range p.Features() {
			model.Features = append(model.Features,
				models.FeatureInfo{Name: f.Name, Categorical: f.Categorical, Max: 1e12})
		}
		b := &models.Bundle{Model: model, Plan: p.Frozen(), Scale: models.DefaultScale()}
		b.Manifest.Name, b.Manifest.Plan = "twin", p.Digest()
		b.Digest = assay.Sum("test bundle\n", b.Plan)
		dir, row := t.TempDir(), 0
		const lives = 3
		for life := range lives {
			n := start(t, dir, Config{Bundle: b})
			for _, ev := range w.Events[life*len(w.Events)/lives : (life+1)*len(w.Events)/lives] {
				if ev.Kind != p.Event() {
					if _, err := n.client.Record(t.Context(), "r-"+ev.ID, &ev); err != nil {
						t.Fatalf("%s, event %s: %v", w.Name, ev.ID, err)
					}
					continue
				}
				got, err := n.client.Score(t.Context(), "r-"+ev.ID, &ev)
				if err != nil {
					t.Fatalf("%s, event %s: %v", w.Name, ev.ID, err)
				}
				want := assay.Vector{Plan: m.Plan}
				for _, c := range m.Columns {
					want.Values = append(want.Values, c[row])
				}
				if row++; got.Vector != want.Digest() {
					t.Fatalf("%s: event %s, the scored one %d, has another vector in the batch than in the server",
						w.Name, ev.ID, row)
				}
			}
			n.stop()
		}
		if vectors += row; row != m.Rows {
			t.Fatalf("%s: %d events scored, %d rows in the batch", w.Name, row, m.Rows)
		}
	}
	t.Logf("%d vectors equal, each plan through two restarts", vectors)
}
