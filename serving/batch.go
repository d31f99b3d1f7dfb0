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
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

// ScoreBatch implements pb.ScoringServer, for whoever calls it with a message.
// The gRPC server itself goes through batchHandler, which decodes the rows into
// the nouns.
func (s *scoringServer) ScoreBatch(ctx context.Context, req *pb.ScoreBatchRequest) (*pb.ScoreBatchResponse, error) {
	batch := s.newRows()
	defer batch.put()
	for _, x := range req.Rows {
		if r := batch.next(); r != nil {
			r.ID, r.Model = x.GetRequestId(), x.GetModel()
			r.Err = wire.ReadEvent(&r.Event, x.GetEvent())
		}
	}
	if req.Arrow != nil {
		return s.batchArrow(ctx, callerOf(ctx).Name, len(req.Rows), req.Arrow)
	}
	if err := s.batch(ctx, callerOf(ctx).Name, batch, len(req.Rows)); err != nil {
		return nil, err
	}
	out := &pb.ScoreBatchResponse{Rows: make([]*pb.ScoreResponse, len(batch.all))}
	for i, c := range batch.all {
		if out.Rows[i] = s.refusal(c); c.Err == nil {
			out.Rows[i] = c.message()
		}
	}
	return out, nil
}

// batchArrow decides about an Arrow batch that came with so many rows beside it.
func (s *scoringServer) batchArrow(ctx context.Context, caller string, rows int,
	a *pb.ArrowBatch) (*pb.ScoreBatchResponse, error) {
	if rows > 0 {
		return nil, &assay.FieldError{Field: "arrow", Problem: "send rows or one Arrow batch, not both"}
	}
	return s.scoreArrow(ctx, caller, a)
}

// batch decides about rows, n of which came.
func (s *scoringServer) batch(ctx context.Context, caller string, batch *rows, n int) error {
	leave, err := s.admitBatch(ctx, caller, n)
	if err != nil {
		return err
	}
	defer leave()
	s.decideRows(ctx, pb.Scoring_ScoreBatch_FullMethodName, caller, batch.all)
	return nil
}

// admitBatch lets a batch of n rows in, or says why not, and waits for its turn;
// a batch of more rows than are worked on at once has its turn alone. Call
// leave when it is done.
func (s *Server) admitBatch(ctx context.Context, caller string, n int) (leave func(), err error) {
	if n == 0 || n > s.cfg.MaxBatchRows {
		return nil, &assay.FieldError{Field: "rows",
			Problem: fmt.Sprintf("%d rows, want 1 to %d (fixed in assayd)", n, s.cfg.MaxBatchRows)}
	}
	return s.engine.AdmitBatch(ctx, caller, n)
}

// decideRows decides about rows that have been decoded and admitted, in order.
func (s *Server) decideRows(ctx context.Context, method, caller string, calls []*call) {
	for _, c := range calls {
		s.acquireModel(c, caller, c.in.Model)
	}
	s.engine.DecideAll(ctx, engineRequests(calls))
	s.sayRows(method, caller, calls)
}

// batchReply encodes the answers to rows.
func (s *scoringServer) batchReply(calls []*call) (wire.Encoded, error) {
	room := 0
	for _, c := range calls {
		if c.Err == nil {
			r := c.reply()
			room += r.MaxRowSize()
		}
	}
	out := wire.NewReplies(room)
	for _, c := range calls {
		if c.Err != nil {
			if err := out.AddMessage(s.refusal(c)); err != nil {
				return wire.Encoded{}, err
			}
			continue
		}
		r := c.reply()
		out.Add(&r)
	}
	return out.Encoded(), nil
}

// refusal is the answer to a row that has an error.
func (s *Server) refusal(c *call) *pb.ScoreResponse {
	if c.Err == nil {
		return nil
	}
	// An id that is no UTF-8 would make the whole answer one that cannot be read.
	return &pb.ScoreResponse{RequestId: strings.ToValidUTF8(c.Key.RequestID, "\uFFFD"), Error: s.rowError(c.Err)}
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
	var retry *engine.RetryError
	if errors.As(err, &retry) {
		e.RetryAfter = durationpb.New(retry.After)
	}
	return e
}
