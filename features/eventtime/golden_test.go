// SPDX-License-Identifier: Apache-2.0

package eventtime

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// pythonTimes is testdata/times.json, which testdata/times.py writes: what
// Python's datetime and zoneinfo make of texts, clocks and calendar units.
type pythonTimes struct {
	Texts []struct {
		Text   string
		Micros *int64 // nil: no time, or one outside of the years 1 to 9999
	}
	Zones []struct {
		Zone   string
		Clocks [][2]any   // microseconds since 1970, what a clock of the zone shows
		Units  [][6]int64 // a time, and when its day, week, month, quarter and year began
	}
}

func readPythonTimes(t *testing.T) (golden pythonTimes) {
	t.Helper()
	b, err := os.ReadFile("testdata/times.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Texts) < 30 || len(golden.Zones) < 6 {
		t.Fatalf("%d texts, %d zones", len(golden.Texts), len(golden.Zones))
	}
	return golden
}

// TestParseAgainstPython: texts mean the same times as in Python, with and
// without a zone, on leap days, before the Gregorian calendar, and in the first
// and the last year; what is no time in Python is none here.
func TestParseAgainstPython(t *testing.T) {
	t.Parallel()
	for _, c := range readPythonTimes(t).Texts {
		got, ok := Parse(c.Text)
		switch {
		case ok != (c.Micros != nil):
			t.Errorf("%q is a time: %v, want %v", c.Text, ok, !ok)
		case ok && got.UnixMicro() != *c.Micros:
			t.Errorf("%q is %v, want %v", c.Text, got.UTC(), time.UnixMicro(*c.Micros).UTC())
		}
	}
}

// TestClocksAgainstPython: around changes of summer time and of the rules, a
// frozen zone shows what Python's zoneinfo shows, every quarter of an hour.
func TestClocksAgainstPython(t *testing.T) {
	t.Parallel()
	for _, c := range readPythonTimes(t).Zones {
		zone := thawed(t, c.Zone)
		for _, clock := range c.Clocks {
			at := int64(clock[0].(float64)) // exact below 2^53
			got := time.UnixMicro(zone.Local(at)).UTC().Format("2006-01-02 15:04:05")
			if got != clock[1] {
				t.Errorf("%s at %v shows %s, want %s", c.Zone, time.UnixMicro(at).UTC(), got, clock[1])
			}
		}
	}
}

// TestUnitsAgainstPython: days, weeks, months, quarters and years begin when
// clocks in Python first show their first midnight, or have leapt over it.
func TestUnitsAgainstPython(t *testing.T) {
	t.Parallel()
	for _, c := range readPythonTimes(t).Zones {
		zone := thawed(t, c.Zone)
		for _, starts := range c.Units {
			for i, unit := range Units {
				at, want := starts[0], starts[1+i]
				calendar := &Calendar{unit, zone}
				number, from, to := calendar.Pane(at)
				if from != want {
					t.Errorf("%s: the %s of %v begins at %v, want %v", c.Zone, unit, time.UnixMicro(at).UTC(),
						time.UnixMicro(from).UTC(), time.UnixMicro(want).UTC())
				}
				// Its last microsecond still belongs to it, the next one to the next.
				if last, _, _ := calendar.Pane(to - 1); last != number {
					t.Errorf("%s: the %s %d ends at %v, where it is already %d", c.Zone, unit, number, to, last)
				}
				if next, _, _ := calendar.Pane(to); next <= number {
					t.Errorf("%s: %s %d follows %d", c.Zone, unit, next, number)
				}
			}
		}
	}
}

func thawed(t *testing.T, name string) *Zone {
	t.Helper()
	frozen, err := Freeze(name)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := frozen.Thaw()
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
