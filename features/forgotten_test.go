// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/assayrisk/assay"
)

// TestForgottenMembers: features over the members of a window that ended some time
// ago are missing once later members have replaced all of its own, and have values
// as long as one is known. All kernels agree on which of the two holds.
func TestForgottenMembers(t *testing.T) {
	t.Parallel()
	const missing = -1
	for _, c := range []struct {
		kernel             string
		known, none, empty float64
	}{
		{"share", 1, missing, missing}, {"top_share", 1, missing, missing}, {"hhi", 1, missing, missing},
		{"entropy", 0, missing, missing}, {"count_of, is: [x]", 2, missing, 0},
		{"share_of, is: [x]", 1, missing, missing},
		{"mode, min_count: 1", 0, missing, missing}, {"count", 2, 1, 0},
	} {
		for name, want := range map[string]float64{"known": c.known, "none": c.none, "empty": c.empty} {
			first := []assay.Field{n("v", 6), text("m", "x")}
			fields := [][]assay.Field{first}
			if name == "known" {
				fields = append(fields, first) // of the members that are not the most recent, the greatest stay
			}
			early := len(fields)
			for i := range 5 {
				fields = append(fields, []assay.Field{n("v", 10), text("m", fmt.Sprint("later ", i))})
			}
			events := facts(fields...)
			for i := range events[early:] {
				events[early+i].Time = events[early+i].Time.AddDate(0, 0, 20)
			}
			if name == "empty" {
				events[0].Time = events[0].Time.AddDate(0, 0, -60)
			}
			got := reading(t, `
fields: [{name: v, on: [fact]}, {name: m, kind: text, on: [fact]}]
windows: [{name: w, key: [k], on: [fact], length: 30d, hop: 1d, offset: 15d, value: v, member: m, members: 1, may_be_empty: true}]
features: [{name: f, kernel: `+c.kernel+`, window: w}]
`, events)
			if want == missing {
				want = math.NaN()
			}
			if got != want && !(got != got && want != want) {
				t.Errorf("%s, %s: %v, want %v", c.kernel, name, got, want)
			}
		}
	}
}
