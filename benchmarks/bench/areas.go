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
	"syscall"
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

// areas lists the programs in the order in which they run; the longest, which
// prints its figures case by case, is the last and takes the time that is left.
// The predictor's first run trains its models and has Treelite's compiled, which
// takes longer than measuring. TestBudgets keeps the sum of the budgets.
func areas(o options) []area {
	py := []string{"-python", o.python}
	with := func(args ...string) []string {
		if o.python == "" {
			return args
		}
		return append(py[:2:2], args...)
	}
	train := with()
	if o.flights != "" {
		train = with("-flights", o.flights)
	}
	const s, m = time.Second, time.Minute
	return []area{
		{"ledger", "Ledger", 6*m + 30*s, false, [][]string{{"-seconds", "6"}}, // longer than the log gives way to a burst
			[]string{"-seconds", "0.3", "-rounds", "1"}},
		{"anchor", "Anchors", 30 * s, false, [][]string{nil}, []string{"-anchors", "3"}},
		{"eval", "Reports", 30 * s, false, [][]string{with()}, with("-rows", "20000")},
		{"features", "Features", 2 * m, false, [][]string{with()}, with("-events", "50000", "-keys", "50000", "-runs", "1")},
		{"predict", "Predictor", 7 * m, true, [][]string{with()}, with("-cases", "100x31", "-rounds", "3", "-slice", "5ms")},
		{"serve", "Serving", 5 * m, false, [][]string{{"-seconds", "1.5"}}, []string{"-runs", "1", "-seconds", "0.5"}},
		{"endtoend", "End to end, beside other model servers", 3 * m, true, [][]string{with()}, with("-seconds", "1", "-runs", "1")},
		{"scale", "Scale", 4 * m, false, [][]string{nil}, []string{"-short"}},
		{"train", "Trainer", 30 * m, true, [][]string{train}, with("-cases", "small", "-runs", "1")},
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

// lacks says what of an area cannot be measured, if anything.
func (a area) lacks(o options) string {
	switch {
	case a.Peers && o.python == "":
		return "no interpreter with the peers was named (-python)"
	case a.Name == "train" && o.flights == "":
		return "the case flights3m: its table was not at hand (-flights)"
	}
	return ""
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

// runOne runs the area's program once. When the time is up it and what it
// started are interrupted, and ended after twenty seconds more.
func (a area) runOne(ctx context.Context, bin string, args []string) ([]figure.Figure, error) {
	c := exec.CommandContext(ctx, filepath.Join(bin, a.Name), args...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	group := func(s syscall.Signal) error { return syscall.Kill(-c.Process.Pid, s) }
	c.Cancel = func() error { return group(syscall.SIGINT) }
	c.WaitDelay = 20 * time.Second
	var out bytes.Buffer
	c.Stdout, c.Stderr = io.MultiWriter(&out, os.Stdout), os.Stderr
	err := c.Run()
	if c.Process != nil {
		_ = group(syscall.SIGKILL) // what is left of it
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	figures, e := figure.Read(&out)
	return figures, errors.Join(err, e)
}
