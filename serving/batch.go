// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/wire"
)

// ScoreBatch implements pb.ScoringServer, for whoever calls it with a message.
// The gRPC server itself goes through batchHandler, which decodes the rows into
// the nouns.
func (s *scoring) ScoreBatch(ctx context.Context, req *pb.ScoreBatchRequest) (*pb.ScoreBatchResponse, error) {
	ws := s.newRows()
	defer ws.put()
	for _, x := range req.Rows {
		if r := ws.next(); r != nil {
			r.ID, r.Model = x.GetRequestId(), x.GetModel()
			r.Err = wire.ReadEvent(&r.Event, x.GetEvent())
		}
	}
	if req.Arrow != nil {
		return s.batchArrow(ctx, callerOf(ctx).Name, len(req.Rows), req.Arrow)
	}
	if err := s.batch(ctx, callerOf(ctx).Name, ws, len(req.Rows)); err != nil {
		return nil, err
	}
	out := &pb.ScoreBatchResponse{Rows: make([]*pb.ScoreResponse, len(ws.all))}
	for i, w := range ws.all {
		if out.Rows[i] = s.refusal(w); w.err == nil {
			out.Rows[i] = w.message()
		}
	}
	return out, nil
}

// batchArrow decides about an Arrow batch that came with so many rows beside it.
func (s *scoring) batchArrow(ctx context.Context, caller string, rows int, a *pb.ArrowBatch) (*pb.ScoreBatchResponse, error) {
	if rows > 0 {
		return nil, &assay.FieldError{Field: "arrow", Problem: "send rows or one Arrow batch, not both"}
	}
	return s.scoreArrow(ctx, caller, a)
}

// batch decides about rows, n of which came.
func (s *scoring) batch(ctx context.Context, caller string, ws *rows, n int) error {
	leave, err := s.admitBatch(ctx, caller, n)
	if err != nil {
		return err
	}
	defer leave()
	s.decideRows(ctx, pb.Scoring_ScoreBatch_FullMethodName, caller, ws.all)
	return nil
}

// rowsAtOnce is how many rows of batches are worked on at once for each
// processor. Between its decoding and its durable record a row takes eight
// kilobytes; with fewer under way a row costs less processor time (measured
// with 6,400 rows of 64 callers waiting, on two processors).
const rowsAtOnce = 256

// admitBatch lets a batch of n rows in, or says why not, and waits for its turn;
// a batch of more rows than are worked on at once has its turn alone. Call
// leave when it is done.
func (s *Server) admitBatch(ctx context.Context, caller string, n int) (leave func(), err error) {
	if n == 0 || n > s.cfg.MaxBatchRows {
		return nil, &assay.FieldError{Field: "rows", Problem: fmt.Sprintf("%d rows, want 1 to %d (fixed in assayd)", n, s.cfg.MaxBatchRows)}
	}
	if err := s.engine.admit(caller, n); err != nil {
		return nil, err
	}
	share := int64(min(n, s.engine.atOnce))
	if !s.engine.turns.TryAcquire(share) {
		if err := s.engine.turns.Acquire(ctx, share); err != nil {
			s.engine.done(n)
			return nil, err
		}
	}
	return func() {
		s.engine.turns.Release(share)
		s.engine.done(n)
	}, nil
}

// decideRows decides about rows that have been decoded and admitted, in order.
func (s *Server) decideRows(ctx context.Context, method, caller string, ws []*work) {
	for _, w := range ws {
		w.key = requestKey{caller, w.req.ID}
		if w.err = w.req.Err; w.err == nil {
			w.model, w.err = s.engine.acquire(w.req.Model)
		}
	}
	s.engine.decideAll(ctx, ws)
	s.sayRows(method, caller, ws)
}

// batchReply encodes the answers to rows.
func (s *scoring) batchReply(ws []*work) (wire.Encoded, error) {
	room := 0
	for _, w := range ws {
		if w.err == nil {
			r := w.reply()
			room += r.Bound()
		}
	}
	out := wire.NewReplies(room)
	for _, w := range ws {
		if w.err != nil {
			if err := out.AddMessage(s.refusal(w)); err != nil {
				return wire.Encoded{}, err
			}
			continue
		}
		r := w.reply()
		out.Add(&r)
	}
	return out.Encoded(), nil
}

// rows are the works of one batch.
type rows struct {
	engine *engine
	limit  int
	all    []*work
}

func (s *Server) newRows() *rows { return &rows{engine: s.engine, limit: s.cfg.MaxBatchRows} }

// next gives the memory of another row, nil when there are enough.
func (r *rows) next() *wire.Request {
	if len(r.all) == r.limit {
		return nil
	}
	w := r.engine.get()
	r.all = append(r.all, w)
	return &w.req
}

// put gives all of it back.
func (r *rows) put() {
	for _, w := range r.all {
		r.engine.put(w)
	}
	r.all = nil
}

// refusal is the answer to a row that has an error.
func (s *Server) refusal(w *work) *pb.ScoreResponse {
	if w.err == nil {
		return nil
	}
	// An id that is no UTF-8 would make the whole answer one that cannot be read.
	return &pb.ScoreResponse{RequestId: strings.ToValidUTF8(w.key.id, "\uFFFD"), Error: s.rowError(w.err)}
}

// rowError is the status table for one row.
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
	var retry *retryError
	if errors.As(err, &retry) {
		e.RetryAfter = durationpb.New(retry.after)
	}
	return e
}
