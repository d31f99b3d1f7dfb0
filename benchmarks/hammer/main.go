// SPDX-License-Identifier: Apache-2.0

// Hammer scores from many callers, disturbs the server and the chain behind it
// at the same time, and verifies every reply. It takes a minute and a little more
// to check what is left, prints the violations that it found, one line of totals
// and COUNT hammer_violations, and ends with status 1 if there are any.
//
//	go run ./benchmarks/hammer -for 60s
//
// The server is assayd, built and run as a separate process; the chain is the
// embedded one, behind a proxy that makes faults. The disturbances, again and
// again in an order drawn from -seed:
//
//	kill     SIGKILL of the server, and a new start on the same directory
//	model    another bundle is activated
//	policy   another policy is activated
//	chain    503, answers lost after the node took the request, errors in a 200,
//	         another chain id, no answer at all
//	slow     clients that send on a stream and read nothing
//
// A violation is: a reply whose promise or canonical bytes do not verify; a code
// that the status table does not promise; a repeated request whose decision
// differs from the first; a decision by a model or policy that nobody activated;
// an acknowledged decision whose receipt cannot be fetched, differs from the reply
// or is refused; a receipt whose anchor is refused, or that no anchor covers in
// the end; and anything that `assay ledger fsck` and `assay audit` find in the
// directory afterwards.
//
// The files: deployment.go starts server and chain, hammer.go has the callers,
// disturb.go and proxy.go disturb, verify.go fetches and verifies receipts,
// tally.go counts.
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
	flag.DurationVar(&o.length, "for", time.Minute, "how long to score; checking what is left takes some seconds more")
	flag.IntVar(&o.callers, "callers", 32, "callers at once")
	flag.Float64Var(&o.rate, "rate", 400,
		"decisions a second to ask for; the verifiers, which fetch each receipt, must keep up")
	flag.Uint64Var(&o.seed, "seed", 1, "draws the order of the disturbances and the rows")
	flag.StringVar(&o.dir, "dir", "",
		"directory that is kept afterwards (default: a temporary one, kept on a violation)")
	flag.BoolVar(&o.calm, "calm", false, "disturb nothing, as a control")
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
	d, err := deploy(ctx, o)
	if err != nil {
		return 0, err
	}
	defer d.close()
	t := &tally{}
	start := time.Now()
	if err := hammer(ctx, o, d, t); err != nil {
		return 0, err
	}
	lasted := time.Since(start)
	if err := d.stopAndCheck(ctx, t); err != nil {
		return 0, err
	}
	for _, v := range t.firstViolations() {
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
