// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"testing"

	"github.com/assayrisk/assay/datasets/scf"
	"github.com/assayrisk/assay/features"
)

func TestAblate(t *testing.T) {
	t.Parallel()
	s, err := features.ParseSpec(scf.Plan())
	if err != nil {
		t.Fatal(err)
	}
	var names [3]map[string]bool
	for stage := features.RawFields; stage <= features.Windowed; stage++ {
		cut, err := features.Ablate(s, stage)
		if err != nil {
			t.Fatal(err)
		}
		names[stage] = map[string]bool{}
		for _, f := range cut.Features {
			names[stage][f.Name] = true
		}
		if (len(cut.Windows) > 0) != (stage == features.Windowed) {
			t.Errorf("%s: %d windows", stage, len(cut.Windows))
		}
	}
	if !names[0]["collateral"] || names[0]["cover"] || names[0]["days_past_due"] {
		t.Errorf("raw fields: %v", names[0])
	}
	if !names[1]["cover"] || names[1]["utilisation"] || names[1]["days_late"] {
		t.Errorf("derived features: %v", names[1])
	}
	if !names[2]["utilisation"] || len(names[2]) <= len(names[1]) {
		t.Errorf("windows: %v", names[2])
	}
	if len(s.Features) != len(names[2]) {
		t.Error("Ablate changed the spec it was given")
	}
}
