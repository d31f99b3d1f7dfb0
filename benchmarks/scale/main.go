// SPDX-License-Identifier: Apache-2.0

// Scale measures how cost grows with size: rows, trees, columns, callers, and
// leaves in the log. A figure is named scale_<plot>_<curve>@<size>; make bench
// draws docs/plots from them and writes slopes into docs/performance.md.
//
//	go run ./benchmarks/scale              10^4 to 10^7 rows and leaves; 4 GB, four minutes
//	go run ./benchmarks/scale -short       the smallest sizes, to see that it runs
//	go run ./benchmarks/scale -only trees,log
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// part is one thing that grows.
type part struct {
	name string
	run  func(ctx context.Context, short bool) error
}

var parts = []part{{"rows", rows}, {"trees", trees}, {"columns", columns}, {"log", logSize},
	{"journal", journalSize}, {"callers", callers}}

func main() {
	short := flag.Bool("short", false, "the smallest sizes alone")
	only := flag.String("only", "", "comma-separated parts: rows, trees, columns, log, journal, callers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, p := range parts {
		if *only != "" && !strings.Contains(","+*only+",", ","+p.name+",") {
			continue
		}
		start := time.Now()
		if err := p.run(ctx, *short); err != nil {
			fmt.Fprintf(os.Stderr, "scale: %s: %v\n", p.name, err)
			os.Exit(1)
		}
		fmt.Printf("# %s took %.1f s\n", p.name, time.Since(start).Seconds())
		runtime.GC()
	}
}

// say prints the figure of one size.
func say(kind, curve string, size int, runs ...float64) {
	fmt.Println(figure.Of(kind, fmt.Sprintf("scale_%s@%d", curve, size), runs))
}

// upTo keeps the sizes to run.
func upTo(short bool, sizes ...int) []int {
	if short {
		return sizes[:min(2, len(sizes))]
	}
	return sizes
}

// repeat calls fn again and again for about as long as asked, three times, and
// returns the nanoseconds of a call in each.
func repeat(length time.Duration, fn func()) []float64 {
	var out []float64
	for range 3 {
		n, start := 0, time.Now()
		for time.Since(start) < length {
			for range 8 {
				fn()
			}
			n += 8
		}
		out = append(out, float64(time.Since(start).Nanoseconds())/float64(n))
	}
	return out
}
