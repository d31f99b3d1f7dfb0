// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package peak

// ofUsage is not known here.
func ofUsage() float64 { return 0 }
