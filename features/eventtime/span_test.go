// SPDX-License-Identifier: Apache-2.0

package eventtime

import (
	"strconv"
	"testing"
	"time"
)

// TestSpans: a span is read as microseconds, and written back in the largest
// unit that leaves a whole number.
func TestSpans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		micros int64
		again  string
	}{
		{"", 0, "0s"}, {"0d", 0, "0s"}, {"1s", 1e6, "1s"}, {"45s", 45e6, "45s"}, {"60s", 60e6, "1m"},
		{"30m", 1800e6, "30m"}, {"90m", 5400e6, "90m"}, {"12h", 43_200e6, "12h"}, {"24h", 86_400e6, "1d"},
		{"36h", 129_600e6, "36h"}, {"90d", 7_776_000e6, "90d"}, {"2w", 1_209_600e6, "14d"},
		{"36600d", 36_600 * DayMicros, "36600d"}, {"5228w", 5228 * 7 * DayMicros, "36596d"},
	} {
		us, err := ParseSpan(c.text)
		if err != nil || us != c.micros {
			t.Errorf("%q: %d microseconds, %v; want %d", c.text, us, err, c.micros)
		}
		if got := FormatSpan(time.Duration(us) * time.Microsecond); got != c.again {
			t.Errorf("%q is written as %q, want %q", c.text, got, c.again)
		}
	}
}

// TestFormatSpanForPeople: what no unit divides is written in two units, or in
// days with one decimal.
func TestFormatSpanForPeople(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"1.5s": 1500 * time.Millisecond, "250ms": 250 * time.Millisecond, "1h0m0.5s": time.Hour + time.Second/2,
		"2.0 days": 48*time.Hour + time.Millisecond, "3.5 days": 84*time.Hour + time.Millisecond,
	} {
		if got := FormatSpan(d); got != want {
			t.Errorf("%v is written as %q, want %q", d, got, want)
		}
	}
}

func TestSpanRefusals(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"d", "90", "90x", "-1d", "1.5h", "1h30m", " 1d", "1d ", "1 d", "9é", "\xff", "36601d",
		"5229w", "878401h", "9223372036854775807s", "9223372036854775808s", "1y", "1M", "P1D"} {
		_, err := ParseSpan(text)
		if err == nil {
			t.Errorf("%q was taken for a span", text)
			continue
		}
		want := strconv.Quote(text) +
			" is no length of time: want a whole number and s, m, h, d or w, at most 100 years"
		if err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// FuzzSpan: a text is refused, or read as a span that is written and read back
// as the same span, within 100 years.
func FuzzSpan(f *testing.F) {
	for _, text := range []string{"", "90d", "12h", "30m", "45s", "2w", "36600d", "-1d", "1.5h", "+5s", "00w", "d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		us, err := ParseSpan(text)
		if err != nil {
			return
		}
		if us < 0 || us > 36_600*DayMicros {
			t.Fatalf("%q is %d microseconds", text, us)
		}
		written := FormatSpan(time.Duration(us) * time.Microsecond)
		if again, err := ParseSpan(written); err != nil || again != us {
			t.Errorf("%q is written as %q, which is %d microseconds, %v; want %d", text, written, again, err, us)
		}
	})
}
