// SPDX-License-Identifier: Apache-2.0

// Torture runs the long forms of the tests that kill, cut the power, tamper and
// attack, and adds up what they counted.
//
//	go run ./benchmarks/torture -keep build/torture [-for 10m] [-into docs/reliability.md]
//
// The work is cut into parts of a minute or two, each a `go test -v` whose
// output is kept in a file of its own (delete the directory to begin anew): with
// -for, what is left when the time is
// up is done by the next call. A part that fails ends the run, and its output
// stays for reading. When every part is there, it prints lines
// "COUNT torture_NAME value" and two tables; with -into they also replace what
// stands between the two comments of a page, so that no figure there is typed.
//
// The tests print what is added up: lines "COUNT name n", which are summed,
// "S name seconds", of which the greatest is kept, and rows
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
)

func main() {
	keep := flag.String("keep", "build/torture",
		"directory of the parts' outputs; those that are there are not run again")
	length := flag.Duration("for", 0, "begin no part after this long (0: run all)")
	into := flag.String("into", "", "page whose marked region is written anew")
	only := flag.String("only", "", "run the parts of this step alone")
	partial := flag.Bool("partial", false, "run nothing: add up the parts that are there")
	short := flag.Bool("short", false, "a few of everything, to see that it works")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := torture(ctx, options{*keep, *length, *into, *only, *short, *partial}); err != nil {
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

func torture(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.keep, 0o755); err != nil {
		return err
	}
	left, err := 0, error(nil)
	if !o.partial {
		left, err = runAll(ctx, o)
	}
	if err != nil {
		return err
	}
	if left > 0 {
		fmt.Printf("%d parts are left for the next call\n", left)
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
	page := t.page()
	fmt.Print(page)
	if o.into != "" {
		return replace(o.into, page)
	}
	return nil
}
