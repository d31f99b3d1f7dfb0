// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"math"
	"time"

	"github.com/assayrisk/assay/features/eventtime"
)

// Times travel through kernels as float64 microseconds since the Unix epoch,
// which is exact between the years 1685 and 2255.

func applyDaysBetween(dst []float64, in [][]float64, _ *Learned) {
	a, b := in[0], in[1]
	for i := range dst {
		dst[i] = (b[i] - a[i]) / eventtime.DayMicros
	}
}

// dateParts lists the parts of a date, in UTC.
var dateParts = [...]struct {
	name string
	of   func(time.Time) int
}{
	{"year", func(t time.Time) int { return t.Year() }},
	{"quarter", func(t time.Time) int { return (int(t.Month()) + 2) / 3 }},
	{"month", func(t time.Time) int { return int(t.Month()) }},
	{"day", func(t time.Time) int { return t.Day() }},
	{"weekday", func(t time.Time) int { return int(t.Weekday()+6)%7 + 1 }},
	{"hour", func(t time.Time) int { return t.Hour() }},
	{"year_day", func(t time.Time) int { return t.YearDay() }},
}

// DateParts are the words that date_part takes.
func DateParts() []string {
	names := make([]string, len(dateParts))
	for i := range dateParts {
		names[i] = dateParts[i].name
	}
	return names
}

func applyDatePart(dst []float64, in [][]float64, l *Learned) {
	for i, us := range in[0] {
		dst[i] = math.NaN()
		if us != us {
			continue
		}
		t := time.UnixMicro(l.Zone.Local(int64(us))).UTC()
		for j := range dateParts {
			if dateParts[j].name == l.Spec.DatePart {
				dst[i] = float64(dateParts[j].of(t))
			}
		}
	}
}
