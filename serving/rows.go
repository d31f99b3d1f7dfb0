// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

// batchRows are the calls of one batch.
type batchRows struct {
	server *Server
	calls  []*call
}

func (s *Server) newBatchRows() *batchRows { return &batchRows{server: s} }

// next returns the memory for another row, nil when the batch may have no more.
func (r *batchRows) next() *wire.Request {
	if len(r.calls) == r.server.cfg.MaxBatchRows {
		return nil
	}
	c := r.server.getCall()
	r.calls = append(r.calls, c)
	return &c.received
}

// release returns all memory to the pool.
func (r *batchRows) release() {
	for _, c := range r.calls {
		r.server.putCall(c)
	}
	r.calls = nil
}

// engineRequests are the engine's parts of calls.
func engineRequests(calls []*call) []*engine.Request {
	rs := make([]*engine.Request, len(calls))
	for i, c := range calls {
		rs[i] = &c.Request
	}
	return rs
}

// admitBatch admits a batch of n rows and waits for its turn, as
// engine.AdmitBatch says. Call leave when the batch is done.
func (s *Server) admitBatch(ctx context.Context, caller string, n int) (leave func(), err error) {
	if n == 0 || n > s.cfg.MaxBatchRows {
		return nil, &assay.FieldError{Field: "rows",
			Problem: fmt.Sprintf("%d rows, want 1 to %d (fixed in assayd)", n, s.cfg.MaxBatchRows)}
	}
	return s.engine.AdmitBatch(ctx, caller, n)
}

// decideRows decides rows that have been decoded and admitted, in order.
func (s *Server) decideRows(ctx context.Context, method, caller string, calls []*call) {
	for _, c := range calls {
		s.acquireModel(c, caller, c.received.Model)
	}
	s.engine.DecideAll(ctx, engineRequests(calls))
	s.logRefusedRows(method, caller, calls)
}

// maxReasons bounds the codes and fields in a line about rows.
const maxReasons = 8

// logRefusedRows logs one line about the refused rows of a batch, or of the rows of
// a stream that were decided together: how many, by code and field.
func (s *Server) logRefusedRows(method, caller string, calls []*call) {
	type reason struct{ code, field string }
	var counts map[reason]int
	rows := 0
	for _, c := range calls {
		if c.Err == nil {
			continue
		}
		code, _ := classify(c.Err)
		if !isRefusal(code) {
			continue
		}
		if counts == nil {
			counts = map[reason]int{}
		}
		rows++
		counts[reason{code.String(), s.knownField(c.Err)}]++
	}
	if rows == 0 {
		return
	}
	reasons := slices.SortedFunc(maps.Keys(counts), func(a, b reason) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a.code, b.code), strings.Compare(a.field, b.field))
	})
	var why []string
	said := 0
	for _, of := range reasons[:min(len(reasons), maxReasons)] {
		said += counts[of]
		why = append(why, strings.TrimSuffix(fmt.Sprintf("%d %s %s", counts[of], of.code, of.field), " "))
	}
	if rest := rows - said; rest > 0 {
		why = append(why, fmt.Sprintf("%d others", rest))
	}
	s.refusals.logLine("rows were refused", caller,
		[]any{"method", method, "caller", caller, "rows", len(calls), "refused", rows, "why", strings.Join(why, ", ")})
}

// rowRefusal is the answer to a row that has an error; nil if it has none.
func (s *Server) rowRefusal(c *call) *pb.ScoreResponse {
	if c.Err == nil {
		return nil
	}
	// An id that is not UTF-8 would make the whole answer unreadable.
	return &pb.ScoreResponse{RequestId: strings.ToValidUTF8(c.Key.RequestID, "\uFFFD"), Error: s.rowError(c.Err)}
}

// rowError is the error of one row, by the status table.
func (s *Server) rowError(err error) *pb.RowError {
	code, words := classify(err)
	if code == codes.Internal {
		s.log.Error("internal error", "method", "row", "error", err)
	}
	e := &pb.RowError{Code: int32(code), Message: words}
	var field *assay.FieldError
	if code == codes.InvalidArgument && errors.As(err, &field) {
		e.Field = field.Field
	}
	var retry *engine.RetryError
	if errors.As(err, &retry) {
		e.RetryAfter = durationpb.New(retry.After)
	}
	return e
}
