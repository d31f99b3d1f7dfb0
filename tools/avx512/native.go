// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// features are what the kernels need of a processor, as Linux names them.
var features = []string{"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vbmi"}

// onThisProcessor reports whether the processor at hand has AVX-512 as the
// kernels need it. The tests themselves fail where it is not used.
func onThisProcessor() bool {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil || runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return false
	}
	_, list, _ := strings.Cut(string(b), "\nflags")
	list, _, _ = strings.Cut(list, "\n")
	has := strings.Fields(list)
	return !slices.ContainsFunc(features, func(f string) bool { return !slices.Contains(has, f) })
}

// runNative runs the jobs here, whole where the emulated machine runs them in small.
func runNative(ctx context.Context, o options) error {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	fmt.Println("avx512: this processor has AVX-512: the tests run on it, not in the emulator (-emulate)")
	ran := 0
	for _, j := range jobs {
		if o.only != "" && o.only != j.pkg {
			continue
		}
		out, err := output(ctx, root, []string{"ASSAY_WANT_AVX512=1"}, "go", "test", "-count=1", "-run",
			cmp.Or(o.run, j.tests), "./"+j.pkg)
		fmt.Print(out)
		if err != nil {
			return err
		}
		if strings.Contains(out, "no tests to run") {
			return fmt.Errorf("%s: the pattern names no test: mend jobs", j.pkg)
		}
		ran++
	}
	if ran == 0 {
		return fmt.Errorf("no such package among the jobs: %s", o.only)
	}
	return nil
}
