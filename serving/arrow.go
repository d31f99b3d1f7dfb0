// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/internal/arrowsafe"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

// unpackedBound is how much memory the buffers of a batch of n bytes may take:
// compressed buffers grow, and several buffers may share bytes.
func unpackedBound(n int) int64 { return 16<<20 + 4*int64(n) }

// readRecord reads an Arrow IPC stream of exactly one record batch, and returns the
// columns that can be read and the schema of all. The bytes come from outside:
// lengths and offsets in them are checked before the Arrow library uses them, and
// since the library may still panic, every failure becomes a FieldError.
func readRecord(b []byte, maxRows int) (rec arrow.Record, schema *arrow.Schema, err error) {
	bad := func(problem string) error { return &assay.FieldError{Field: "arrow.ipc", Problem: problem} }
	defer func() {
		if r := recover(); r != nil {
			rec, schema, err = nil, nil, bad("is not a well-formed Arrow IPC stream")
		}
	}()
	limit := unpackedBound(len(b))
	r, err := arrowsafe.NewReader(bytes.NewReader(b), int64(len(b)), false,
		&arrowsafe.Budget{Buffer: limit, Total: limit})
	if err != nil {
		return nil, nil, bad("is not an Arrow IPC stream: " + err.Error())
	}
	defer r.Release()
	schema = r.Schema()
	if n := schema.NumFields(); n > assay.MaxFields {
		return nil, nil, bad(fmt.Sprintf("holds %d columns, at most %d are allowed (fixed)", n, assay.MaxFields))
	}
	if rec, err = r.Read(); err != nil {
		return nil, nil, bad(fmt.Sprintf("holds no record batch that can be read within %d bytes of memory", limit))
	}
	if n := rec.NumRows(); n < 1 || n > int64(maxRows) {
		rec.Release()
		return nil, nil, bad(fmt.Sprintf("holds %d rows, want 1 to %d (fixed in assayd)", n, maxRows))
	}
	if _, err := r.Read(); !errors.Is(err, io.EOF) {
		rec.Release()
		return nil, nil, bad("holds more than one record batch: send one a call")
	}
	return rec, schema, nil
}

// scoreArrow decides the rows of one record batch.
func (s *Server) scoreArrow(ctx context.Context, caller string, a *pb.ArrowBatch) (*pb.ScoreBatchResponse, error) {
	if err := engine.CheckRequestID(a.RequestId); err != nil {
		return nil, err
	}
	var at time.Time // zero: the plan's time column
	var err error
	if a.Time != nil {
		if at, err = wire.ReadTime("arrow.time", a.Time); err != nil {
			return nil, err
		}
	}
	rec, schema, err := readRecord(a.Ipc, s.cfg.MaxBatchRows)
	if err != nil {
		return nil, err
	}
	defer rec.Release()
	n := int(rec.NumRows())
	leave, err := s.admitBatch(ctx, caller, n)
	if err != nil {
		return nil, err
	}
	defer leave()
	batch := s.newBatchRows()
	defer batch.release()
	read := &arrowRows{rec: rec, schema: schema}
	for i := range n {
		batch.next()
		c := batch.calls[i]
		id := a.RequestId + "/" + strconv.Itoa(i)
		c.Key = engine.Key{Caller: caller, RequestID: id}
		if c.Model, c.Err = s.engine.Acquire(a.Model); c.Err == nil {
			c.Err = read.event(c, i, id, a.Kind, at)
		}
	}
	s.engine.DecideAll(ctx, engineRequests(batch.calls))
	s.logRefusedRows(pb.Scoring_ScoreBatch_FullMethodName, caller, batch.calls)
	return s.arrowReply(batch.calls)
}

// arrowRows reads the rows of one record batch. Its columns must be exactly those
// of the model's plan. A swap in the middle of a batch gives later rows another
// model.
type arrowRows struct {
	rec    arrow.Record
	schema *arrow.Schema // of all columns of the batch
	model  *engine.Model
	rows   *features.Rows
	err    error
}

// event makes the event of one row.
func (a *arrowRows) event(c *call, i int, id, kind string, at time.Time) (err error) {
	defer func() {
		if r := recover(); r != nil { // offsets that point outside their buffer
			err = &assay.FieldError{Field: "arrow.ipc", Problem: "row " + strconv.Itoa(i) + " cannot be read"}
		}
	}()
	if a.model != c.Model {
		a.model = c.Model
		a.rows, a.err = planRows(c.Model.Plan, a.rec, a.schema)
	}
	if a.err != nil {
		return a.err
	}
	if c.received.Event, err = a.rows.Event(i, id, at); err == nil && kind != "" {
		c.received.Event.Kind = kind
	}
	return err
}

// planRows checks a batch's columns against the plan.
func planRows(p *features.Plan, rec arrow.Record, schema *arrow.Schema) (*features.Rows, error) {
	if unknown := p.UnknownColumns(schema); len(unknown) > 0 {
		return nil, &assay.FieldError{Field: unknown[0],
			Problem: "the plan does not know this column" + p.Nearest(unknown[0])}
	}
	for _, f := range schema.Fields() {
		if _, unread := f.Type.(*arrowsafe.Unread); unread {
			return nil, &assay.FieldError{Field: f.Name,
				Problem: fmt.Sprintf("a column of type %s cannot be read: send numbers, "+
					"texts, flags or times", f.Type)}
		}
	}
	if missing := p.MissingColumns(rec); len(missing) > 0 {
		return nil, &assay.FieldError{Field: missing[0],
			Problem: "the table has no such column: add it, with nulls where a value is missing; the plan may " +
				"declare it `optional: true`"}
	}
	return p.Rows(rec)
}

// arrowReply puts the answers to the rows into one record batch.
func (s *Server) arrowReply(calls []*call) (*pb.ScoreBatchResponse, error) {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "sequence", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
		{Name: "outcome", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "pd", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "margin", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "points", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "grade", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "decision", Type: arrow.BinaryTypes.Binary, Nullable: true},
		{Name: "promise", Type: arrow.BinaryTypes.Binary, Nullable: true},
		{Name: "error", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "late_us", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, c := range calls {
		if c.Err != nil {
			for c := range 8 {
				b.Field(c).AppendNull()
			}
			e := s.rowError(c.Err)
			b.Field(8).(*array.StringBuilder).Append(e.Message)
			b.Field(9).AppendNull()
			continue
		}
		d := &c.Decision
		b.Field(0).(*array.Uint64Builder).Append(c.Sequence)
		b.Field(1).(*array.StringBuilder).Append(d.Outcome.String())
		b.Field(2).(*array.Float64Builder).Append(d.Score.PD)
		b.Field(3).(*array.Float64Builder).Append(d.Score.Margin)
		b.Field(4).(*array.Float64Builder).Append(d.Score.Points)
		b.Field(5).(*array.StringBuilder).Append(d.Score.Grade)
		b.Field(6).(*array.BinaryBuilder).Append(c.Canonical)
		b.Field(7).(*array.BinaryBuilder).Append(c.Promise)
		b.Field(8).AppendNull()
		if c.Late.IsLate() {
			b.Field(9).(*array.Int64Builder).Append(c.Late.Behind.Microseconds())
		} else {
			b.Field(9).AppendNull()
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	var buf bytes.Buffer
	wr := ipc.NewWriter(&buf, ipc.WithSchema(schema))
	if err := wr.Write(rec); err != nil {
		return nil, err
	}
	if err := wr.Close(); err != nil {
		return nil, err
	}
	return &pb.ScoreBatchResponse{ArrowIpc: buf.Bytes()}, nil
}
