// SPDX-License-Identifier: Apache-2.0

package models_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
)

// TestOfBad: the margin becomes that of the bad class, which is known by its
// name, or asked for.
func TestOfBad(t *testing.T) {
	for _, c := range []struct {
		classes, bad string
		turned       bool
		refused      string
	}{
		{"", "", false, ""}, {"", "1", false, ""}, {"", "0", true, ""}, {"", "bad", false, "names no classes"},
		{"0 1", "", false, ""}, {"-1 1", "", false, ""}, {"False True", "", false, ""}, {"0 1", "0", true, ""},
		{"bad good", "", true, ""}, {"good bad", "", false, ""}, {"Default paid", "", true, ""}, {"bad default", "",
			false, "which is the bad event"},
		{"1 2", "", false, "--bad 1 or --bad 2"}, {"1 2", "2", false, ""}, {"N Y", "", false,
			"--bad N or --bad Y"}, {"N Y", "N", true, ""},
		{"no yes", "", false, "which is the bad event"}, {"N Y", "n", false, `"N" and "Y"`},
	} {
		m := &models.Model{Classes: strings.Fields(c.classes), Init: 0.5, Features: []models.FeatureInfo{{Name: "x",
			Monotone: 1}},
			Trees: []models.Tree{{LeafValue: []float64{0.25, 0}, NodeValue: []float64{0.125}}}}
		turned, err := m.SetBadClass(c.bad)
		if c.refused != "" {
			if !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%q, bad %q: error %v, want %q", c.classes, c.bad, err, c.refused)
			}
			continue
		}
		if err != nil || turned != c.turned {
			t.Errorf("%q, bad %q: turned %v, %v", c.classes, c.bad, turned, err)
		}
		sign := 1.0
		if turned {
			sign = -1
		}
		if m.Init != sign*0.5 || m.Trees[0].LeafValue[0] != sign*0.25 || m.Trees[0].NodeValue[0] != sign*0.125 ||
			m.Features[0].Monotone != int8(sign) {
			t.Errorf("%q, bad %q: %+v", c.classes, c.bad, m)
		}
	}
	share := &models.Model{Share: true, Trees: []models.Tree{{LeafValue: []float64{0.25, 1}}}}
	if share.SwapClasses(); share.Init != 0 || share.Trees[0].LeafValue[0] != 0.75 || share.Trees[0].LeafValue[1] != 0 {
		t.Errorf("a share: %+v", share)
	}
}
