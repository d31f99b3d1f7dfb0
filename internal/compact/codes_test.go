// SPDX-License-Identifier: Apache-2.0

package compact

import "testing"

// TestLengthCodes: every length has the last code whose base is at most it.
func TestLengthCodes(t *testing.T) {
	t.Parallel()
	check := func(name string, codes *[64]lengthCode, n, least, most int, of func(uint16) lengthCode) {
		for length := least; length <= most; length++ {
			want := 0
			for code := range n {
				if int(codes[code].base) <= length {
					want = code
				}
			}
			got := of(uint16(length))
			if got != codes[want] || length-int(got.base) >= 1<<got.bits {
				t.Fatalf("%s %d has code %+v, want %+v", name, length, got, codes[want])
			}
		}
	}
	check("literals", &literalLengths, codeCounts[literalCodes], 0, maxRecordBytes-1, literalCode)
	check("match", &matchLengths, codeCounts[matchCodes], minMatch, maxRecordBytes, matchCode)
	// The last row of each table of RFC 8878 that a record can need.
	if c := literalLengths[32]; c.base != 8192 || c.bits != 13 {
		t.Errorf("code 32 of literals is %+v", c)
	}
	if c := matchLengths[49]; c.base != 8195 || c.bits != 13 {
		t.Errorf("code 49 of matches is %+v", c)
	}
}
