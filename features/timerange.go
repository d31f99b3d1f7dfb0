// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"math"
	"time"

	"github.com/assayrisk/assay"
)

// timeOK holds a time to what float64 microseconds hold exactly.
func timeOK(t time.Time) bool { s := t.Unix(); return s >= year1900 && s < year2201 }

const (
	year1900 = -2_208_988_800 // 1900-01-01T00:00:00Z in seconds since 1970
	year2201 = 7_289_654_400  // 2201-01-01T00:00:00Z
	year1    = -62_135_596_800
	year9999 = 253_402_300_799 // its last second
)

// sayable reports whether an event can say the time: one of the years 1 to 9999.
func sayable(t time.Time) bool { s := t.Unix(); return s >= year1 && s <= year9999 }

// timeRange is what a field of times may hold: the first and the last
// microsecond.
type timeRange struct{ first, last int64 }

var allTimes = timeRange{year1900 * 1e6, year2201*1e6 - 1}

func (r timeRange) has(us int64) bool { return us >= r.first && us <= r.last }

func (r timeRange) bounds() (earliest, latest time.Time) {
	return time.UnixMicro(r.first).UTC(), time.UnixMicro(r.last).UTC()
}

// timeRange reads earliest and latest; where one is wrong, key names it.
func (f *FieldSpec) timeRange() (r timeRange, key, problem string) {
	r = allTimes
	for _, b := range []struct {
		key, text string
		to        *int64
	}{{"earliest", f.Earliest, &r.first}, {"latest", f.Latest, &r.last}} {
		if b.text == "" {
			continue
		}
		t, ok := timeOfText(b.text)
		if !ok || !timeOK(t) {
			return allTimes, b.key, noInstant
		}
		*b.to = t.UnixMicro()
	}
	if r.first > r.last {
		return allTimes, "earliest", "earliest is later than latest"
	}
	return r, "", ""
}

// times holds the bounds of a field of times to the rules.
func (c checker) times(f *FieldSpec, at string) error {
	if f.kind() != assay.Instant {
		if f.Earliest != "" || f.Latest != "" {
			return c.fail(at, "a number has min and max", "earliest and latest are for times, and %q is a %s", f.Name,
				f.kind())
		}
		return nil
	}
	if _, key, problem := f.timeRange(); key != "" {
		return c.fail(at+"."+key, "", "%s", problem)
	}
	return nil
}

// instant applies the field's range to one time: ok is false when it is to be
// rejected. A time that float64 does not hold exactly is never flagged.
func (f *field) instant(us int64) (x float64, ok bool) {
	if f.marks.time(us) {
		return math.NaN(), true
	}
	if f.times.has(us) {
		return float64(us), true
	}
	switch f.spec.Outside {
	case "clip":
		return float64(max(f.times.first, min(us, f.times.last))), true
	case "missing":
		return math.NaN(), true
	case "flag":
		return float64(us), allTimes.has(us)
	}
	return float64(us), false
}

// timeProblem says what a time should have been.
func (f *field) timeProblem() string {
	if f.times == allTimes || f.spec.Outside == "flag" {
		return "must lie between the years 1900 and 2200"
	}
	earliest, latest := f.times.bounds()
	const layout = "2006-01-02T15:04:05.999999Z"
	return fmt.Sprintf("out of range: want %s to %s", earliest.Format(layout), latest.Format(layout))
}
