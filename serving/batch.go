// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"strings"
	"time"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/wire"
	"google.golang.org/grpc"
)

// ScoreBatch implements pb.ScoringServer, for callers in Go. The gRPC server calls
// batchHandler, which decodes the rows without messages in between.
func (s *scoringServer) ScoreBatch(ctx context.Context, req *pb.ScoreBatchRequest) (*pb.ScoreBatchResponse, error) {
	batch := s.newBatchRows()
	defer batch.release()
	for _, x := range req.Rows {
		if r := batch.next(); r != nil {
			r.ID, r.Model = x.GetRequestId(), x.GetModel()
			r.Err = wire.ReadEvent(&r.Event, x.GetEvent())
		}
	}
	if req.Arrow != nil {
		return s.batchArrow(ctx, callerOf(ctx).Name, len(req.Rows), req.Arrow)
	}
	if err := s.decideBatch(ctx, callerOf(ctx).Name, batch, len(req.Rows)); err != nil {
		return nil, err
	}
	out := &pb.ScoreBatchResponse{Rows: make([]*pb.ScoreResponse, len(batch.calls))}
	for i, c := range batch.calls {
		if out.Rows[i] = s.rowRefusal(c); c.Err == nil {
			out.Rows[i] = c.scoreResponse()
		}
	}
	return out, nil
}

// batchArrow decides an Arrow batch. rows is how many other rows the message has:
// there must be none.
func (s *scoringServer) batchArrow(ctx context.Context, caller string, rows int,
	a *pb.ArrowBatch) (*pb.ScoreBatchResponse, error) {
	if rows > 0 {
		return nil, &assay.FieldError{Field: "arrow", Problem: "send rows or one Arrow batch, not both"}
	}
	return s.scoreArrow(ctx, caller, a)
}

// decideBatch admits and decides the rows of a batch; n is how many the message
// has, of which the batch may hold fewer.
func (s *scoringServer) decideBatch(ctx context.Context, caller string, batch *batchRows, n int) error {
	leave, err := s.admitBatch(ctx, caller, n)
	if err != nil {
		return err
	}
	defer leave()
	s.decideRows(ctx, pb.Scoring_ScoreBatch_FullMethodName, caller, batch.calls)
	return nil
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
			if err := out.AddMessage(s.rowRefusal(c)); err != nil {
				return wire.Encoded{}, err
			}
			continue
		}
		r := c.reply()
		out.Add(&r)
	}
	return out.Encoded(), nil
}

// batchHandler is the gRPC handler of ScoreBatch.
func batchHandler(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (resp any,
	err error) {
	s := srv.(*scoringServer)
	var caller auth.Caller
	defer s.finishUnary(pb.Scoring_ScoreBatch_FullMethodName, &caller, time.Now(), &resp, &err)
	caller, err = s.authorize(ctx, pb.Scoring_ScoreBatch_FullMethodName)
	if err != nil {
		return nil, err
	}
	batch := s.newBatchRows()
	defer batch.release()
	var leave func()
	var refused error
	in := wire.Batch{Next: batch.next, Admit: func(n int) bool {
		leave, refused = s.admitBatch(ctx, caller.Name, n)
		return refused == nil
	}}
	defer func() { // also when decoding panics
		if leave != nil {
			leave()
		}
	}()
	err = decodeRequest(decode, &wire.DecodeAttempt{Message: &in})
	switch {
	case refused != nil:
		return nil, refused
	case err != nil:
		return nil, err
	}
	if in.Arrow != nil {
		m, err := s.batchArrow(ctx, caller.Name, in.Rows, in.Arrow)
		if err != nil {
			return nil, err
		}
		return wire.EncodedMessage(m)
	}
	if leave != nil {
		s.decideRows(ctx, pb.Scoring_ScoreBatch_FullMethodName, caller.Name, batch.calls)
	} else if err := s.decideBatch(ctx, caller.Name, batch, in.Rows); err != nil {
		return nil, err
	}
	return s.batchReply(batch.calls)
}

// RecordBatch implements pb.ScoringServer, for callers in Go. The gRPC server calls
// recordBatchHandler, which decodes the rows without messages in between.
func (s *scoringServer) RecordBatch(ctx context.Context, req *pb.RecordBatchRequest) (*pb.RecordBatchResponse, error) {
	batch := s.newBatchRows()
	defer batch.release()
	for _, x := range req.Rows {
		if r := batch.next(); r != nil {
			r.ID = x.GetRequestId()
			r.Err = wire.ReadEvent(&r.Event, x.GetEvent())
		}
	}
	leave, err := s.admitBatch(ctx, callerOf(ctx).Name, len(req.Rows))
	if err != nil {
		return nil, err
	}
	defer leave()
	return s.recordRows(ctx, callerOf(ctx).Name, batch.calls), nil
}

// recordBatchHandler is the gRPC handler of RecordBatch. A row of the message has
// the encoding of a ScoreRequest that names no model, so the same decoder reads it,
// with the same bounds.
func recordBatchHandler(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (resp any,
	err error) {
	s := srv.(*scoringServer)
	var caller auth.Caller
	defer s.finishUnary(pb.Scoring_RecordBatch_FullMethodName, &caller, time.Now(), &resp, &err)
	caller, err = s.authorize(ctx, pb.Scoring_RecordBatch_FullMethodName)
	if err != nil {
		return nil, err
	}
	batch := s.newBatchRows()
	defer batch.release()
	var leave func()
	var refused error
	in := wire.Batch{Next: batch.next, Admit: func(n int) bool {
		leave, refused = s.admitBatch(ctx, caller.Name, n)
		return refused == nil
	}}
	defer func() { // also when decoding panics
		if leave != nil {
			leave()
		}
	}()
	err = decodeRequest(decode, &wire.DecodeAttempt{Message: &in})
	if refused == nil && err == nil && leave == nil {
		leave, refused = s.admitBatch(ctx, caller.Name, in.Rows)
	}
	switch {
	case refused != nil:
		return nil, refused
	case err != nil:
		return nil, err
	}
	return s.recordRows(ctx, caller.Name, batch.calls), nil
}

// recordRows records facts that have been decoded and admitted, in order.
func (s *Server) recordRows(ctx context.Context, caller string, calls []*call) *pb.RecordBatchResponse {
	for _, c := range calls {
		c.Fact = true
		s.acquireModel(c, caller, "")
	}
	s.engine.DecideAll(ctx, engineRequests(calls))
	s.logRefusedRows(pb.Scoring_RecordBatch_FullMethodName, caller, calls)
	out := &pb.RecordBatchResponse{Rows: make([]*pb.RecordResponse, len(calls))}
	for i, c := range calls {
		if c.Err != nil {
			// An id that is not UTF-8 would make the whole answer unreadable.
			out.Rows[i] = &pb.RecordResponse{RequestId: strings.ToValidUTF8(c.Key.RequestID, "\uFFFD"),
				Error: s.rowError(c.Err)}
			continue
		}
		out.Rows[i] = c.recordResponse()
	}
	return out
}
