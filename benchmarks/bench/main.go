// SPDX-License-Identifier: Apache-2.0

// Bench runs every benchmark of the project one after another, keeps what they
// print, and writes benchmarks/results/<date>.json. From the newest such file
// it writes the tables of docs/performance.md, the plots beside it, the table
// of README.md, and every figure in the text of README.md, docs and docs/design
// that stands between two marks (inline.go), so that none is typed by hand; a
// test holds all of them to the file.
//
//	go run ./benchmarks/bench -python DIR/bin/python -flights flights-3m.parquet
//	go run ./benchmarks/bench -only ledger,predict
//	go run ./benchmarks/bench -only stream,soak  areas that take minutes, never part of the whole
//	go run ./benchmarks/bench -render            from the newest results, measuring nothing
//
// All programs are built first. Each area then waits until the machine is
// quiet, and keeps with its figures how quiet it was: what other processes used
// before and meanwhile, and how fast a spin loop ran next to the fastest of the
// session. An area that is not done within its budget is stopped, keeps what it
// printed, and says so; one that fails says why, and the rest goes on. Results
// and pages are written after each area, so that nothing is lost when the whole
// is stopped, which it is after 44 minutes. TestSession is the proof.
//
//	go run ./benchmarks/bench -short -into DIR   the smallest form of all of it, into DIR
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/daemon"
)

func main() {
	var o options
	flag.StringVar(&o.python, "python", os.Getenv("ASSAY_PEERS_PYTHON"),
		"interpreter that has the peers (benchmarks/peers/setup makes one)")
	flag.StringVar(&o.flights, "flights", os.Getenv("ASSAY_FLIGHTS"),
		"flights-3m.parquet, for one training case (benchmarks/peers/setup fetches it)")
	flag.StringVar(&o.only, "only", "", "comma-separated areas: "+names(areas(o))+
		"; and long ones: "+names(longAreas(o)))
	flag.BoolVar(&o.short, "short", false,
		"smallest form of each area: proves that they run and that their pages can be written; the figures mean "+
			"nothing")
	flag.StringVar(&o.into, "into", "",
		"directory for results, pages and plots (default: the repository; with -short, one that is removed)")
	flag.DurationVar(&o.wait, "wait", 3*time.Minute, "how long the areas together may wait for a quiet machine")
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
	python, flights, only, into string
	short                       bool
	wait                        time.Duration
}

// whole is how long everything may take, building included.
const whole = 44 * time.Minute

func run(ctx context.Context, o options) error {
	todo := areas(o)
	if o.only != "" {
		wanted := strings.Split(o.only, ",")
		todo = slices.DeleteFunc(append(todo, longAreas(o)...), func(a area) bool {
			return !slices.Contains(wanted, a.Name)
		})
		if len(todo) != len(wanted) {
			return fmt.Errorf("-only %s: the areas are %s, %s", o.only, names(areas(o)), names(longAreas(o)))
		}
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, time.Now().Add(whole),
			fmt.Errorf("the whole was stopped after %v", whole))
		defer cancel()
	}
	bin, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	s := &session{root: ".", bin: bin, broken: map[string]error{}, watch: newWatch(), options: o}
	if o.into != "" {
		s.root = o.into
	} else if o.short {
		s.root = filepath.Join(bin, "pages")
	}
	if err := copyPages(s.root); err != nil {
		return err
	}
	for _, a := range todo {
		if err := a.build(ctx, bin); err != nil {
			s.broken[a.Name] = err
		}
	}
	// Two areas start the production server: its packages are compiled now, not
	// while something is measured. Where that fails, they say so themselves.
	if _, err := daemon.Build(ctx, bin, "./cmd/assayd"); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	fmt.Println("every program is built; measuring begins")
	return s.measure(ctx, describe(ctx, o), todo)
}

// copyPages puts the pages that hold figures below root, where they are not
// there yet.
func copyPages(root string) error {
	names, err := pageFiles(".")
	if err != nil {
		return err
	}
	for _, name := range names {
		to := filepath.Join(root, name)
		if _, err := os.Stat(to); err == nil {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("run this in the root of the repository: %w", err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}
