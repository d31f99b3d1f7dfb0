// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestRecordReport: a report's digest becomes a record that its promise and its
// receipt prove, once for each request id, after a restart too.
func TestRecordReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := start(t, dir, Config{})
	adm := pb.NewAdminClient(n.client.Conn())
	report, data, model, plan := assay.Sum("report"), assay.Sum("data"), assay.Sum("model"), assay.Sum("plan")
	req := &pb.RecordReportRequest{RequestId: "r", ReportDigest: report[:], DataDigest: data[:], Rows: 12,
		Name: "report.json", ModelDigest: model[:], PlanDigest: plan[:]}
	first, err := adm.RecordReport(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ledger.ParseKey(n.journal.Key())
	if err != nil {
		t.Fatal(err)
	}
	p, err := ledger.ParsePromise(first.Promise)
	if err != nil || p.Sequence != first.Sequence || p.Verify(key) != nil {
		t.Fatalf("the promise %+v, %v, for record %d", p, err, first.Sequence)
	}
	rec, err := n.journal.Get(first.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	var note journal.ReportNote
	if err := assay.UnmarshalCBOR(rec.Decision, &note); err != nil {
		t.Fatal(err)
	}
	if want := (journal.ReportNote{Version: 1, Report: report, Data: data, Rows: 12, Name: "report.json"}); note !=
		want || rec.Kind != ledger.Report || rec.Model != model || rec.Plan != plan {
		t.Errorf("record %+v with %+v, want %+v", rec, note, want)
	}
	receipt, err := n.client.Receipt(t.Context(), first.Sequence)
	if err != nil {
		t.Fatal(err)
	}
	if fs := ledger.Verify(receipt, ledger.Trust{LogKey: n.journal.Key()}); !ledger.OK(fs) {
		t.Errorf("the receipt: %v", fs)
	}
	n.stop()
	n = start(t, dir, Config{})
	adm = pb.NewAdminClient(n.client.Conn())
	if again, err := adm.RecordReport(t.Context(), req); err != nil || again.Sequence != first.Sequence {
		t.Errorf("the same request after a restart: %v, %v, want record %d", again, err, first.Sequence)
	}
	for name, c := range map[string]struct {
		change func(*pb.RecordReportRequest)
		want   codes.Code
	}{
		"another body":  {func(r *pb.RecordReportRequest) { r.Rows++ }, codes.AlreadyExists},
		"another model": {func(r *pb.RecordReportRequest) { r.ModelDigest = data[:] }, codes.AlreadyExists},
		"no report":     {func(r *pb.RecordReportRequest) { r.ReportDigest = nil }, codes.InvalidArgument},
		"a zero report": {func(r *pb.RecordReportRequest) {
			r.ReportDigest = make([]byte, 32)
		}, codes.InvalidArgument},
		"a short digest": {func(r *pb.RecordReportRequest) { r.DataDigest = data[:31] }, codes.InvalidArgument},
		"no request id":  {func(r *pb.RecordReportRequest) { r.RequestId = "" }, codes.InvalidArgument},
		"a name too long": {func(r *pb.RecordReportRequest) {
			r.Name = string(make([]byte, 257))
		}, codes.InvalidArgument},
		"only the report": {func(r *pb.RecordReportRequest) {
			*r = pb.RecordReportRequest{RequestId: "s", ReportDigest: report[:]}
		}, codes.OK},
		"the same, anew": {func(r *pb.RecordReportRequest) { r.RequestId = "t" }, codes.OK},
		"plan of 33 bytes": {func(r *pb.RecordReportRequest) {
			r.PlanDigest = append(plan[:], 0)
		}, codes.InvalidArgument},
	} {
		r := proto.Clone(req).(*pb.RecordReportRequest)
		c.change(r)
		if _, err := adm.RecordReport(t.Context(), r); status.Code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
