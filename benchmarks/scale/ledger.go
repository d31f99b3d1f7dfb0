// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/journals"
	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// measureLog proves that a log of growing size is an extension of a smaller one,
// and checks the proof, as an anchor's contract and a verifier do.
func measureLog(ctx context.Context, short bool) error {
	log := memlog.New("scale.example/log")
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range sizesToRun(short, 100_000, 1_000_000, 10_000_000) {
		log.Grow(n - int(log.Size()))
		to := log.Root(uint64(n))
		type grown struct {
			from uint64
			root assay.Digest
			path [][]byte
		}
		var cases []grown
		size := 0.0
		for range 64 {
			g := grown{from: 1 + r.Uint64N(uint64(n)-1)}
			g.root = log.Root(g.from)
			var err error
			if g.path, err = log.Consistency(ctx, g.from, uint64(n)); err != nil {
				return err
			}
			size += float64(len(g.path)*rfc6962.DefaultHasher.Size()) / 64
			cases = append(cases, g)
		}
		k := 0
		var failed error
		printFigure("US", "log_prove_consistency", n, toMicros(timeCalls(30*time.Millisecond, func() {
			k++
			if _, err := log.Consistency(ctx, cases[k%64].from, uint64(n)); err != nil {
				failed = err
			}
		}))...)
		printFigure("US", "log_verify_consistency", n, toMicros(timeCalls(30*time.Millisecond, func() {
			k++
			g := cases[k%64]
			if err := proof.VerifyConsistency(rfc6962.DefaultHasher, g.from, uint64(n), g.path,
				g.root[:], to[:]); err != nil {
				failed = err
			}
		}))...)
		if failed != nil {
			return failed
		}
		printFigure("BYTES", "receipt_consistency_proof", n, size)
	}
	return nil
}

func toMicros(ns []float64) []float64 {
	for i := range ns {
		ns[i] /= 1000
	}
	return ns
}

// measureJournal fills a journal on disk, and opens it again at each size.
func measureJournal(ctx context.Context, short bool) error {
	dir, err := os.MkdirTemp("", "assay-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	dir = filepath.Join(dir, "journal")
	config := journal.Config{Logger: slog.New(slog.DiscardHandler), Origin: "scale.example/log"}
	for _, n := range sizesToRun(short, 1_000, 10_000, 100_000, 300_000) {
		if err := journals.Run(ctx, dir, config, func(j *journal.Journal) error {
			return journals.Fill(ctx, j, n, 1000)
		}); err != nil {
			return err
		}
		var opened []float64
		for range 3 {
			start := time.Now()
			if err := journals.Run(ctx, dir, config, func(j *journal.Journal) error {
				opened = append(opened, figure.Milliseconds(time.Since(start)))
				if len(opened) < 3 {
					return nil
				}
				return timeReceipts(ctx, j, n)
			}); err != nil {
				return err
			}
		}
		printFigure("MS", "journal_open", n, opened...)
	}
	return nil
}

// timeReceipts makes and checks receipts of records from all parts of the journal.
func timeReceipts(ctx context.Context, j *journal.Journal, n int) error {
	r := rand.New(rand.NewPCG(2, 2))
	var making, checking []float64
	bytes := 0
	for range 200 {
		start := time.Now()
		rec, err := j.Receipt(ctx, r.Uint64N(uint64(n)))
		if err != nil {
			return err
		}
		making = append(making, figure.Milliseconds(time.Since(start)))
		b, err := ledger.MarshalReceipt(rec)
		if err != nil {
			return err
		}
		bytes += len(b)
		start = time.Now()
		if f := ledger.Verify(rec, ledger.Trust{LogKey: j.Key()}); !ledger.OK(f) {
			return fmt.Errorf("a receipt of %d records is refused: %v", n, f)
		}
		checking = append(checking, figure.Milliseconds(time.Since(start)))
	}
	printFigure("MS", "journal_make_a_receipt", n, making...)
	printFigure("MS", "journal_verify_a_receipt", n, checking...)
	printFigure("BYTES", "receipt_whole_receipt", n, float64(bytes)/200)
	return nil
}
