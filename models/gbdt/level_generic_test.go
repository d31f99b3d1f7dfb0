// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package gbdt

import "testing"

// eachLevel runs a test: there is one level.
func eachLevel(t *testing.T, f func(t *testing.T)) { t.Run("go", f) }
