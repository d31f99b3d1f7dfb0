// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/wire"
)

// scoring implements the Scoring service.
type scoring struct {
	pb.UnimplementedScoringServer
	*Server
}

// Score implements pb.ScoringServer, for whoever calls it with a message. The
// gRPC server itself goes through score, which has no message in between.
func (s *scoring) Score(ctx context.Context, req *pb.ScoreRequest) (*pb.ScoreResponse, error) {
	w := s.engine.get()
	defer s.engine.put(w)
	w.req.ID, w.req.Model = req.RequestId, req.Model
	w.req.Err = wire.ReadEvent(&w.req.Event, req.Event)
	if err := s.score(ctx, callerOf(ctx).Name, w); err != nil {
		return nil, err
	}
	return w.message(), nil
}

// score takes a request that has been decoded all the way.
func (s *scoring) score(ctx context.Context, caller string, w *work) error {
	if err := s.engine.admit(caller, 1); err != nil {
		return err
	}
	defer s.engine.done(1)
	w.key = requestKey{caller, w.req.ID}
	if w.req.Err != nil {
		return w.req.Err
	}
	var err error
	if w.model, err = s.engine.acquire(w.req.Model); err != nil {
		return err
	}
	return s.engine.decide(ctx, w)
}

// scoringOwn are the hot paths: the requests of Score, ScoreBatch and RecordBatch are decoded
// into the noun and answered from it.
func scoringOwn() map[string]grpc.MethodHandler {
	return map[string]grpc.MethodHandler{"Score": scoreHandler, "ScoreBatch": batchHandler, "RecordBatch": recordBatchHandler}
}

// scoreHandler is the gRPC handler of Score. It does what guard does
// by itself, with no context and no closure, and reads nothing of a caller that
// it does not know.
func scoreHandler(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (resp any, err error) {
	s := srv.(*scoring)
	var caller auth.Caller
	defer s.conclude(pb.Scoring_Score_FullMethodName, &caller, time.Now(), &resp, &err)
	caller, err = s.admitCaller(ctx, pb.Scoring_Score_FullMethodName)
	if err != nil {
		return nil, err
	}
	w := s.engine.get()
	defer s.engine.put(w)
	w.attempt.Message = &w.req
	if err := take(decode, &w.attempt); err != nil {
		return nil, err
	}
	if err := s.score(ctx, caller.Name, w); err != nil {
		return nil, err
	}
	r := w.reply()
	return r.Encode(), nil
}

// batchHandler is the gRPC handler of ScoreBatch.
func batchHandler(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (resp any, err error) {
	s := srv.(*scoring)
	var caller auth.Caller
	defer s.conclude(pb.Scoring_ScoreBatch_FullMethodName, &caller, time.Now(), &resp, &err)
	caller, err = s.admitCaller(ctx, pb.Scoring_ScoreBatch_FullMethodName)
	if err != nil {
		return nil, err
	}
	ws := s.newRows()
	defer ws.put()
	var leave func()
	var refused error
	in := wire.Batch{Next: ws.next, Admit: func(n int) bool {
		leave, refused = s.admitBatch(ctx, caller.Name, n)
		return refused == nil
	}}
	defer func() { // also when decoding panics
		if leave != nil {
			leave()
		}
	}()
	err = take(decode, &wire.Attempt{Message: &in})
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
		s.decideRows(ctx, pb.Scoring_ScoreBatch_FullMethodName, caller.Name, ws.all)
	} else if err := s.batch(ctx, caller.Name, ws, in.Rows); err != nil {
		return nil, err
	}
	return s.batchReply(ws.all)
}

// take decodes a request. Bytes that are no message are the caller's fault;
// decode's own error is what gRPC says of them, of their size say.
func take(decode func(any) error, a *wire.Attempt) error {
	if err := decode(a); err != nil {
		return err
	}
	var large *wire.TooLarge
	if errors.As(a.Err, &large) {
		return status.Errorf(codes.ResourceExhausted, "the message has %d bytes, which is larger than max-message (%d): "+
			"send smaller batches, or raise that setting of the server", large.Bytes, large.Limit)
	}
	if a.Err != nil {
		return &assay.FieldError{Field: "request", Problem: "is not a well-formed message"}
	}
	return nil
}

// Record implements pb.ScoringServer.
func (s *scoring) Record(ctx context.Context, req *pb.RecordRequest) (*pb.RecordResponse, error) {
	if err := s.engine.admit(callerOf(ctx).Name, 1); err != nil {
		return nil, err
	}
	defer s.engine.done(1)
	w := s.engine.get()
	defer s.engine.put(w)
	w.record = true
	w.key = requestKey{callerOf(ctx).Name, req.RequestId}
	var err error
	if w.model, err = s.engine.acquire(""); err != nil {
		return nil, err
	}
	if err := wire.ReadEvent(&w.req.Event, req.Event); err != nil {
		return nil, err
	}
	if err := s.engine.decide(ctx, w); err != nil {
		return nil, err
	}
	return w.recorded(), nil
}
