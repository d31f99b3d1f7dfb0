// SPDX-License-Identifier: Apache-2.0

package eventtime

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for machines without a zone database

	"github.com/assayrisk/assay"
)

// Zone is a time zone as a frozen plan keeps it: when its offset from UTC changed,
// and to what. A plan that was fitted therefore computes the same on a machine
// with a newer zone database.
type Zone struct {
	at     []int64 // when the offset changed, in microseconds since 1970
	offset []int64 // microseconds east of UTC from then on; the first offset also holds before
}

// FrozenZone is a zone as the file of a frozen plan writes it.
type FrozenZone struct {
	Zone    string `json:"zone"`
	Changes string `json:"changes"` // "seconds:offset ...", in seconds, from 1900 to 2200
}

// Freeze reads a zone from the machine's zone database.
func Freeze(name string) (FrozenZone, error) {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "Local" || name == "" {
		return FrozenZone{}, fmt.Errorf("time zone %q is not known: want a name such as Europe/Berlin: %w",
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
		if !end.After(t) { // in some years package time returns a period that has ended already
			end = t.Add(time.Hour)
		}
		t = end
	}
	return FrozenZone{name, strings.Join(changes, " ")}, nil
}

// Thaw reads a frozen zone. It refuses one without an offset, with changes that
// are out of order, or with a time or an offset that no zone has.
func (f FrozenZone) Thaw() (*Zone, error) {
	z := &Zone{}
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

// Local returns what clocks of the zone show at a time, counted as if they showed
// UTC. A nil zone is UTC.
func (z *Zone) Local(at int64) int64 {
	if z == nil {
		return at
	}
	return at + z.offset[z.period(at)]
}

// period returns the index of the offset that holds at a time.
func (z *Zone) period(at int64) int {
	i, found := slices.BinarySearch(z.at, at)
	if !found && i > 0 {
		i--
	}
	return min(i, len(z.at)-1)
}

// firstShowing returns the earliest time at which clocks of the zone show the local
// time or a later one. If clocks skip the local time, that is when they are set
// forward; if they show it twice, it is the first of the two.
func (z *Zone) firstShowing(local int64) int64 {
	if z == nil {
		return local
	}
	const largestOffset = DayMicros
	for i := z.period(local - 2*largestOffset); ; i++ {
		at := local - z.offset[i]
		if i > 0 {
			at = max(at, z.at[i])
		}
		if i == len(z.at)-1 || at < z.at[i+1] {
			return at
		}
	}
}
