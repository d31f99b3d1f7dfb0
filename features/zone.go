// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zones, where the machine has none

	"github.com/assayrisk/assay"
)

// zone is a time zone as a frozen plan holds it: when its distance from UTC
// changed, and to what. A zone database that knows better on another machine
// changes nothing that was fitted.
type zone struct {
	at     []int64 // microseconds since 1970; the first holds for all time before, too
	offset []int64 // microseconds east of UTC, from at on
}

// frozenZone is a zone in a frozen plan.
type frozenZone struct {
	Zone    string `json:"zone"`
	Changes string `json:"changes"` // "seconds:offset ...", from 1900 to 2200
}

// freezeZone reads a zone from the machine's database.
func freezeZone(name string) (frozenZone, error) {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return frozenZone{}, fmt.Errorf("time zone %q is not known: want a name such as Europe/Berlin: %w",
			name, assay.ErrInvalid)
	}
	var changes []string
	last := 0
	for t := time.Unix(year1900, 0).In(loc); t.Unix() < year2201; {
		if _, offset := t.Zone(); len(changes) == 0 || offset != last {
			changes, last = append(changes, fmt.Sprintf("%d:%d", t.Unix(), offset)), offset
		}
		_, end := t.ZoneBounds()
		if end.IsZero() {
			break
		}
		if !end.After(t) { // package time ends a period with some years
			end = t.Add(time.Hour)
		}
		t = end
	}
	return frozenZone{name, strings.Join(changes, " ")}, nil
}

// thaw reads a frozen zone, and holds it to what its users rely on.
func (f frozenZone) thaw() (*zone, error) {
	z := &zone{}
	for _, change := range strings.Fields(f.Changes) {
		at, offset, _ := strings.Cut(change, ":")
		t, err := strconv.ParseInt(at, 10, 64)
		o, err2 := strconv.ParseInt(offset, 10, 64)
		if err != nil || err2 != nil || t < year1900 || t >= year2201 || o < -86_400 || o > 86_400 {
			return nil, fmt.Errorf("time zone %q: %q is no change of its offset", f.Zone, change)
		}
		if n := len(z.at); n > 0 && t*1e6 <= z.at[n-1] {
			return nil, fmt.Errorf("time zone %q: its changes are not in order", f.Zone)
		}
		z.at, z.offset = append(z.at, t*1e6), append(z.offset, o*1e6)
	}
	if len(z.at) == 0 {
		return nil, fmt.Errorf("time zone %q has no offset", f.Zone)
	}
	return z, nil
}

// local is the time that clocks of the zone show, as if it were UTC. A nil zone
// is UTC.
func (z *zone) local(at int64) int64 {
	if z == nil {
		return at
	}
	return at + z.offset[z.period(at)]
}

// period is the index of the change that holds at a time.
func (z *zone) period(at int64) int {
	i, found := slices.BinarySearch(z.at, at)
	if !found && i > 0 {
		i--
	}
	return min(i, len(z.at)-1)
}

// first is the earliest time at which clocks of the zone show a time or a later
// one. Where they leap over it, that is the leap; where they show it twice, the
// first time.
func (z *zone) first(local int64) int64 {
	if z == nil {
		return local
	}
	const most = 86_400e6 // of an offset
	for i := z.period(local - 2*most); ; i++ {
		at := local - z.offset[i]
		if i > 0 {
			at = max(at, z.at[i])
		}
		if i == len(z.at)-1 || at < z.at[i+1] {
			return at
		}
	}
}

// zone checks the name of a zone. Fit reads what it names.
func (c checker) zone(name, at string) error {
	if name == "Local" || len(name) > 64 || strings.ContainsAny(name, " \\") ||
		strings.HasPrefix(name, "/") || strings.Contains(name, "..") {
		return c.fail(at, "want a name such as Europe/Berlin", "%q names no time zone", clip(name))
	}
	return nil
}

// calendarUnits are the panes that a calendar may have.
var calendarUnits = []string{"day", "week", "month", "quarter", "year"}

// calendar numbers the days, weeks, months, quarters or years of a zone; it is a
// window.Calendar.
type calendar struct {
	unit string
	zone *zone
}

// Pane implements window.Calendar.
func (c *calendar) Pane(at int64) (number, from, to int64) {
	n := c.unitOf(c.zone.local(at))
	// Where clocks go back over the start of a unit, it has begun and stays so.
	for c.start(n) > at {
		n--
	}
	for c.start(n+1) <= at {
		n++
	}
	return n, c.start(n), c.start(n + 1)
}

// start is the time at which unit n begins.
func (c *calendar) start(n int64) int64 { return c.zone.first(c.localStart(n)) }

// unitOf is the unit that a local time lies in: days and weeks since 1970, and
// since the year 0 months, quarters and years. Weeks begin on Mondays.
func (c *calendar) unitOf(local int64) int64 {
	days := floorDiv(local, dayMicros)
	switch c.unit {
	case "day":
		return days
	case "week":
		return floorDiv(days+3, 7)
	}
	t := time.UnixMicro(local).UTC()
	months := int64(t.Year())*12 + int64(t.Month()) - 1
	switch c.unit {
	case "quarter":
		return floorDiv(months, 3)
	case "year":
		return floorDiv(months, 12)
	}
	return months
}

func (c *calendar) localStart(n int64) int64 {
	switch c.unit {
	case "day":
		return n * dayMicros
	case "week":
		return (7*n - 3) * dayMicros
	case "quarter":
		n *= 3
	case "year":
		n *= 12
	}
	return time.Date(0, time.Month(1+n), 1, 0, 0, 0, 0, time.UTC).UnixMicro()
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a < q*b {
		q--
	}
	return q
}
