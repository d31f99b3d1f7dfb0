// SPDX-License-Identifier: Apache-2.0

// Scale measures how cost grows with size: with rows, trees, columns, leaves in
// the log, records in the journal, and callers. It compares with nothing. A figure
// is named scale_<plot>_<curve>@<size>; make bench draws docs/plots from them and
// writes their slopes into docs/performance.md.
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

// dimension is something that grows.
type dimension struct {
	name string
	run  func(ctx context.Context, short bool) error
}

var dimensions = []dimension{{"rows", measureRows}, {"trees", measureTrees},
	{"columns", measureColumns}, {"log", measureLog},
	{"journal", measureJournal}, {"callers", measureCallers}}

func main() {
	short := flag.Bool("short", false, "the smallest sizes alone")
	only := flag.String("only", "", "comma-separated dimensions: rows, trees, columns, log, journal, callers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, p := range dimensions {
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

// printFigure prints the figure of one size.
func printFigure(kind, curve string, size int, runs ...float64) {
	fmt.Println(figure.Of(kind, fmt.Sprintf("scale_%s@%d", curve, size), runs))
}

// sizesToRun are all sizes, or the two smallest.
func sizesToRun(short bool, sizes ...int) []int {
	if short {
		return sizes[:min(2, len(sizes))]
	}
	return sizes
}

// timeCalls calls fn again and again for about length, three times, and returns
// the nanoseconds of one call in each.
func timeCalls(length time.Duration, fn func()) []float64 {
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
