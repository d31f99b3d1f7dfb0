// SPDX-License-Identifier: Apache-2.0

// Avx512 runs tests on a processor that has AVX-512. Where the one at hand has
// it, they run there. Where it has not, it boots Linux in the Bochs emulator, with
// the compiled tests and nothing else on its disk, and passes on what they print
// and how they end.
//
//	cd tools && go run ./avx512 -root ..
//	cd tools && go run ./avx512 -root .. -only models/gbdt -run Golden
//	cd tools && go run ./avx512 -root .. -emulate
//
// The emulator needs Linux on amd64, and Debian's packages bochs, bochs-term, isolinux,
// syslinux-common, xorriso and cpio; the kernel is Debian's linux-image-cloud-amd64,
// which is fetched and unpacked, not installed (or name one: -kernel). Where
// one of them is missing it says so and ends without an error, unless -must is
// given. Bochs executes some 40 million instructions a second, so the tests
// that run there are those that compare bits, in small.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// job is a package and the pattern of those of its tests that run with AVX-512.
type job struct{ pkg, tests string }

// jobs compare every kernel with its twin in Go, and the digests of trained
// models with those that all other platforms give.
var jobs = []job{
	{"models/gbdt", "(Divide|GradientKernels|Thresholds|BinAll|Golden)/avx512"},
	{"models/forest", "Level|RankKernel|ManyRows|FewLanes"},
}

type options struct {
	root, kernel string
	only, run    string
	must         bool
	emulate      bool
	most         time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", "..", "the repository")
	flag.StringVar(&o.kernel, "kernel", "",
		"a Linux kernel (bzImage) with a serial console; fetched from Debian when empty")
	flag.StringVar(&o.only, "only", "", "the one package whose tests run")
	flag.StringVar(&o.run, "run", "", "pattern of the tests that run, instead of those that compare bits")
	flag.BoolVar(&o.must, "must", false, "fail where something that the emulation needs is missing")
	flag.BoolVar(&o.emulate, "emulate", false, "use the emulator even where the processor has AVX-512")
	flag.DurationVar(&o.most, "most", 15*time.Minute, "how long the emulated machine may run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, o)
	var lack *missing
	if errors.As(err, &lack) && !o.must {
		fmt.Println("avx512: skipped:", err)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "avx512:", err)
		os.Exit(1)
	}
}

// missing is a program or file that the machine lacks.
type missing struct{ name, debianPackage string }

// Error names what is missing and the package that has it.
func (m *missing) Error() string {
	return fmt.Sprintf("%s is missing: apt-get install %s", m.name, m.debianPackage)
}

func run(ctx context.Context, o options) error {
	if !o.emulate && onThisProcessor() {
		return runNative(ctx, o)
	}
	work, err := os.MkdirTemp("", "assay-avx512-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := checkPrograms(); err != nil {
		return err
	}
	if o.kernel == "" {
		if o.kernel, err = fetchKernel(ctx, work); err != nil {
			return err
		}
	}
	root, err := filepath.Abs(o.root)
	if err != nil {
		return err
	}
	if err := disk(ctx, root, work, o); err != nil {
		return err
	}
	return boot(ctx, work, o.most)
}
