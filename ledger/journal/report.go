// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// MaxReportName bounds ReportNote.Name.
const MaxReportName = 256

// ReportNote is the opening of a report's leaf, in deterministic CBOR: whoever has
// the report can show that this one was recorded, and when.
type ReportNote struct {
	Version uint8        `cbor:"0,keyasint"` // 1
	Report  assay.Digest `cbor:"1,keyasint"` // SHA-256 of the report's bytes
	Data    assay.Digest `cbor:"2,keyasint"` // of the data that it was made from; zero if unknown
	Rows    uint64       `cbor:"3,keyasint"`
	Name    string       `cbor:"4,keyasint"` // name of the report, such as its file's; at most MaxReportName bytes
}

// AppendReport records that an evaluation report was made of the model and the
// plan with these digests.
func (j *Journal) AppendReport(
	ctx context.Context, n ReportNote, model, plan assay.Digest,
) (seq uint64, p ledger.Promise, err error) {
	return j.AppendReportAs(ctx, n, Record{Model: model, Plan: plan})
}

// AppendReportAs is AppendReport for a caller's request: it takes Caller,
// RequestID, Body, Model, Plan and Policy from r, so that Lookup finds the record.
func (j *Journal) AppendReportAs(
	ctx context.Context, n ReportNote, r Record,
) (seq uint64, p ledger.Promise, err error) {
	if n.Version == 0 {
		n.Version = 1
	}
	switch {
	case n.Version != 1:
		err = fmt.Errorf("version %d, this program writes version 1", n.Version)
	case n.Report == (assay.Digest{}):
		err = fmt.Errorf("the report's digest is zero")
	case len(n.Name) > MaxReportName:
		err = fmt.Errorf("its name has %d bytes, at most %d are allowed", len(n.Name), MaxReportName)
	}
	if err != nil {
		return 0, p, fmt.Errorf("report: %w: %w", err, assay.ErrInvalid)
	}
	if err := j.Ready(); err != nil {
		return 0, p, err
	}
	text, err := assay.MarshalCBOR(&n)
	if err != nil {
		return 0, p, fmt.Errorf("report: %w", err)
	}
	seq, micros := j.TakeAt()
	p, err = j.Append(ctx, seq, &Record{Kind: ledger.Report, Micros: micros, Decision: text,
		Caller: r.Caller, RequestID: r.RequestID, Body: r.Body, Model: r.Model, Plan: r.Plan, Policy: r.Policy})
	return seq, p, err
}
