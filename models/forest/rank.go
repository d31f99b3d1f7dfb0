// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"unsafe"
)

// rankGeneric ranks n values: value i is at x + i*xStep + s[i*sStep].offset, of
// the source s[i*sStep]. Its rank goes to dst[i], and chunk to missing[i] when it
// is missing, else 0. One loop does for a vector (xStep = 0, sStep = 1) and for
// a column of a block (sStep = 0).
func rankGeneric(dst, missing []uint8, x unsafe.Pointer, xStep uintptr, s []search, sStep, n int) {
	for i := range n {
		d := &s[i*sStep]
		// x does not step past the last value: no pointer may
		v := *(*float64)(unsafe.Add(x, uintptr(i)*xStep+d.offset))
		if d.plain == 0 {
			if v >= -d.zero && v <= d.zero {
				missing[i], dst[i] = chunk, 0
				continue
			}
			if v != v && d.keep == 0 {
				v = 0
			}
		}
		missing[i] = 0
		if v != v {
			missing[i] = chunk
		}
		p := unsafe.Pointer(&d.table[16])
		var at uintptr
		for half := uintptr(128); half > 0; half >>= 1 {
			at += half & -below(p, at+half-1, v)
		}
		dst[i] = uint8(at)
	}
}

// rankUnmarkedGeneric ranks the values of a vector at x, one for each source, of
// which none has MissingZero: a missing value's rank is 0, or that of 0.
func rankUnmarkedGeneric(dst []uint8, x unsafe.Pointer, s []search) {
	for i := range s {
		d := &s[i]
		v := *(*float64)(unsafe.Add(x, d.offset))
		if v != v && d.keep == 0 {
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
