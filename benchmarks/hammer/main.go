// SPDX-License-Identifier: Apache-2.0

// Hammer scores from many callers while it does to the server, and to the
// chain behind it, what may happen to them, and holds every reply to what it
// promises. It prints one line of totals, and ends with status 1 on any
// violation.
//
//	go run ./benchmarks/hammer -for 60s
//
// The server is assayd, built and run as a process of its own; the chain is
// the embedded one, behind a proxy that makes faults. Again and again, in an
// order drawn from -seed:
//
//	kill     SIGKILL of the server, and a new start on the same directory
//	model    activation of another bundle; policy: of another policy
//	chain    503, answers dropped after the node took the request, errors in a
//	         200, another chain id, no answer at all
//	slow     clients that send on a stream and read nothing
//
// A violation is: a reply whose promise or canonical bytes do not hold; a code
// that the status table does not promise; a request asked again whose decision
// differs from the first; a decision of a model or policy that nobody
// activated; an acknowledged decision whose receipt cannot be had, differs from
// the reply or is refused; a receipt whose anchor is refused, or that no anchor
// covers in the end; and whatever `assay ledger fsck` and `assay audit` find in
// the directory afterwards.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

type options struct {
	length  time.Duration
	callers int
	rate    float64
	seed    uint64
	dir     string
	calm    bool
}

func main() {
	var o options
	flag.DurationVar(&o.length, "for", time.Minute, "how long to hammer; checking what is left takes a while more")
	flag.IntVar(&o.callers, "callers", 32, "callers at once")
	flag.Float64Var(&o.rate, "rate", 400,
		"decisions a second to ask for: each receipt is verified, and they are to keep up")
	flag.Uint64Var(&o.seed, "seed", 1, "draws the order of the disturbances and the rows")
	flag.StringVar(&o.dir, "dir", "", "directory to keep afterwards (default: a temporary one, kept on a violation)")
	flag.BoolVar(&o.calm, "calm", false, "disturb nothing: the control")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	violations, err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hammer:", err)
	}
	if err != nil || violations > 0 {
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (violations int64, err error) {
	temporary := o.dir == ""
	if temporary {
		if o.dir, err = os.MkdirTemp("", "assay-hammer-"); err != nil {
			return 0, err
		}
	}
	w, err := newWorld(ctx, o)
	if err != nil {
		return 0, err
	}
	defer w.close()
	t := &tally{}
	start := time.Now()
	if err := hammer(ctx, o, w, t); err != nil {
		return 0, err
	}
	lasted := time.Since(start)
	if err := w.afterwards(ctx, t); err != nil {
		return 0, err
	}
	for _, v := range t.seen() {
		fmt.Println("violation:", v)
	}
	fmt.Printf("hammer: %s in %v; %s\n", t, lasted.Round(time.Second), t.disturbances())
	fmt.Printf("COUNT hammer_violations %d\n", t.violations.Load())
	if temporary && t.violations.Load() == 0 {
		return 0, os.RemoveAll(o.dir)
	}
	fmt.Println("kept:", o.dir)
	return t.violations.Load(), nil
}
