// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package forest

import "testing"

// eachLevel runs a test once: there are no kernels here.
func eachLevel(t *testing.T, f func(t *testing.T)) { f(t) }
