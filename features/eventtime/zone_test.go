// SPDX-License-Identifier: Apache-2.0

package eventtime

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestZones compares what a plan keeps of a zone with package time, at every
// hour of some years and at random moments of three centuries. Apia had no 30th
// of December 2011: that day has a number, and no time.
func TestZones(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
		"America/Santiago", "Pacific/Apia", "Asia/Tokyo"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Freeze(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := f.Thaw()
		if err != nil {
			t.Fatal(err)
		}
		check := func(at time.Time) {
			_, offset := at.In(loc).Zone()
			if got := z.Local(at.UnixMicro()) - at.UnixMicro(); got != int64(offset)*1e6 {
				t.Fatalf("%s at %v: %d seconds east, want %d", name, at.In(loc), got/1e6, offset)
			}
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range 20_000 {
			check(time.Unix(year1900+rng.Int64N(year2201-year1900), 0))
		}
		for at := time.Date(2011, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() < 2013; at = at.Add(time.Hour) {
			check(at)
		}
		for _, unit := range Units {
			c := &Calendar{unit, z}
			last, end := int64(0), int64(0)
			for at := time.Date(2010, 12, 20, 0, 0, 0, 0, time.UTC); at.Year() < 2014; at = at.Add(time.Hour) {
				us := at.UnixMicro()
				n, from, to := c.Pane(us)
				if us < from || us >= to || end != 0 && n != last && (n < last || from != end) {
					t.Fatalf("%s: the %s of %v is %d, from %d to %d; the one before was %d, to %d", name, unit, at,
						n, from, to, last, end)
				}
				last, end = n, to
			}
			for _, days := range []int{1, 31, 60, 400} { // units begin where package time says
				at := time.Date(2023, 1, 1, 12, 0, 0, 0, loc).AddDate(0, 0, days)
				_, from, _ := c.Pane(at.UnixMicro())
				want := map[string]time.Time{
					"day": time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, loc), "month": time.Date(at.Year(),
						at.Month(), 1, 0, 0, 0, 0, loc),
					"week":    time.Date(at.Year(), at.Month(), at.Day()-int(at.Weekday()+6)%7, 0, 0, 0, 0, loc),
					"quarter": time.Date(at.Year(), (at.Month()-1)/3*3+1, 1, 0, 0, 0, 0, loc),
					"year":    time.Date(at.Year(), 1, 1, 0, 0, 0, 0, loc),
				}[unit]
				if from != want.UnixMicro() {
					t.Errorf("%s: the %s of %v begins at %v, want %v", name, unit, at,
						time.UnixMicro(from).In(loc), want)
				}
			}
		}
	}
}

// TestClocksSetBackOverMidnight: in St. John's on 7 November 2010 clocks went back
// from 00:01 to 23:01 of the day before. The day that had begun goes on.
func TestClocksSetBackOverMidnight(t *testing.T) {
	t.Parallel()
	calendar := &Calendar{"day", thawed(t, "America/St_Johns")}
	midnight := time.Date(2010, 11, 7, 2, 30, 0, 0, time.UTC) // the first of two
	number, _, to := calendar.Pane(midnight.Add(-time.Microsecond).UnixMicro())
	if to != midnight.UnixMicro() {
		t.Errorf("the day before ends at %v, want %v", time.UnixMicro(to).UTC(), midnight)
	}
	for _, later := range []time.Duration{0, 59 * time.Second, time.Minute, 30 * time.Minute,
		time.Hour, 20 * time.Hour} {
		got, from, _ := calendar.Pane(midnight.Add(later).UnixMicro())
		if got != number+1 || from != midnight.UnixMicro() {
			t.Errorf("%v later it is day %d since %v, want %d since %v", later, got,
				time.UnixMicro(from).UTC(), number+1,
				midnight)
		}
	}
}
