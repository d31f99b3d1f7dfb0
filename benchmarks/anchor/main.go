// SPDX-License-Identifier: Apache-2.0

// Command anchor measures anchoring on the embedded chain: what the contract's
// functions cost in gas, how long one anchor takes from call to stored proof,
// how soon a chain that was away has caught up, and what an offline proof
// weighs and costs to check.
//
//	go run ./benchmarks/anchor
//
// Gas is exact and the same on every machine: docs/design/anchor.md has it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/devchain"
)

const origin = "assay.bench/log"

func main() {
	anchors := flag.Int("anchors", 100, "anchors to make")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *anchors); err != nil {
		fmt.Fprintln(os.Stderr, "anchor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, anchors int) error {
	dir, err := os.MkdirTemp("", "assay-anchor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := gasTable(ctx, dir+"/gas"); err != nil {
		return err
	}
	return timings(ctx, dir+"/time", anchors)
}

// timings anchors a growing log and says how long each took, and how long the
// first took after the chain was away.
func timings(ctx context.Context, dir string, anchors int) error {
	log := memlog.New(origin)
	e, err := devchain.Start(ctx, dir, origin, log, devchain.Config{}, anchor.Config{})
	if err != nil {
		return err
	}
	var took []float64 // milliseconds
	var newest anchor.Anchored
	for range anchors {
		log.Grow(1000)
		start := time.Now()
		if newest, err = e.Anchor.AnchorNow(ctx); err != nil {
			return err
		}
		took = append(took, millis(time.Since(start)))
	}
	trust := e.Trust()
	if err := e.Close(); err != nil {
		return err
	}
	fmt.Println(figure.Of("MS", "anchor_to_proof", took))

	start := time.Now()
	if e, err = devchain.Start(ctx, dir, origin, log, devchain.Config{}, anchor.Config{}); err != nil {
		return err
	}
	defer e.Close()
	opened := time.Since(start)
	log.Grow(100_000)
	start = time.Now()
	if _, err := e.Anchor.AnchorNow(ctx); err != nil {
		return err
	}
	fmt.Println(figure.Of("MS", "anchor_chain_opened_again", []float64{millis(opened)}))
	fmt.Println(figure.Of("MS", "anchor_caught_up_100k_leaves", []float64{millis(time.Since(start))}))
	return verification(newest, trust)
}

// verification times the offline check of one proof.
func verification(a anchor.Anchored, trust anchor.Trust) error {
	const rounds = 2000
	start := time.Now()
	for range rounds {
		if r := anchor.VerifyProof(a.Proof, a.Checkpoint, trust); !r.Consistent() {
			return fmt.Errorf("%s", r.Summary())
		}
	}
	each := time.Since(start) / rounds
	fmt.Println(figure.Of("BYTES", "anchor_proof_bytes", []float64{float64(len(a.Proof))}))
	fmt.Println(figure.Of("US", "anchor_verify", []float64{float64(each.Nanoseconds()) / 1000}))
	return nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
