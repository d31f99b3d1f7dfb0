// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/numfmt"
)

// print shows what the demo did and what was proven, and by whom.
func (d *demo) print(addr string) {
	s := &d.sum
	line := func(name, format string, args ...any) {
		d.printf("  %s  "+format+"\n", append([]any{d.faint(pad(name, 12))}, args...)...)
	}
	d.printf("\n%s\n", d.bold("A credit model on real loans, served and proven"))
	d.printf("\n%s\n", d.bold("Model"))
	line("data", "credit_data: %d rows trained on, %d held out", s.RowsTrain, s.RowsTest)
	auc, _ := d.report.Metric("auc")
	line("AUC", "%s  (95 %%: %.3f to %.3f);  logistic scorecard %.4f", d.bold(fixed(s.AUC, 4)), auc.Low,
		auc.High, s.AUCBaseline)
	line("KS", "%.3f   Brier %.4f   log-loss %.4f", s.KS, s.Brier, s.LogLoss)
	line("model", "%s", d.scorer.Bundle.Digest)

	d.printf("\n%s\n", d.bold("Decisions"))
	counts := map[assay.Outcome]int{}
	for _, x := range d.decisions {
		counts[x.Outcome]++
	}
	line("scored", "%d over gRPC on %s: %d approved, %d to review, %d declined", s.Decisions, addr,
		counts[assay.Approve], counts[assay.Review], counts[assay.Decline])
	if x := d.worstDecision(); x != nil {
		line("for example", "%s: %s at a PD of %s, because", x.EventID, x.Outcome, numfmt.Share(x.Score.PD))
		for _, r := range x.Reasons {
			line("", "%s  %s", r.Code, r.Text)
		}
	}

	d.printf("\n%s\n", d.bold("Proof"))
	line("promised", "each reply carried a promise signed by the log's key, and was durable before it")
	line("included", "%d leaves under one signed checkpoint", s.CheckpointSize)
	line("sent", "to the embedded chain in transaction %s", s.AnchorTx)
	line("", "chain %d, contract %s", s.ChainID, d.node.Chain.Trust.Contract)
	line("verified", "%s of %d receipts, with the network off", d.green(fixed(float64(s.ReceiptsVerified), 0)),
		s.Decisions)
	line("by whom", "the log's key alone. The anchors are %s: whoever runs this program runs",
		d.bold("not vouched for"))
	line("", "the chain, too. A chain that others run, and whose seals or blocks you pin, is proof.")

	d.printf("\n%s\n", d.bold("Forgeries refused"))
	for _, r := range d.refusals {
		line("", "%s %s", d.red("✗"), r.name)
		line("", "  %s", d.faint(clip(r.why, 96)))
	}
	d.printf("\n%s\n", d.bold("Left for you"))
	line("report", "%s", filepath.Join(d.dir, "report", "report.html"))
	line("bundle", "%s", filepath.Join(d.dir, "bundle"))
	line("a receipt", "assay verify %s", filepath.Join(d.dir, "receipts", "1.json"))
	d.printf("\n%.1f s in all\n", s.Seconds)
}

// worstDecision returns the declined decision with the highest PD.
func (d *demo) worstDecision() *assay.Decision {
	var worst *assay.Decision
	for _, x := range d.decisions {
		if x.Outcome == assay.Decline && len(x.Reasons) > 0 && (worst == nil || x.Score.PD > worst.Score.PD) {
			worst = &x.Decision
		}
	}
	return worst
}

func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-len([]rune(s)))) }

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
