// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
)

// TimeRange reads the first and last time that a field allows. If one of them is
// wrong, key is its key in the plan and problem says why; r is then eventtime.All.
func TimeRange(f *plantext.FieldSpec) (r eventtime.Range, key, problem string) {
	r = eventtime.All
	for _, b := range []struct {
		key, text string
		to        *int64
	}{{"earliest", f.Earliest, &r.First}, {"latest", f.Latest, &r.Last}} {
		if b.text == "" {
			continue
		}
		t, ok := eventtime.Parse(b.text)
		if !ok || !eventtime.Allowed(t) {
			return eventtime.All, b.key, NoInstant
		}
		*b.to = t.UnixMicro()
	}
	if r.First > r.Last {
		return eventtime.All, "earliest", "earliest is later than latest"
	}
	return r, "", ""
}

// Instant applies the field's marks and range to one time, in microseconds: it
// returns the number that kernels take, NaN if it is missing. ok is false if the
// plan rejects it. Times outside the years 1900 to 2200, which float64 does not
// hold to the microsecond, are rejected even where others are flagged.
func (f *Field) Instant(us int64) (x float64, ok bool) {
	if f.marks.time(us) {
		return math.NaN(), true
	}
	if f.Times.Contains(us) {
		return float64(us), true
	}
	switch f.Spec.Outside {
	case "clip":
		return float64(max(f.Times.First, min(us, f.Times.Last))), true
	case "missing":
		return math.NaN(), true
	case "flag":
		return float64(us), eventtime.All.Contains(us)
	}
	return float64(us), false
}

// timeProblem says what a time should have been.
func (f *Field) timeProblem() string {
	if f.Times == eventtime.All || f.Spec.Outside == "flag" {
		return "must lie between the years 1900 and 2200"
	}
	earliest, latest := f.Times.Bounds()
	const layout = "2006-01-02T15:04:05.999999Z"
	return fmt.Sprintf("out of range: want %s to %s", earliest.Format(layout), latest.Format(layout))
}
