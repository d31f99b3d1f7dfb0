// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models/eval/report"
	"github.com/assayrisk/assay/models/eval/report/document"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/training"
)

// reportReceipt is the file next to a report that proves what was recorded.
const reportReceipt = "report.receipt.json"

// htmlMark is written before the page's digest in a record, so that the record
// covers the page that people read as well as the numbers.
const htmlMark = "report.html SHA-256 "

// recordInJournal makes the report while a stopped server's journal is open, and
// records its digest there. The report names the log; its receipt is a file
// next to it.
func (f *evaluateFlags) recordInJournal(ctx context.Context, u *ui, e *training.Evaluation,
	in *report.Input) (r *document.Report, seq uint64, err error) {
	if _, err := os.Stat(filepath.Join(f.ledger, "journal")); err != nil {
		return nil, 0, fmt.Errorf("%s holds no journal: name the directory that a server worked in, with --ledger: %w",
			f.ledger, err)
	}
	cfg, end, err := f.parts.open()
	if err != nil {
		return nil, 0, err
	}
	defer end()
	err = journal.With(ctx, f.ledger, cfg,
		func(j *journal.Journal) error {
			in.Ledger = &report.Ledger{
				Facts: []report.Fact{
					{Name: "Log", Value: j.Origin()}, {Name: "Log's key", Value: j.Key()},
					{Name: "Recorded there",
						Value: "the SHA-256 of report.json and of report.html, under the digests of the model and " +
							"the plan"},
					{Name: "Receipt",
						Value: reportReceipt +
							" next to this file; assay evaluate --check DIR compares it with both files"},
				},
				Note: "A report that was changed, or made again with kinder rows, has another digest than the one in " +
					"the " +
					"log; the log's order says which came first.",
			}
			if r, err = f.buildReport(ctx, u, in); err != nil {
				return err
			}
			u.Step("record the report's digest")
			digest, html, err := reportDigests(f.out)
			if err != nil {
				return err
			}
			note := journal.ReportNote{Report: digest, Data: e.Test.Frame.Digest, Rows: uint64(r.N),
				Name: htmlMark + html.String()}
			if seq, _, err = j.AppendReport(ctx, note, e.Scorer.Bundle.Digest, e.Scorer.Plan.Digest()); err != nil {
				return err
			}
			if err := j.WaitPublished(ctx, seq+1); err != nil {
				return err
			}
			receipt, err := j.Receipt(ctx, seq)
			if err != nil {
				return err
			}
			u.Done("record %d of %s", seq, j.Origin())
			return f.writeReceipt(u, receipt)
		})
	return r, seq, err
}

func (f *evaluateFlags) writeReceipt(u *ui, receipt *assay.Receipt) error {
	return writeFile(u, filepath.Join(f.out, reportReceipt), func(w io.Writer) error {
		b, err := json.MarshalIndent(receipt, "", " ")
		if err == nil {
			_, err = w.Write(append(b, '\n'))
		}
		return err
	})
}

// reportDigests returns the SHA-256 of report.json and of report.html.
func reportDigests(dir string) (report, html assay.Digest, err error) {
	for name, d := range map[string]*assay.Digest{"report.json": &report, "report.html": &html} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return report, html, err
		}
		*d = sha256.Sum256(b)
	}
	return report, html, nil
}

// checkReport verifies the receipt next to a report, with the network off, and
// compares both of the report's files with what was recorded.
func checkReport(u *ui, dir, trust string) error {
	path := filepath.Join(dir, reportReceipt)
	if err := verifyFile(u, path, verifyFlags{trust: trust}); err != nil {
		return err
	}
	r, err := readReceipt(path)
	if err != nil {
		return err
	}
	leaf, err := ledger.ParseLeaf(r.Leaf)
	if err != nil {
		return err
	}
	if leaf.Kind != ledger.Report {
		return fmt.Errorf("%w: %s is the receipt of a record of kind %s, not of a report",
			assay.ErrInvalid, path, leaf.Kind)
	}
	var note journal.ReportNote
	if err := assay.UnmarshalCBOR(r.Decision, &note); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	report, html, err := reportDigests(dir)
	if err != nil {
		return err
	}
	page, ok := strings.CutPrefix(note.Name, htmlMark)
	for _, f := range []struct {
		name string
		same bool
	}{{"report.json", report == note.Report}, {"report.html", ok && page == html.String()}} {
		if !f.same {
			return fmt.Errorf("%w: %s is not the file that record %d is of: it was changed or swapped",
				assay.ErrCorrupt, filepath.Join(dir, f.name), r.Index)
		}
		u.printf("%s  %-16s the SHA-256 that record %d holds\n", u.green("proven "), f.name, r.Index)
	}
	u.printf("model %s, plan %s\n", leaf.Model, leaf.Plan)
	return nil
}

// recordAtServer makes the report and has the running server record its
// digest. The receipt, which the log's next checkpoint completes, is a file
// next to the report.
func (f *evaluateFlags) recordAtServer(ctx context.Context, u *ui, e *training.Evaluation,
	in *report.Input) (*document.Report, uint64, error) {
	in.Ledger = &report.Ledger{
		Facts: []report.Fact{
			{Name: "Recorded by", Value: "the running server at " + f.server},
			{Name: "Recorded there",
				Value: "the SHA-256 of report.json and of report.html, under the digests of the model and the plan"},
			{Name: "Receipt",
				Value: reportReceipt +
					" next to this file; assay evaluate --check DIR --trust FILE compares it with both files"},
		},
		Note: "A report that was changed, or made again with kinder rows, has another digest than the one in the " +
			"log; the log's order says which came first.",
	}
	c, err := dialServer(f.server, f.serverCA)
	if err != nil {
		return nil, 0, err
	}
	defer c.Close()
	r, err := f.buildReport(ctx, u, in)
	if err != nil {
		return nil, 0, err
	}
	u.Step("record the report's digest")
	report, html, err := reportDigests(f.out)
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
