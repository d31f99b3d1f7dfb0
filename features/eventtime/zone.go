// SPDX-License-Identifier: Apache-2.0

package eventtime

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zones, where the machine has none

	"github.com/assayrisk/assay"
)

// Zone is a time zone as a frozen plan holds it: when its distance from UTC
// changed, and to what. A zone database that knows better on another machine
// changes nothing that was fitted.
type Zone struct {
	at     []int64 // microseconds since 1970; the first holds for all time before, too
	offset []int64 // microseconds east of UTC, from at on
}

// FrozenZone is a zone in a frozen plan.
type FrozenZone struct {
	Zone    string `json:"zone"`
	Changes string `json:"changes"` // "seconds:offset ...", from 1900 to 2200
}

// Freeze reads a zone from the machine's database.
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
		if !end.After(t) { // package time ends a period with some years
			end = t.Add(time.Hour)
		}
		t = end
	}
	return FrozenZone{name, strings.Join(changes, " ")}, nil
}

// Thaw reads a frozen zone, and holds it to what its users rely on.
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

// Local is the time that clocks of the zone show, as if it were UTC. A nil zone
// is UTC.
func (z *Zone) Local(at int64) int64 {
	if z == nil {
		return at
	}
	return at + z.offset[z.period(at)]
}

// period is the index of the change that holds at a time.
func (z *Zone) period(at int64) int {
	i, found := slices.BinarySearch(z.at, at)
	if !found && i > 0 {
		i--
	}
	return min(i, len(z.at)-1)
}

// firstShowing is the earliest time at which clocks of the zone show a time or a later
// one. Where they leap over it, that is the leap; where they show it twice, the
// first time.
func (z *Zone) firstShowing(local int64) int64 {
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
