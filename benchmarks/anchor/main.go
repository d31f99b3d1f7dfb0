// SPDX-License-Identifier: Apache-2.0

// Anchor measures anchoring on the embedded chain. It takes four seconds and
// prints a table of the contract's gas, then
//
//	RATIO anchor_gas_vs_transfer_at_1M_leaves  gas of an anchor over that of the cheapest transaction
//	MS anchor_to_proof               one anchor, from the call until its proof is stored
//	MS anchor_chain_opened_again     starting the chain again
//	MS anchor_caught_up_100k_leaves  the first anchor after that, of 100,000 new leaves
//	BYTES anchor_proof_bytes         size of one proof
//	US anchor_verify                 checking it offline
//
// Gas is exact and the same on every machine; docs/design/anchor.md has the table.
//
//	go run ./benchmarks/anchor
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

const logOrigin = "assay.bench/log"

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
	return measureAnchors(ctx, dir+"/time", anchors)
}

// measureAnchors anchors a growing log and prints how long each anchor took, and
// how long the first took after the chain had stopped and started.
func measureAnchors(ctx context.Context, dir string, anchors int) error {
	log := memlog.New(logOrigin)
	e, err := devchain.Start(ctx, dir, logOrigin, log, devchain.Config{}, anchor.Config{})
	if err != nil {
		return err
	}
	var millis []float64
	var newest anchor.Anchored
	for range anchors {
		log.Grow(1000)
		start := time.Now()
		if newest, err = e.Anchor.AnchorNow(ctx); err != nil {
			return err
		}
		millis = append(millis, figure.Milliseconds(time.Since(start)))
	}
	trust := e.Trust()
	if err := e.Close(); err != nil {
		return err
	}
	fmt.Println(figure.Of("MS", "anchor_to_proof", millis))

	start := time.Now()
	if e, err = devchain.Start(ctx, dir, logOrigin, log, devchain.Config{}, anchor.Config{}); err != nil {
		return err
	}
	defer e.Close()
	opened := time.Since(start)
	log.Grow(100_000)
	start = time.Now()
	if _, err := e.Anchor.AnchorNow(ctx); err != nil {
		return err
	}
	fmt.Println(figure.One("MS", "anchor_chain_opened_again", figure.Milliseconds(opened)))
	fmt.Println(figure.One("MS", "anchor_caught_up_100k_leaves", figure.Milliseconds(time.Since(start))))
	return measureVerification(newest, trust)
}

// measureVerification times the offline check of one proof.
func measureVerification(a anchor.Anchored, trust anchor.Trust) error {
	const rounds = 2000
	start := time.Now()
	for range rounds {
		if r := anchor.VerifyProof(a.Proof, a.Checkpoint, trust); !r.Consistent() {
			return fmt.Errorf("%s", r.Summary())
		}
	}
	each := time.Since(start) / rounds
	fmt.Println(figure.One("BYTES", "anchor_proof_bytes", float64(len(a.Proof))))
	fmt.Println(figure.One("US", "anchor_verify", float64(each.Nanoseconds())/1000))
	return nil
}
