// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
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

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// area is one benchmark program and how it is run.
type area struct {
	Name   string
	From   string        // the program's folder below benchmarks, if it differs from Name
	Title  string        // heading in docs/performance.md
	Budget time.Duration // on two quiet cores; the program is stopped after it
	Peers  bool          // cannot run without the peers' interpreter
	Runs   [][]string    // arguments of each run of the program
	Short  []string      // arguments of the short form
	Within bool          // takes -within, how long it may take, and plans its runs accordingly
	Exact  bool          // its figures are counts, sizes or scores, which a busy machine does not change
}

// areas lists the programs in the order in which they run. The longest, which
// prints its figures case by case, is last and takes the time that is left. The
// predictor's first run trains its models and compiles Treelite's libraries,
// which takes as long as measuring. TestBudgets checks the sum of the budgets.
func areas(o options) []area {
	with := o.withPython
	train := with()
	if o.flights != "" {
		train = with("-flights", o.flights)
	}
	const s, m = time.Second, time.Minute
	return []area{
		{Name: "ledger", Title: "Ledger", Budget: 5*m + 30*s,
			Runs:  [][]string{{"-seconds", "6"}}, // longer than the log waits while a burst of appends goes on
			Short: []string{"-seconds", "0.3", "-rounds", "1"}},
		{Name: "anchor", Title: "Anchors", Budget: 30 * s, Runs: [][]string{nil}, Short: []string{"-anchors", "3"}},
		{Name: "eval", Title: "Reports", Budget: 1 * m, Runs: [][]string{with()}, Short: with("-rows", "20000")},
		{Name: "features", Title: "Features", Budget: 2 * m, Runs: [][]string{with()},
			Short: with("-events", "50000", "-keys", "50000", "-runs", "1")},
		{Name: "predict", Title: "Predictor", Budget: 9 * m, Peers: true, Runs: [][]string{with()},
			Short: with("-cases", "100x31", "-rounds", "3", "-slice", "5ms")},
		{Name: "serve", Title: "Serving", Budget: 4*m + 30*s, Runs: [][]string{{"-seconds", "1.5"}},
			Short: []string{"-runs", "1", "-seconds", "0.5"}},
		{Name: "endtoend", Title: "End to end, compared with other model servers", Budget: 3 * m, Peers: true,
			Runs: [][]string{with()}, Short: with("-seconds", "1", "-runs", "1")},
		{Name: "scale", Title: "Scale", Budget: 3*m + 30*s, Runs: [][]string{nil}, Short: []string{"-short"}},
		{Name: "train", Title: "Trainer", Budget: 30 * m, Peers: true, Within: true, Runs: [][]string{train},
			Short: with("-cases", "small", "-runs", "1")},
	}
}

// withPython puts the peers' interpreter, if there is one, before the arguments.
func (o options) withPython(args ...string) []string {
	if o.python == "" {
		return args
	}
	return append([]string{"-python", o.python}, args...)
}

// longAreas run only when -only names them: each takes minutes. Their figures
// stay in the results until they are measured again.
func longAreas(o options) []area {
	const m = time.Minute
	return []area{
		{Name: "stream", From: "train", Title: "A table larger than memory", Budget: 10 * m, Exact: true,
			Runs: [][]string{{"-stream", "10000000"}}, Short: []string{"-stream", "200000"}},
		{Name: "worth", From: "features", Title: "What engineered features are worth", Budget: 10 * m, Exact: true,
			Runs: [][]string{{"-ablate", "-events", "300000"}}, Short: []string{"-ablate", "-events", "3000"}},
		{Name: "skew", From: "features", Title: "An event log with one very busy buyer", Budget: 20 * m, Peers: true,
			Runs: [][]string{o.withPython("-skew")}, Short: o.withPython("-skew", "-skew-events",
				"50000", "-runs", "1")},
		{Name: "sustain", From: "ledger", Title: "Ten thousand decisions a second, for minutes", Budget: 10 * m,
			Runs: [][]string{{"-sustain", "5m", "-rate", "10000", "-anchor", "10s"}}, Short: []string{"-sustain", "3s",
				"-rate", "1000", "-anchor", "1s"}},
		{Name: "soak", From: "serve", Title: "Five thousand connections, for minutes", Budget: 10 * m,
			Runs: [][]string{{"-soak", "5m", "-connections", "5000", "-pause", "3s"}}, Short: []string{"-soak", "3s",
				"-connections", "20", "-pause", "1s"}},
		{Name: "startup", Title: "Starting on a long journal, and auditing it", Budget: 10 * m, Runs: [][]string{nil},
			Short: []string{"-decisions", "2000", "-runs", "1"}},
		{Name: "torture", Title: "Broken on purpose", Budget: 2 * time.Hour, Exact: true,
			Runs: [][]string{{"-into", "docs/reliability.md"}}, Short: []string{"-short", "-keep",
				filepath.Join(os.TempDir(), "assay-torture-short")}},
		{Name: "newcomer", Title: "From an empty machine", Budget: 20 * m, Runs: [][]string{nil},
			Short: []string{"-short"}},
	}
}

func areaNames(all []area) string {
	var n []string
	for _, a := range all {
		n = append(n, a.Name)
	}
	return strings.Join(n, ", ")
}

// program is the folder of the area's program below benchmarks.
func (a area) program() string { return cmp.Or(a.From, a.Name) }

func (a area) build(ctx context.Context, bin string) error {
	c := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(bin, a.program()), "./benchmarks/"+a.program())
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("benchmarks/%s does not build: %w", a.program(), err)
	}
	return nil
}

// leftOut says which part of an area cannot be measured; empty if none.
func (a area) leftOut(o options) string {
	switch {
	case a.Peers && o.python == "":
		return "no interpreter with the peers was named (-python)"
	case a.Name == "train" && o.flights == "":
		return "the case flights3m: its table was not named (-flights)"
	}
	return ""
}

// publicCommand is the command as a reader would type it, without the paths of
// this machine.
func publicCommand(args []string, o options, name string) string {
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

// runOne runs the area's program once. When ctx ends, the program and the
// processes that it started are interrupted, and killed after twenty seconds
// more.
func (a area) runOne(ctx context.Context, bin string, args []string) ([]figure.Figure, error) {
	c := exec.CommandContext(ctx, filepath.Join(bin, a.program()), args...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	group := func(s syscall.Signal) error { return syscall.Kill(-c.Process.Pid, s) }
	c.Cancel = func() error { return group(syscall.SIGINT) }
	c.WaitDelay = 20 * time.Second
	var out bytes.Buffer
	c.Stdout, c.Stderr = io.MultiWriter(&out, os.Stdout), os.Stderr
	err := c.Run()
	if c.Process != nil {
		_ = group(syscall.SIGKILL) // processes that it left behind
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	figures, e := figure.Read(&out)
	return figures, errors.Join(err, e)
}
