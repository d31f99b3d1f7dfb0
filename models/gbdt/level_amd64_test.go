// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

package gbdt

import "testing"

// eachLevel runs a test at each level of instructions that this processor has.
func eachLevel(t *testing.T, f func(t *testing.T)) {
	highest := best()
	defer func() { use = highest }()
	for l, name := range []string{"base", "avx2", "avx512"} {
		if level(l) > highest {
			t.Logf("%s: not on this processor", name)
			break
		}
		use = level(l)
		t.Run(name, f)
	}
}
