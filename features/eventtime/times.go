// SPDX-License-Identifier: Apache-2.0

package eventtime

import "time"

// DayMicros is the length of a day in microseconds.
const DayMicros = 86_400e6

// Allowed reports whether a field may hold the time: one of the years 1900 to
// 2200, whose microseconds a float64 holds exactly.
func Allowed(t time.Time) bool { s := t.Unix(); return s >= year1900 && s < year2201 }

const (
	year1900 = -2_208_988_800 // 1900-01-01T00:00:00Z in seconds since 1970
	year2201 = 7_289_654_400  // 2201-01-01T00:00:00Z
	year1    = -62_135_596_800
	year9999 = 253_402_300_799 // its last second
)

// HasFourDigitYear reports whether a time is in one of the years 1 to 9999, as that of an event has to be.
func HasFourDigitYear(t time.Time) bool { s := t.Unix(); return s >= year1 && s <= year9999 }

// Range is the range of times that a field may hold, both ends included, in
// microseconds since 1970.
type Range struct{ First, Last int64 }

// All is the range of all times that a field may hold: see Allowed.
var All = Range{year1900 * 1e6, year2201*1e6 - 1}

// Contains reports whether a time, in microseconds since 1970, is in the range.
func (r Range) Contains(us int64) bool { return us >= r.First && us <= r.Last }

// Bounds returns the first and the last time of the range.
func (r Range) Bounds() (earliest, latest time.Time) {
	return time.UnixMicro(r.First).UTC(), time.UnixMicro(r.Last).UTC()
}

// timeLayouts are the forms in which a text may write a time.
var timeLayouts = [...]string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02"}

// Parse reads a time in one of the forms of timeLayouts. Where the text names no
// zone, the time is in UTC. It returns false for a text in another form, and for a
// time that is not in one of the years 1 to 9999.
func Parse(s string) (t time.Time, ok bool) {
	for _, l := range timeLayouts {
		if t, err := time.Parse(l, s); err == nil {
			return t, HasFourDigitYear(t)
		}
	}
	return t, false
}
