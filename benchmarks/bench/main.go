// SPDX-License-Identifier: Apache-2.0

// Bench runs every benchmark of the project one after another, keeps what they
// print, and writes it to benchmarks/results/<date>.json. From the newest such
// file it writes the tables of docs/performance.md, the plots in docs/plots, the
// table of README.md, and every figure in the text of README.md, docs and
// docs/design that lies between two marks (inline.go). No figure is typed by
// hand: a test compares all of them with the file.
//
//	go run ./benchmarks/bench -python DIR/bin/python -flights flights-3m.parquet
//	go run ./benchmarks/bench -only ledger,predict
//	go run ./benchmarks/bench -only stream,soak  areas that take minutes and run only when named
//	go run ./benchmarks/bench -render            writes the pages from the newest results, measures nothing
//	go run ./benchmarks/bench -short -into DIR   runs the smallest form of every area and writes into DIR
//
// It needs the peers (benchmarks/peers/setup) and, on two cores, 44 minutes; it
// stops itself after that.
//
// All programs are built first. Before each area, bench waits until the machine
// is quiet. With the area's figures it keeps how quiet the machine was: what
// other processes used before and during the area, and how fast a spin loop ran
// compared with the fastest of the session. An area that exceeds its budget is
// stopped, keeps the figures that it printed, and says so; one that fails says
// why, and the rest goes on. Results and pages are written after each area, so
// that nothing is lost when bench is stopped. TestSession is the proof.
//
// The files: areas.go lists the programs and runs one; session.go runs them in
// turn; quiet.go watches the machine; results.go reads and writes the results
// file; render.go, inline.go and targets.go write the pages; plots.go draws.
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
	flag.StringVar(&o.only, "only", "", "comma-separated areas: "+areaNames(areas(o))+
		"; and long ones: "+areaNames(longAreas(o)))
	flag.BoolVar(&o.short, "short", false,
		"run the smallest form of each area, to prove that it runs and that its page can be written; the figures "+
			"mean nothing")
	flag.StringVar(&o.into, "into", "",
		"directory for results, pages and plots (default: the repository; with -short, one that is removed)")
	flag.DurationVar(&o.wait, "wait", 3*time.Minute, "how long the areas together may wait for a quiet machine")
	render := flag.Bool("render", false, "write the tables and plots from the newest results; measure nothing")
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

// timeForAll is how long all areas together may take, building included.
const timeForAll = 44 * time.Minute

func run(ctx context.Context, o options) error {
	todo := areas(o)
	if o.only != "" {
		wanted := strings.Split(o.only, ",")
		todo = slices.DeleteFunc(append(todo, longAreas(o)...), func(a area) bool {
			return !slices.Contains(wanted, a.Name)
		})
		if len(todo) != len(wanted) {
			return fmt.Errorf("-only %s: the areas are %s, %s", o.only, areaNames(areas(o)), areaNames(longAreas(o)))
		}
	} else {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, time.Now().Add(timeForAll),
			fmt.Errorf("bench stopped itself after %v", timeForAll))
		defer cancel()
	}
	bin, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	s := &session{root: ".", bin: bin, buildErrors: map[string]error{}, watch: newMachineWatch(), options: o}
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
			s.buildErrors[a.Name] = err
		}
	}
	// Two areas start the production server. Its packages are compiled now, not
	// while something is measured. Where that fails, those areas say so.
	if _, err := daemon.Build(ctx, bin, "./cmd/assayd"); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	fmt.Println("every program is built; measuring begins")
	return s.measureAll(ctx, describeMachine(ctx, o), todo)
}

// copyPages copies the pages that hold figures below root, unless they are
// there already.
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
