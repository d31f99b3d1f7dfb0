// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/memlog"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// logSize proves that a log of growing size grew from a smaller one, and
// checks the proof, as an anchor's contract and a verifier do.
func logSize(ctx context.Context, short bool) error {
	log := memlog.New("scale.example/log")
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range upTo(short, 100_000, 1_000_000, 10_000_000) {
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
		say("US", "log_prove_consistency", n, micros(repeat(30*time.Millisecond, func() {
			k++
			if _, err := log.Consistency(ctx, cases[k%64].from, uint64(n)); err != nil {
				failed = err
			}
		}))...)
		say("US", "log_verify_consistency", n, micros(repeat(30*time.Millisecond, func() {
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
		say("BYTES", "receipt_consistency_proof", n, size)
	}
	return nil
}

func micros(ns []float64) []float64 {
	for i := range ns {
		ns[i] /= 1000
	}
	return ns
}

// journalSize fills a journal on disk, and opens it again at each size.
func journalSize(ctx context.Context, short bool) error {
	dir, err := os.MkdirTemp("", "assay-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	dir = filepath.Join(dir, "journal")
	for _, n := range upTo(short, 1_000, 10_000, 100_000, 300_000) {
		if err := with(ctx, dir, func(j *journal.Journal, _ time.Duration) error {
			return fill(ctx, j, n)
		}); err != nil {
			return err
		}
		var opened []float64
		for range 3 {
			if err := with(ctx, dir, func(j *journal.Journal, took time.Duration) error {
				opened = append(opened, float64(took.Microseconds())/1000)
				if len(opened) < 3 {
					return nil
				}
				return proveSome(ctx, j, n)
			}); err != nil {
				return err
			}
		}
		say("MS", "journal_open", n, opened...)
	}
	return nil
}

// with runs fn on an open, running journal; took is how long opening took.
func with(ctx context.Context, dir string, fn func(j *journal.Journal, took time.Duration) error) error {
	start := time.Now()
	j, err := journal.Open(ctx, dir, journal.Config{Logger: slog.New(slog.DiscardHandler), Origin: "scale.example/log"})
	if err != nil {
		return err
	}
	took := time.Since(start)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	err = fn(j, took)
	cancel()
	return errors.Join(err, <-done, j.Close())
}

// fill appends decisions until there are n records, and waits for the log.
func fill(ctx context.Context, j *journal.Journal, n int) error {
	for have := int(j.Stats().Durable); have < n; {
		var seqs []uint64
		var recs []*journal.Record
		for range min(1000, n-have) {
			s := j.Take()
			r, err := record(s)
			if err != nil {
				return err
			}
			seqs, recs = append(seqs, s), append(recs, r)
		}
		if _, err := j.AppendAll(ctx, seqs, recs); err != nil {
			return err
		}
		have += len(seqs)
	}
	return j.WaitPublished(ctx, uint64(n))
}

// proveSome makes and checks receipts of records all over the journal.
func proveSome(ctx context.Context, j *journal.Journal, n int) error {
	r := rand.New(rand.NewPCG(2, 2))
	var makeIt, check []float64
	bytes := 0
	for range 200 {
		start := time.Now()
		rec, err := j.Receipt(ctx, r.Uint64N(uint64(n)))
		if err != nil {
			return err
		}
		makeIt = append(makeIt, float64(time.Since(start).Nanoseconds())/1e6)
		b, err := ledger.MarshalReceipt(rec)
		if err != nil {
			return err
		}
		bytes += len(b)
		start = time.Now()
		if f := ledger.Verify(rec, ledger.Trust{LogKey: j.Key()}); !ledger.OK(f) {
			return fmt.Errorf("a receipt of %d records is refused: %v", n, f)
		}
		check = append(check, float64(time.Since(start).Nanoseconds())/1e6)
	}
	say("MS", "journal_make_a_receipt", n, makeIt...)
	say("MS", "journal_verify_a_receipt", n, check...)
	say("BYTES", "receipt_whole_receipt", n, float64(bytes)/200)
	return nil
}

// record makes a decision of about the size that the server writes.
func record(seq uint64) (*journal.Record, error) {
	x := assay.Vector{Plan: assay.Sum("plan\n"), Values: make([]float64, 40)}
	for i := range x.Values {
		x.Values[i] = float64(seq%1000) / 8
	}
	d := assay.Decision{
		Version: 1, Sequence: seq, RequestID: fmt.Sprintf("request-%016d", seq),
		EventID: fmt.Sprintf("event-%016d", seq),
		Micros:  1_700_000_000_000_000 + int64(seq), Outcome: assay.Review,
		Score: assay.Score{Model: assay.Sum("model\n"), Margin: -1.25, PD: 0.22, Points: 590, Grade: "B"},
		Plan:  x.Plan, Policy: assay.Sum("policy\n"), Vector: x.Digest(), Rules: []string{"cut-off"},
	}
	b, err := d.MarshalBinary()
	return &journal.Record{
		Kind: ledger.Decision, Micros: d.Micros, Subject: fmt.Sprintf("B-%05d", seq%10_000), Caller: "scale",
		RequestID: d.RequestID,
		Body:      d.Vector, Model: d.Score.Model, Plan: d.Plan, Policy: d.Policy, Decision: b,
		Vector:  x.AppendBinary(nil),
		Private: make([]byte, 400),
	}, err
}
