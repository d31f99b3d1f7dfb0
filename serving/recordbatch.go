// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc"

	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/wire"
)

// RecordBatch implements pb.ScoringServer, for whoever calls it with a message.
// The gRPC server itself goes through recordBatchHandler, which decodes the rows
// into the nouns.
func (s *scoringServer) RecordBatch(ctx context.Context, req *pb.RecordBatchRequest) (*pb.RecordBatchResponse, error) {
	batch := s.newRows()
	defer batch.put()
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
	return s.recordRows(ctx, callerOf(ctx).Name, batch.all), nil
}

// recordBatchHandler is the gRPC handler of RecordBatch: batchHandler's twin. A
// row of the message has the encoding of a ScoreRequest that names no model, so
// that the same decoder reads it, with the same bounds.
func recordBatchHandler(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (resp any,
	err error) {
	s := srv.(*scoringServer)
	var caller auth.Caller
	defer s.conclude(pb.Scoring_RecordBatch_FullMethodName, &caller, time.Now(), &resp, &err)
	caller, err = s.admitCaller(ctx, pb.Scoring_RecordBatch_FullMethodName)
	if err != nil {
		return nil, err
	}
	batch := s.newRows()
	defer batch.put()
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
	err = take(decode, &wire.DecodeAttempt{Message: &in})
	if refused == nil && err == nil && leave == nil {
		leave, refused = s.admitBatch(ctx, caller.Name, in.Rows)
	}
	switch {
	case refused != nil:
		return nil, refused
	case err != nil:
		return nil, err
	}
	return s.recordRows(ctx, caller.Name, batch.all), nil
}

// recordRows takes note of facts that have been decoded and admitted, in order.
func (s *Server) recordRows(ctx context.Context, caller string, calls []*call) *pb.RecordBatchResponse {
	for _, c := range calls {
		c.Fact = true
		s.acquireModel(c, caller, "")
	}
	s.engine.DecideAll(ctx, engineRequests(calls))
	s.sayRows(pb.Scoring_RecordBatch_FullMethodName, caller, calls)
	out := &pb.RecordBatchResponse{Rows: make([]*pb.RecordResponse, len(calls))}
	for i, c := range calls {
		if c.Err != nil {
			// An id that is no UTF-8 would make the whole answer one that cannot be read.
			out.Rows[i] = &pb.RecordResponse{RequestId: strings.ToValidUTF8(c.Key.RequestID, "\uFFFD"),
				Error: s.rowError(c.Err)}
			continue
		}
		out.Rows[i] = c.recorded()
	}
	return out
}
