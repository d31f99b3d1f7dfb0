// SPDX-License-Identifier: Apache-2.0

package eventtime

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// spanUnits holds the length of each unit in microseconds.
var spanUnits = map[byte]int64{'s': 1e6, 'm': 60e6, 'h': 3600e6, 'd': 86_400e6, 'w': 7 * 86_400e6}

// ParseSpan reads a length of time such as "90d", "12h", "30m", "45s" or "2w" and
// returns it in microseconds; "" is 0.
func ParseSpan(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s[:len(s)-1], 10, 64)
	unit := spanUnits[s[len(s)-1]]
	if err != nil || unit == 0 || n < 0 || n > 100*366*86_400e6/unit {
		return 0, fmt.Errorf("%q is no length of time: want a whole number and s, m, h, d or w, at most 100 years", s)
	}
	return n * unit, nil
}

// FormatSpan writes a length of time in the largest unit that leaves a whole
// number, so that ParseSpan reads it back. A length that is no whole number of
// seconds is only for people to read: above two days it is rounded to tenths of a day.
func FormatSpan(d time.Duration) string {
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if d >= u.unit && d%u.unit == 0 {
			return fmt.Sprintf("%d%s", d/u.unit, u.name)
		}
	}
	if d == 0 {
		return "0s"
	}
	if d > 48*time.Hour {
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	}
	return strings.TrimSuffix(d.String(), "0s")
}
