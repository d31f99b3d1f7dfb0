// SPDX-License-Identifier: Apache-2.0

// Bench runs every benchmark of the project one after another, keeps what they
// print, and writes benchmarks/results/<date>.json. From the newest such file
// it writes the tables of docs/performance.md, the plots beside it and the
// table of README.md, so that no figure there is typed by hand; a test holds
// the three to the file.
//
//	go run ./benchmarks/bench -python DIR/bin/python -flights flights-3m.parquet
//	go run ./benchmarks/bench -only ledger,predict
//	go run ./benchmarks/bench -render            from the newest results, measuring nothing
//
// All programs are built first. Each area then waits until the machine is
// quiet, and keeps with its figures how quiet it was: what other processes used
// before and meanwhile, and how fast a spin loop ran next to the fastest of the
// session. An area that is not done within its budget is stopped, keeps what it
// printed, and says so: the whole takes under 45 minutes on two cores.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/daemon"
)

func main() {
	var o options
	flag.StringVar(&o.python, "python", os.Getenv("ASSAY_PEERS_PYTHON"), "interpreter that has the peers (benchmarks/peers/setup makes one)")
	flag.StringVar(&o.flights, "flights", os.Getenv("ASSAY_FLIGHTS"), "flights-3m.parquet, for one training case (benchmarks/peers/setup fetches it)")
	flag.StringVar(&o.only, "only", "", "comma-separated areas: "+names())
	flag.BoolVar(&o.short, "short", false, "smallest form of each area: proves that they run, for no figure to be kept")
	flag.DurationVar(&o.wait, "wait", 2*time.Minute, "how long an area may wait for a quiet machine")
	render := flag.Bool("render", false, "write the tables and plots from the newest results and measure nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *render {
		err = renderNewest(".")
	} else {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type options struct {
	python, flights, only string
	short                 bool
	wait                  time.Duration
}

func run(ctx context.Context, o options) error {
	var todo []area
	for _, a := range areas(o) {
		if o.only == "" || slices.Contains(strings.Split(o.only, ","), a.Name) {
			todo = append(todo, a)
		}
	}
	if len(todo) == 0 {
		return fmt.Errorf("-only %s names no area; there are %s", o.only, names())
	}
	bin, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	for _, a := range todo {
		if err := a.build(ctx, bin); err != nil {
			return err
		}
	}
	// Two areas start the production server: its packages are compiled now, not
	// while something is measured.
	if _, err := daemon.Build(ctx, bin, "./cmd/assayd"); err != nil {
		return err
	}
	fmt.Println("every program is built; measuring begins")
	r := describe(ctx, o)
	watch := newWatch()
	var failed []string
	for _, a := range todo {
		out := a.measure(ctx, bin, watch, o)
		out.Commit = r.Commit
		if r.Areas = append(r.Areas, out); out.Error != "" {
			failed = append(failed, a.Name+": "+out.Error)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	for _, a := range r.Areas {
		if !a.Quiet {
			fmt.Printf("%s: the machine was busy with other work: do not trust these figures\n", a.Area)
		}
	}
	if o.short {
		if len(failed) > 0 {
			return errors.New(strings.Join(failed, "; "))
		}
		fmt.Println("the short form keeps nothing")
		return nil
	}
	if err := save(r); err != nil {
		return err
	}
	if err := renderNewest("."); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("not all areas came to their end: %s", strings.Join(failed, "; "))
	}
	return nil
}
