// SPDX-License-Identifier: Apache-2.0

// Package journals runs journals for benchmarks, and makes the records that they
// append.
package journals

import (
	"context"
	"errors"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
)

// Run opens a journal in dir, calls do while it runs, and then stops it in
// order.
func Run(ctx context.Context, dir string, config journal.Config, do func(*journal.Journal) error) error {
	j, err := journal.Open(ctx, dir, config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- j.Run(ctx) }()
	err = do(j)
	cancel()
	return errors.Join(err, <-done, j.Close())
}

// Fill appends decisions until the journal has n records, so many at once, and
// waits until its log has published them.
func Fill(ctx context.Context, j *journal.Journal, n, atOnce int) error {
	for have := int(j.Stats().Durable); have < n; {
		var sequences []uint64
		var records []*journal.Record
		for range min(atOnce, n-have) {
			s := j.Take()
			sequences, records = append(sequences, s), append(records, DecisionRecord(s))
		}
		if _, err := j.AppendAll(ctx, sequences, records); err != nil {
			return err
		}
		have += len(sequences)
	}
	return j.WaitPublished(ctx, uint64(n))
}

// DecisionRecord is an ordinary decision of about the size that a server writes:
// 40 features, one rule, and 400 bytes of private values.
func DecisionRecord(sequence uint64) *journal.Record {
	x := assay.Vector{Plan: assay.Sum("plan\n"), Values: make([]float64, 40)}
	for i := range x.Values {
		x.Values[i] = float64(sequence%1000) * 0.37
	}
	d := assay.Decision{
		Version: 1, Sequence: sequence, RequestID: fmt.Sprintf("request-%016d", sequence),
		EventID: fmt.Sprintf("event-%016d", sequence), Micros: 1_700_000_000_000_000 + int64(sequence),
		Outcome: assay.Approve,
		Score:   assay.Score{Model: assay.Sum("model\n"), Margin: -1.5, PD: 0.18, Points: 612, Grade: "B"},
		Plan:    x.Plan, Policy: assay.Sum("policy\n"), Vector: x.Digest(), Rules: []string{"cut-off"},
	}
	b, err := d.MarshalBinary()
	if err != nil {
		panic(err) // the same decision always, but for its numbers
	}
	return &journal.Record{
		Kind: ledger.Decision, Micros: d.Micros, Subject: fmt.Sprintf("buyer-%d", sequence%20_000), Caller: "platform",
		RequestID: d.RequestID, Body: assay.Sum("b\n"), Model: d.Score.Model, Plan: d.Plan, Policy: d.Policy,
		Decision: b, Vector: x.AppendBinary(nil), Private: make([]byte, 400),
	}
}
