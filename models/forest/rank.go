// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"unsafe"
)

// rankGeneric ranks n values. Value i belongs to the source s[i*sStep] and is at
// x + i*xStep + s[i*sStep].offset. Its rank goes to dst[i]; missing[i] becomes
// maxCode when it is missing, else 0. The loop serves a vector (xStep = 0,
// sStep = 1) and a column of a block (sStep = 0).
func rankGeneric(dst, missing []uint8, x unsafe.Pointer, xStep uintptr, s []rankTable, sStep, n int) {
	for i := range n {
		d := &s[i*sStep]
		// x itself does not move: no pointer may step past the last value
		v := *(*float64)(unsafe.Add(x, uintptr(i)*xStep+d.offset))
		if d.plain == 0 {
			if v >= -d.zero && v <= d.zero {
				missing[i], dst[i] = maxCode, 0
				continue
			}
			if v != v && d.keepMissing == 0 {
				v = 0
			}
		}
		missing[i] = 0
		if v != v {
			missing[i] = maxCode
		}
		p := unsafe.Pointer(&d.table[16])
		var at uintptr
		for half := uintptr(128); half > 0; half >>= 1 {
			at += half & -below(p, at+half-1, v)
		}
		dst[i] = uint8(at)
	}
}

// rankUnmarkedGeneric ranks the values of a vector at x, one for each source. No
// source has MissingZero, so that the rank of a missing value is 0, or that of 0.
func rankUnmarkedGeneric(dst []uint8, x unsafe.Pointer, s []rankTable) {
	for i := range s {
		d := &s[i]
		v := *(*float64)(unsafe.Add(x, d.offset))
		if v != v && d.keepMissing == 0 {
			v = 0
		}
		p := unsafe.Pointer(&d.table[16])
		var at uintptr
		for half := uintptr(128); half > 0; half >>= 1 {
			at += half & -below(p, at+half-1, v)
		}
		dst[i] = uint8(at)
	}
}
