// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
)

// RecordReport implements pb.AdminServer.
func (a *admin) RecordReport(ctx context.Context, req *pb.RecordReportRequest) (*pb.RecordReportResponse, error) {
	n := journal.ReportNote{Version: 1, Rows: req.Rows, Name: req.Name}
	c := callerOf(ctx)
	rec := journal.Record{Caller: c.Name, RequestID: req.RequestId}
	for _, f := range []struct {
		name     string
		from     []byte
		to       *assay.Digest
		required bool
	}{
		{"report_digest", req.ReportDigest, &n.Report, true}, {"data_digest", req.DataDigest, &n.Data, false},
		{"model_digest", req.ModelDigest, &rec.Model, false}, {"plan_digest", req.PlanDigest, &rec.Plan, false},
	} {
		if len(f.from) == 0 && !f.required {
			continue
		}
		if len(f.from) != len(f.to) {
			return nil, &assay.FieldError{Field: f.name,
				Problem: fmt.Sprintf("must have %d bytes: it is a SHA-256", len(f.to))}
		}
		*f.to = assay.Digest(f.from)
	}
	if n.Report == (assay.Digest{}) {
		return nil, &assay.FieldError{Field: "report_digest", Problem: "must not be zero"}
	}
	if len(req.Name) > journal.MaxReportName {
		return nil, &assay.FieldError{Field: "name", Problem: fmt.Sprintf("at most %d bytes", journal.MaxReportName)}
	}
	if err := engine.CheckText("name", req.Name); err != nil {
		return nil, err
	}
	note, err := assay.MarshalCBOR(&n)
	if err != nil {
		return nil, err
	}
	rec.Body = assay.Sum(engine.BodyTag, []byte("report\n"), rec.Model[:], rec.Plan[:], note)
	a.mu.Lock()
	defer a.mu.Unlock()
	seq, done, err := a.lookupAct(ctx, req.RequestId, rec.Body)
	if err != nil {
		return nil, err
	}
	if !done {
		if seq, _, err = a.cfg.Journal.AppendReportAs(ctx, n, rec); err != nil {
			return nil, err
		}
		a.log.Info("admin", "act", "report", "by", callerOf(ctx).Name, "report", n.Report.Short(), "sequence", seq)
	}
	p, err := a.cfg.Journal.Promise(ctx, seq)
	if err != nil {
		return nil, err
	}
	return &pb.RecordReportResponse{Sequence: seq, Promise: p.AppendBinary(nil)}, nil
}
