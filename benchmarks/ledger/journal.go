// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// with runs fn on a running journal in dir, then stops it in order.
func with(ctx context.Context, dir string, fn func(j *journal.Journal) error) error {
	j, err := journal.Open(ctx, dir, journal.Config{Logger: quiet(), Origin: "bench.example/log"})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	err = fn(j)
	cancel()
	return errors.Join(err, <-done, j.Close())
}

// measureJournal appends ready records; making them is the caller's work.
func measureJournal(ctx context.Context, dir string, workers int, length time.Duration) (r result, err error) {
	// The directory stays until the end of the run: ext4 passes over inodes that
	// were deleted in the last minutes one by one, which would make each file of
	// the next measurement's log dearer than it is.
	recs := make([]*journal.Record, 1<<14)
	for i := range recs {
		recs[i] = record(uint64(i))
	}
	err = with(ctx, dir, func(j *journal.Journal) error {
		r, err = load(workers, length, func() error {
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
		r.allIn = float64(n) / (r.took + r.lag).Seconds()
		r.allInCPU = r.cpu + (cpu()-used)/time.Duration(n)
		return err
	})
	return r, err
}

// storedSize is what one record takes in the store: leaf, sealed part, index
// entry and their keys.
func storedSize(ctx context.Context, dir string) (n int, err error) {
	err = with(ctx, dir, func(j *journal.Journal) error {
		if _, err := j.Append(ctx, j.Take(), record(0)); err != nil {
			return err
		}
		n, err = j.StoredBytes(0)
		return err
	})
	return n + 9 + 17 + 8, err
}

// receipts measures the offline check, receipt size and disk per record.
func receipts(ctx context.Context, dir string) error {
	const n = 50_000
	return with(ctx, dir, func(j *journal.Journal) error {
		seqs := make([]uint64, 0, 500)
		recs := make([]*journal.Record, 0, 500)
		for len := 0; len < n; len += 500 {
			seqs, recs = seqs[:0], recs[:0]
			for range 500 {
				s := j.Take()
				seqs, recs = append(seqs, s), append(recs, record(s))
			}
			if _, err := j.AppendAll(ctx, seqs, recs); err != nil {
				return err
			}
		}
		if err := j.WaitPublished(ctx, n); err != nil {
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
		const times = 5
		for range times {
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
		checked := time.Since(t) / 200 / times
		fmt.Printf("# receipts of a log of %d, without anchors\n", n)
		fmt.Println(figure.Of("BYTES", "receipt_bytes", []float64{float64(len(files[0]))}))
		fmt.Println(figure.Of("US", "receipt_make", []float64{float64(made.Microseconds())}))
		fmt.Println(figure.Of("US", "receipt_check", []float64{float64(checked.Microseconds())}))
		for _, d := range []string{"journal", "log"} {
			size, err := tree(filepath.Join(dir, d))
			if err != nil {
				return err
			}
			fmt.Println(figure.Of("BYTES", "disk_"+d+"_a_decision", []float64{float64(size) / n}))
		}
		return nil
	})
}

// tree sums the sizes of the files below a directory.
func tree(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i, err := d.Info()
		if err == nil {
			n += i.Size()
		}
		return err
	})
	return n, err
}
