// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/assayrisk/assay/features"
)

// cleaned says, a line each, what the plan's rules touched in the training
// rows.
func cleaned(r *features.FitReport) []string {
	var out []string
	say := func(n int, format string, args ...any) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d training rows ", n)+fmt.Sprintf(format, args...))
		}
	}
	say(r.Duplicates, "repeat an earlier one and were left out")
	say(r.Rejected, "break a rule of the plan and were left out")
	say(r.Open, "have no outcome yet and were left out")
	if r.Dropped {
		say(len(r.Outliers), "are outliers to the isolation forest and were left out")
	} else {
		say(len(r.Outliers), "are outliers to the isolation forest and were kept")
	}
	for _, f := range r.Fields {
		say(f.Clipped, "have %s beyond its range, clipped", f.Name)
		say(f.Cleared, "have %s beyond its range, taken as missing", f.Name)
		say(f.Flagged, "have %s beyond its range, kept as it is", f.Name)
	}
	return out
}
