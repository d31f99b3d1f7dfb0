// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"testing"
)

// TestDeclinedComeWithTheAssumption: figures that count declined rows come
// below words that say what is assumed of them; without such figures there are
// none.
func TestDeclinedComeWithTheAssumption(t *testing.T) {
	in := full(300, 4)
	for _, given := range []bool{true, false} {
		if !given {
			in.Declined = nil
		}
		r, _, _ := render(t, in)
		assumed, table := -1, -1
		for _, s := range r.Sections {
			if s.ID != "rejects" {
				continue
			}
			for k, b := range s.Blocks {
				switch {
				case b.Table != nil && b.Table.Title == "Sensitivity to the declined":
					table = k
				case b.Text != nil &&
					strings.Contains(b.Text.Body,
						"assumes that a declined applicant defaults as often as an accepted one of the same PD"):
					assumed = k
				}
			}
		}
		if given && (assumed < 0 || table != assumed+1) || !given && (assumed >= 0 || table >= 0) {
			t.Errorf("declined given: %t; the assumption is block %d, the table block %d", given, assumed, table)
		}
	}
}
