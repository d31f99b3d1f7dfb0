// SPDX-License-Identifier: Apache-2.0

package eventtime

import (
	"errors"
	"testing"
	"time"

	"github.com/assayrisk/assay"
)

// TestParseRefusals: forms that people write, and that could mean two days, are
// no times.
func TestParseRefusals(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", " ", "now", "31.03.2024", "03/31/2024", "2024/03/31", "20240331", "2024-3-31",
		"24-03-31", "2024-03", "2024-W13", "2024-03-31 ", " 2024-03-31", "2024-03-31 02:30", "2024-03-31T02:30Z",
		"2024-03-31 02:30:00 CET", "2024-03-31 02:30:00+02:00", "2024-03-31T02:30:00+0200", "12024-03-31",
		"-0044-03-15", "1711843200"} {
		if at, ok := Parse(text); ok {
			t.Errorf("%q was read as %v", text, at)
		}
	}
}

// TestAllowed: the range's ends are exact, for a time.Time and in microseconds.
func TestAllowed(t *testing.T) {
	t.Parallel()
	earliest, latest := All.Bounds()
	if got := earliest.Format(time.RFC3339Nano); got != "1900-01-01T00:00:00Z" {
		t.Errorf("the first time is %s", got)
	}
	if got := latest.Format(time.RFC3339Nano); got != "2200-12-31T23:59:59.999999Z" {
		t.Errorf("the last time is %s", got)
	}
	for _, c := range []struct {
		at time.Time
		ok bool
	}{
		{earliest, true}, {latest, true}, {earliest.Add(-time.Microsecond), false},
		{latest.Add(time.Microsecond), false}, {time.Time{}, false}, {time.Unix(0, 0), true},
		{earliest.In(time.FixedZone("west", -3600)), true}, // the moment counts, not what the clock shows
	} {
		if Allowed(c.at) != c.ok || All.Contains(c.at.UnixMicro()) != c.ok {
			t.Errorf("%v is allowed: %v, contained: %v; want %v", c.at, Allowed(c.at), All.Contains(c.at.UnixMicro()),
				c.ok)
		}
		if us := c.at.UnixMicro(); c.ok && int64(float64(us)) != us {
			t.Errorf("%v is not exact as a float64", c.at)
		}
	}
	if HasFourDigitYear(time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)) ||
		HasFourDigitYear(time.Date(1, 1, 1, 0, 0, 0, -1, time.UTC)) {
		t.Error("the years 0 and 10000 are within 1 to 9999")
	}
}

// TestZoneRefusals: the text of each refusal names the zone and what to do.
func TestZoneRefusals(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Europe/Nowhere": `time zone "Europe/Nowhere" is not known: want a name such as Europe/Berlin`,
		"":               `time zone "" is not known: want a name such as Europe/Berlin`,
		"Local":          `time zone "Local" is not known: want a name such as Europe/Berlin`,
		"../etc/passwd":  `time zone "../etc/passwd" is not known: want a name such as Europe/Berlin`,
	} {
		_, err := Freeze(name)
		if !errors.Is(err, assay.ErrInvalid) || err.Error() != want+": "+assay.ErrInvalid.Error() {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
	for changes, want := range map[string]string{
		"":                       `time zone "z" has no offset`,
		"x":                      `time zone "z": "x" is no change of its offset`,
		"0:86401":                `time zone "z": "0:86401" is no change of its offset`,
		"-2208988801:0":          `time zone "z": "-2208988801:0" is no change of its offset`,
		"1:2:3":                  `time zone "z": "1:2:3" is no change of its offset`,
		"0:90000":                `time zone "z": "0:90000" is no change of its offset`,
		"100:0 100:0":            `time zone "z": its changes are not in order`,
		"100:0 50:3600":          `time zone "z": its changes are not in order`,
		"100:0 100:3600":         `time zone "z": its changes are not in order`,
		"-2208988800:0 x:1 10:0": `time zone "z": "x:1" is no change of its offset`,
	} {
		if _, err := (FrozenZone{"z", changes}).Thaw(); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", changes, err, want)
		}
	}
}

// FuzzParse: what is read as a time keeps its moment when it is written in UTC
// and read again, and its units contain it.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"2024-02-29", "2024-03-31 02:30:00", "2024-03-31T02:30:00.25+05:45", "0001-01-01",
		"9999-12-31T23:59:59Z", "1582-10-10", "31.03.2024", "2016-12-31T23:59:60Z"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, ok := Parse(text)
		if !ok {
			return
		}
		if again, ok := Parse(at.UTC().Format(time.RFC3339Nano)); !ok || !again.Equal(at) {
			t.Fatalf("%q is %v, and after writing it %v, %v", text, at, again, ok)
		}
		for _, unit := range Units {
			us := at.UnixMicro()
			if _, from, to := (&Calendar{Unit: unit}).Pane(us); us < from || us >= to {
				t.Fatalf("%q is not in its %s, from %d to %d", text, unit, from, to)
			}
		}
	})
}
