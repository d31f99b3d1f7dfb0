// SPDX-License-Identifier: Apache-2.0

package eventtime

import "time"

// Units are the periods into which a calendar may divide time.
var Units = []string{"day", "week", "month", "quarter", "year"}

// Calendar numbers the days, weeks, months, quarters or years of a zone. It
// implements window.Calendar.
type Calendar struct {
	Unit string // one of Units
	Zone *Zone  // nil: UTC
}

// Pane returns the number of the unit that a time lies in, when that unit begins,
// and when the next one begins, all times in microseconds since 1970.
func (c *Calendar) Pane(at int64) (number, from, to int64) {
	n := c.unitOf(c.Zone.Local(at))
	// Where clocks are set back to before the start of a unit, the unit that has begun goes on.
	for c.start(n) > at {
		n--
	}
	for c.start(n+1) <= at {
		n++
	}
	return n, c.start(n), c.start(n + 1)
}

// start returns the time at which unit n begins.
func (c *Calendar) start(n int64) int64 { return c.Zone.firstShowing(c.localStart(n)) }

// unitOf returns the number of the unit that a local time lies in. Days and weeks
// are counted from 1970, months, quarters and years from the year 0. Weeks begin
// on Mondays.
func (c *Calendar) unitOf(local int64) int64 {
	days := floorDiv(local, DayMicros)
	switch c.Unit {
	case "day":
		return days
	case "week":
		return floorDiv(days+3, 7)
	}
	t := time.UnixMicro(local).UTC()
	months := int64(t.Year())*12 + int64(t.Month()) - 1
	switch c.Unit {
	case "quarter":
		return floorDiv(months, 3)
	case "year":
		return floorDiv(months, 12)
	}
	return months
}

// localStart returns the local time at which unit n begins, where no change of the
// clocks is in the way.
func (c *Calendar) localStart(n int64) int64 {
	switch c.Unit {
	case "day":
		return n * DayMicros
	case "week":
		return (7*n - 3) * DayMicros
	case "quarter":
		n *= 3
	case "year":
		n *= 12
	}
	return time.Date(0, time.Month(1+n), 1, 0, 0, 0, 0, time.UTC).UnixMicro()
}

// floorDiv divides and rounds down, also below zero.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a < q*b {
		q--
	}
	return q
}
