// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/journals"
	"github.com/assayrisk/assay/benchmarks/internal/usage"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// withJournal runs a journal in dir.
func withJournal(ctx context.Context, dir string, do func(j *journal.Journal) error) error {
	return journals.Run(ctx, dir, journal.Config{Logger: discardLogger(), Origin: "bench.example/log"}, do)
}

// readyRecords are records that writers append again and again, so that making
// them is not measured.
func readyRecords() []*journal.Record {
	recs := make([]*journal.Record, 1<<14)
	for i := range recs {
		recs[i] = journals.DecisionRecord(uint64(i))
	}
	return recs
}

// measureJournal appends records from so many writers.
func measureJournal(ctx context.Context, dir string, writers int, length time.Duration) (r result, err error) {
	// The directory is kept until the end of the run: ext4 skips inodes that were
	// deleted in the last minutes one by one, which would make each file of the
	// next measurement's log more expensive than it is.
	recs := readyRecords()
	err = withJournal(ctx, dir, func(j *journal.Journal) error {
		r, err = runWriters(writers, length, func() error {
			seq := j.Take()
			_, err := j.Append(ctx, seq, recs[seq%uint64(len(recs))])
			return err
		})
		if err != nil {
			return err
		}
		t, used, n := time.Now(), cpu(), j.Stats().Durable
		err = j.WaitPublished(ctx, n)
		r.lag = time.Since(t)
		r.allInRate = float64(n) / (r.took + r.lag).Seconds()
		r.allInCPU = r.cpu + (cpu()-used)/time.Duration(n)
		return err
	})
	return r, err
}

// storedSize is the size of one record in the store: leaf, sealed part, index
// entry and their keys.
func storedSize(ctx context.Context, dir string) (n int, err error) {
	err = withJournal(ctx, dir, func(j *journal.Journal) error {
		if _, err := j.Append(ctx, j.Take(), journals.DecisionRecord(0)); err != nil {
			return err
		}
		n, err = j.StoredBytes(0)
		return err
	})
	return n + 9 + 17 + 8, err
}

// measureReceipts measures making and checking receipts, their size, and the
// disk that a record takes.
func measureReceipts(ctx context.Context, dir string) error {
	const n = 50_000
	return withJournal(ctx, dir, func(j *journal.Journal) error {
		if err := journals.Fill(ctx, j, n, 500); err != nil {
			return err
		}
		var files [][]byte
		t := time.Now()
		for i := range 200 {
			r, err := j.Receipt(ctx, uint64(i*n/200))
			if err != nil {
				return err
			}
			b, err := ledger.MarshalReceipt(r)
			if err != nil {
				return err
			}
			files = append(files, b)
		}
		made := time.Since(t) / 200
		trust := ledger.Trust{LogKey: j.Key()}
		t = time.Now()
		const rounds = 5
		for range rounds {
			for _, b := range files {
				r, err := ledger.ParseReceipt(b)
				if err != nil {
					return err
				}
				if fs := ledger.Verify(r, trust); !ledger.OK(fs) {
					return fmt.Errorf("a receipt was refused: %v", fs)
				}
			}
		}
		checked := time.Since(t) / 200 / rounds
		fmt.Printf("# receipts of a log of %d decisions, without anchors\n", n)
		fmt.Println(figure.One("BYTES", "receipt_bytes", float64(len(files[0]))))
		fmt.Println(figure.One("US", "receipt_make", float64(made.Microseconds())))
		fmt.Println(figure.One("US", "receipt_check", float64(checked.Microseconds())))
		for _, d := range []string{"journal", "log"} {
			size, err := usage.Disk(filepath.Join(dir, d))
			if err != nil {
				return err
			}
			fmt.Println(figure.One("BYTES", "disk_"+d+"_a_decision", float64(size)/n))
		}
		return nil
	})
}
