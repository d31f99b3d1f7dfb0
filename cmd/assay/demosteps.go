// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/cmd/internal/forgery"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report"
	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/training"
)

// demoTime is the event time of the first test row; each later row comes one
// second after.
var demoTime = time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC)

// score asks for a decision about every test row over the connection.
func (d *demo) score(ctx context.Context) error {
	d.Step("score %d rows over gRPC, each durable before its reply", len(d.test.Rows))
	rows := make([]assayclient.Request, len(d.test.Rows))
	for i, r := range d.test.Rows {
		id := fmt.Sprintf("loan-%04d", r+1)
		ev, err := d.scorer.Plan.EventOf(d.table.Frame.Record, r, id, demoTime.Add(time.Duration(i)*time.Second))
		if err != nil {
			return err
		}
		rows[i] = assayclient.Request{ID: id, Event: &ev}
	}
	started := time.Now()
	var err error
	if d.decisions, err = scoreAll(ctx, d.client, rows, func(n int) {
		d.Progress("%d of %d", n, len(rows))
	}); err != nil {
		return err
	}
	d.sum.Decisions = len(d.decisions)
	d.Done("%.0f decisions a second, each with a signed promise", float64(len(rows))/time.Since(started).Seconds())
	return nil
}

// scoreAll asks for all decisions with as many requests in flight as a busy
// platform would have.
func scoreAll(ctx context.Context, c *assayclient.Client, rows []assayclient.Request,
	progress func(done int)) ([]*assayclient.Decision, error) {
	const inFlight = 64
	out := make([]*assayclient.Decision, len(rows))
	var next, done atomic.Int64
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for range inFlight {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(rows) {
					return nil
				}
				d, err := c.Score(ctx, rows[i].ID, rows[i].Event)
				if err != nil {
					return err
				}
				out[i] = d
				n := int(done.Add(1))
				mu.Lock()
				progress(n)
				mu.Unlock()
			}
		})
	}
	return out, g.Wait()
}

// anchor waits until the log has published the decisions and anchors it.
func (d *demo) anchor(ctx context.Context) (err error) {
	d.Step("publish the log and anchor its checkpoint by a transaction")
	last := uint64(0)
	for _, x := range d.decisions {
		last = max(last, x.Sequence)
	}
	if err := d.node.Journal.WaitPublished(ctx, last+1); err != nil {
		return err
	}
	if d.anchored, err = d.node.Chain.Anchor.AnchorNow(ctx); err != nil {
		return err
	}
	d.sum.CheckpointSize, d.sum.AnchorTx, d.sum.ChainID = d.anchored.Checkpoint.Size, d.anchored.Tx.String(),
		d.node.Chain.Trust.ChainID
	d.Done("%d leaves under one root, transaction %s", d.sum.CheckpointSize, d.anchored.Tx)
	return nil
}

// fetch gets every receipt, keeps it, and verifies it from its file alone.
func (d *demo) fetch(ctx context.Context) error {
	d.Step("fetch %d receipts and verify each with the network off", len(d.decisions))
	trust := d.node.Trust()
	for i, x := range d.decisions {
		r, err := d.client.Receipt(ctx, x.Sequence)
		if err != nil {
			return err
		}
		b, err := json.MarshalIndent(r, "", " ")
		if err != nil {
			return err
		}
		path := filepath.Join(d.dir, "receipts", fmt.Sprintf("%d.json", x.Sequence))
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			return err
		}
		if r, err = readReceipt(path); err != nil {
			return err
		}
		v := verdict.Verify(b, trust)
		if !v.OK || v.Level != verdict.Logged {
			return fmt.Errorf("receipt %d does not verify: %s", x.Sequence, v.RefusalReason())
		}
		d.receipts = append(d.receipts, r)
		d.Progress("%d of %d", i+1, len(d.decisions))
	}
	d.sum.ReceiptsVerified = len(d.receipts)
	d.Done("all hold")
	return nil
}

// evaluate writes the report, which compares the server's margins with the
// offline ones.
func (d *demo) evaluate(ctx context.Context) (err error) {
	d.Step("evaluate on the %d rows, next to a logistic scorecard", len(d.test.Rows))
	e := training.Evaluation{Scorer: d.scorer, Test: d.test, Train: d.train, Purpose: demoPurpose,
		OutOfFold: d.outOfFold}
	e.ServedBy = "the replies of the running server"
	for _, x := range d.decisions {
		e.Served = append(e.Served, x.Score.Margin)
	}
	e.Ledger = &report.Ledger{
		Facts: []report.Fact{
			{Name: "Log", Value: d.node.Journal.Origin()},
			{Name: "Checkpoint", Value: fmt.Sprintf("%d leaves", d.sum.CheckpointSize)},
			{Name: "Transaction", Value: d.sum.AnchorTx}, {Name: "Chain", Value: fmt.Sprint(d.sum.ChainID)},
			{Name: "Contract", Value: d.node.Chain.Trust.Contract.String()},
		},
		Note: "The chain is the embedded one, run by whoever ran this program. Its anchors are not vouched for: they " +
			"prove nothing to anybody else.",
	}
	in, err := e.Input(ctx, d.ui)
	if err != nil {
		return err
	}
	if d.report, err = report.Build(ctx, *in); err != nil {
		return err
	}
	if err := writeReport(filepath.Join(d.dir, "report"), d.report); err != nil {
		return err
	}
	r := d.report
	d.sum.AUC, d.sum.KS, d.sum.Brier, d.sum.LogLoss = float64(r.AUC), float64(r.KS),
		float64(r.Brier), float64(r.LogLoss)
	for _, c := range in.Challenger {
		if c.Name == "logistic scorecard" {
			curve, err := eval.NewCurve(in.Label, c.Score)
			if err != nil {
				return err
			}
			d.sum.AUCBaseline = curve.AUC()
		}
	}
	d.Done("AUC %.4f, scorecard %.4f", d.sum.AUC, d.sum.AUCBaseline)
	return nil
}

const demoPurpose = "Decides on consumer loan applications: the probability that the borrower defaults, from what " +
	"the application says."

// refusal is a forgery and why it was refused.
type refusal struct{ name, why string }

// tamper tries every forgery on every receipt; one that passes, or fails at
// another step than it should, ends the demo.
func (d *demo) tamper(context.Context) error {
	all := forgery.All()
	d.Step("try %d forgeries on each receipt", len(all))
	for _, f := range all {
		var why string
		for _, good := range d.receipts {
			r, t, err := forgery.Clone(good, d.node.Trust())
			if err != nil {
				return err
			}
			if err := f.Do(r, &t); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
			v, err := verifyReceipt(r, t)
			if err != nil {
				return err
			}
			if v.OK {
				return fmt.Errorf("%s: the receipt still verifies: %w", f.Name, assay.ErrCorrupt)
			}
			if why = v.RefusalReason(); !strings.HasPrefix(why, f.Step) {
				return fmt.Errorf("%s: refused for another reason than it should: %s", f.Name, why)
			}
			d.sum.TamperedRefused++
		}
		d.refusals = append(d.refusals, refusal{f.Name, why})
	}
	d.Done("%d refused, each for the right reason", d.sum.TamperedRefused)
	return nil
}
