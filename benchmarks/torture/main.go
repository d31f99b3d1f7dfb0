// SPDX-License-Identifier: Apache-2.0

// Torture runs the long forms of the tests that kill, cut the power, tamper and
// attack, and adds up what they counted. It takes up to two hours.
//
//	go run ./benchmarks/torture -keep build/torture [-for 10m] [-into docs/reliability.md]
//	go run ./benchmarks/torture -short -keep DIR     a few of everything
//
// The work is divided into test runs of a minute or two, each a `go test -v`
// whose output is kept in a file (delete the directory to start afresh). With
// -for, the next call does the runs that are left when the time is up. A run that
// fails ends the program, and its output is kept. When all runs are done, the
// program prints figures COUNT torture_<name> and S anchor_<name>, and tables;
// with -into the tables also replace the text between two comments of a page, so
// that no figure there is typed by hand.
//
// The tests print what is added up: lines "COUNT name n", which are summed,
// "S name seconds", of which the greatest counts, and rows
// "| where | operator | injected | found | repaired | check n, check n |".
// TestRead is the proof.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/page"
)

func main() {
	keep := flag.String("keep", "build/torture",
		"directory for the outputs of test runs; a run with an output is not repeated")
	length := flag.Duration("for", 0, "start no test run after this long (0: run all)")
	into := flag.String("into", "", "page to write the tables into")
	only := flag.String("only", "", "run only this step")
	partial := flag.Bool("partial", false, "run nothing: add up the outputs that are there")
	short := flag.Bool("short", false, "a few of everything, to see that it works")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, options{*keep, *length, *into, *only, *short, *partial}); err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
		os.Exit(1)
	}
}

type options struct {
	keep   string
	length time.Duration
	into   string
	only   string
	short  bool

	partial bool
}

func run(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.keep, 0o755); err != nil {
		return err
	}
	left, err := 0, error(nil)
	if !o.partial {
		left, err = runMissing(ctx, o)
	}
	if err != nil {
		return err
	}
	if left > 0 {
		fmt.Printf("%d test runs are left for the next call\n", left)
		return nil
	}
	if o.only != "" {
		return nil
	}
	t, err := readAll(o)
	if err != nil {
		return err
	}
	for _, f := range t.figures() {
		fmt.Println(f)
	}
	tables := t.tables()
	fmt.Print(tables)
	if o.into != "" {
		return page.ReplaceInFile(o.into, beginMark, endMark, tables)
	}
	return nil
}
