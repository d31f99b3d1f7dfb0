// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay/training"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/eval"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// recordedByServer makes the report and has the running server record its
// digest. The receipt, which the log's next checkpoint completes, lies beside
// the report.
func (f *evaluateFlags) recordedByServer(ctx context.Context, u *ui, e *training.Evaluation,
	in *eval.Input) (*eval.Report, uint64, error) {
	in.Ledger = &eval.Ledger{
		Facts: []eval.Fact{
			{Name: "Recorded by", Value: "the running server at " + f.server},
			{Name: "Recorded there",
				Value: "the SHA-256 of report.json and of report.html, under the digests of the model and the plan"},
			{Name: "Receipt",
				Value: reportReceipt +
					" beside this file; assay evaluate --check DIR --trust FILE compares it with both files"},
		},
		Note: "A report that was changed, or made again with kinder rows, has another digest than the one in the " +
			"log; the log's order says which came first.",
	}
	c, err := dialServer(f.server, f.serverCA)
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	r, err := f.make(ctx, u, in)
	if err != nil {
		return nil, 0, err
	}
	u.Step("record the report's digest")
	report, html, err := digests(f.out)
	if err != nil {
		return nil, 0, err
	}
	model, plan := e.Scorer.Bundle.Digest, e.Scorer.Plan.Digest()
	id := assay.Sum("assay/report/request/v1", report[:], html[:]) // asked again, the same report is the same record
	reply, err := pb.NewAdminClient(c.Conn()).RecordReport(ctx, &pb.RecordReportRequest{
		RequestId: id.String(), ReportDigest: report[:], DataDigest: e.Test.Frame.Digest[:], Rows: uint64(r.N),
		Name: htmlMark + html.String(), ModelDigest: model[:], PlanDigest: plan[:],
	})
	if err != nil {
		return nil, 0, fmt.Errorf("%s did not record the report: %w", f.server, err)
	}
	receipt, err := c.Receipt(ctx, reply.Sequence)
	if err != nil {
		return nil, 0, fmt.Errorf("record %d is made; its receipt is not there yet: %w", reply.Sequence, err)
	}
	u.Done("record %d of the server at %s", reply.Sequence, f.server)
	return r, reply.Sequence, f.writeReceipt(u, receipt)
}
