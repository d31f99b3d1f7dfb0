// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package usage

// peakFromRusage is not known on this system.
func peakFromRusage() float64 { return 0 }
