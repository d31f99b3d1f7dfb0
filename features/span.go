// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"strconv"
)

// spanUnits are the units of a length of time, in microseconds.
var spanUnits = map[byte]int64{'s': 1e6, 'm': 60e6, 'h': 3600e6, 'd': 86_400e6, 'w': 7 * 86_400e6}

// parseSpan reads "90d", "12h", "30m", "45s" or "2w" as microseconds; "" is 0.
func parseSpan(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s[:len(s)-1], 10, 64)
	u := spanUnits[s[len(s)-1]]
	if err != nil || u == 0 || n < 0 || n > 100*366*86_400e6/u {
		return 0, fmt.Errorf("%q is no length of time: want a whole number and s, m, h, d or w, at most 100 years", s)
	}
	return n * u, nil
}
