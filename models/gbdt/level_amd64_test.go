// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

package gbdt

import (
	"os"
	"testing"
)

// eachLevel runs a test at each level of instructions that this processor has.
// Where AVX-512 was promised, as `make avx512` does, its
// absence is a failure.
func eachLevel(t *testing.T, f func(t *testing.T)) {
	highest := supportedLevel()
	if os.Getenv("ASSAY_WANT_AVX512") != "" && highest < levelAVX512 {
		t.Fatalf("the kernels run at level %d, want AVX-512", highest)
	}
	defer func() { kernelLevel = highest }()
	for l, name := range []string{"base", "avx2", "avx512"} {
		if level(l) > highest {
			t.Logf("%s: not on this processor", name)
			break
		}
		kernelLevel = level(l)
		t.Run(name, f)
	}
}
