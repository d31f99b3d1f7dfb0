// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"
)

// parseTime reads a day or an RFC 3339 time; "" is the zero time.
func parseTime(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usagef("--%s %s: want a day (2023-06-30) or a time (2023-06-30T12:00:00Z)", flag, s)
}
