// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/figure"
)

// area is one benchmark program and how it is run.
type area struct {
	Name   string
	Title  string        // as a reader of the tables knows it
	Budget time.Duration // on two quiet cores; the program is stopped after it
	Peers  bool          // cannot run without the peers' interpreter
	Runs   [][]string    // arguments of each run of the program
	Short  []string      // arguments of the short form
}

// areas lists the programs in the order in which they run. The budgets add up
// to 43 minutes; TestBudgets keeps them so.
func areas(o options) []area {
	py := []string{"-python", o.python}
	with := func(args ...string) []string {
		if o.python == "" {
			return args
		}
		return append(py[:2:2], args...)
	}
	train := with("-cases", "dense1m,airline100k,small", "-runs", "3")
	long := with("-cases", "sparse500k,wide50k", "-runs", "2")
	big := with("-cases", "flights3m", "-runs", "1", "-flights", o.flights)
	trains := [][]string{train, long, big}
	if o.flights == "" {
		trains = trains[:2]
	}
	return []area{
		{"ledger", "Ledger", 4 * time.Minute, false, [][]string{{"-seconds", "6"}}, // longer than the log gives way to a burst
			[]string{"-seconds", "0.3", "-rounds", "1"}},
		{"anchor", "Anchors", time.Minute, false, [][]string{nil}, []string{"-anchors", "3"}},
		{"eval", "Reports", time.Minute, false, [][]string{with()}, []string{"-rows", "20000"}},
		{"features", "Features", 3 * time.Minute, false, [][]string{with()}, with("-events", "50000", "-keys", "50000", "-runs", "1")},
		{"predict", "Predictor", 6 * time.Minute, true, [][]string{with()}, with("-cases", "100x31", "-rounds", "3", "-slice", "5ms")},
		{"serve", "Serving", 8 * time.Minute, false, [][]string{{"-latency"}}, []string{"-runs", "1", "-seconds", "0.5"}},
		{"endtoend", "End to end, beside other model servers", 4 * time.Minute, true, [][]string{with()}, with("-seconds", "1", "-runs", "1")},
		{"scale", "Scale", 4 * time.Minute, false, [][]string{nil}, []string{"-short"}},
		{"train", "Trainer", 12 * time.Minute, true, trains, with("-cases", "small", "-runs", "1")},
	}
}

func names() string {
	var n []string
	for _, a := range areas(options{}) {
		n = append(n, a.Name)
	}
	return strings.Join(n, ", ")
}

func (a area) build(ctx context.Context, bin string) error {
	c := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(bin, a.Name), "./benchmarks/"+a.Name)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("benchmarks/%s does not build: %w", a.Name, err)
	}
	return nil
}

// measure runs the area and keeps its figures, its budget and how quiet the
// machine was.
func (a area) measure(ctx context.Context, bin string, w *watch, o options) outcome {
	out := outcome{Area: a.Name}
	if a.Peers && o.python == "" {
		out.Skipped = "no interpreter with the peers was named (-python)"
		out.Quiet = true
		fmt.Printf("== %s: left out: %s\n", a.Name, out.Skipped)
		return out
	}
	if a.Name == "train" && o.flights == "" {
		out.Skipped = "the case flights3m: its table was not at hand (-flights)"
	}
	runs := a.Runs
	if o.short {
		runs = [][]string{a.Short}
	} else {
		out.Before = w.settle(ctx, o.wait)
	}
	fmt.Printf("== %s, at most %v; others use %.1f %% of the machine, spin loop at %.1f %% of its best\n", a.Name, a.Budget, 100*out.Before.Others, 100*out.Before.Spin)
	ctx, cancel := context.WithTimeoutCause(ctx, a.Budget, fmt.Errorf("stopped after its %v", a.Budget))
	defer cancel()
	start, busy := time.Now(), w.mark()
	for _, args := range runs {
		out.Commands = append(out.Commands, tidy(args, o, a.Name))
		figures, err := runOne(ctx, filepath.Join(bin, a.Name), args)
		out.Figures = append(out.Figures, figures...)
		if err != nil {
			out.Error = err.Error()
			break
		}
	}
	out.Seconds = time.Since(start).Seconds()
	out.Meanwhile = w.since(busy)
	out.Quiet = out.Before.quiet() && out.Meanwhile <= quietOthers
	if len(out.Figures) == 0 && out.Error == "" {
		out.Error = "it printed no figure"
	}
	return out
}

// tidy is the command as a reader would give it: without the paths of this
// machine.
func tidy(args []string, o options, name string) string {
	line := "go run ./benchmarks/" + name
	for _, a := range args {
		switch a {
		case o.python:
			a = "python3"
		case o.flights:
			a = "flights-3m.parquet"
		}
		line += " " + a
	}
	return line
}

func runOne(ctx context.Context, program string, args []string) ([]figure.Figure, error) {
	c := exec.CommandContext(ctx, program, args...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 20 * time.Second
	var out bytes.Buffer
	c.Stdout, c.Stderr = io.MultiWriter(&out, os.Stdout), os.Stderr
	err := c.Run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	figures, e := figure.Read(&out)
	return figures, errors.Join(err, e)
}
