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
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

// scoringServer implements the Scoring service.
type scoringServer struct {
	pb.UnimplementedScoringServer
	*Server
}

// Score implements pb.ScoringServer, for whoever calls it with a message. The
// gRPC server itself goes through score, which has no message in between.
func (s *scoringServer) Score(ctx context.Context, req *pb.ScoreRequest) (*pb.ScoreResponse, error) {
	c := s.getCall()
	defer s.putCall(c)
	c.in.ID, c.in.Model = req.RequestId, req.Model
	c.in.Err = wire.ReadEvent(&c.in.Event, req.Event)
	if err := s.score(ctx, callerOf(ctx).Name, c); err != nil {
		return nil, err
	}
	return c.message(), nil
}

// score takes a request that has been decoded all the way.
func (s *scoringServer) score(ctx context.Context, caller string, c *call) error {
	if err := s.engine.Admit(caller, 1); err != nil {
		return err
	}
	defer s.engine.Done(1)
	if s.acquireModel(c, caller, c.in.Model); c.Err != nil {
		return c.Err
	}
	return s.engine.Decide(ctx, &c.Request)
}

// scoringOwn are the hot paths: the requests of Score, ScoreBatch and RecordBatch are decoded
// into the noun and answered from it.
func scoringOwn() map[string]grpc.MethodHandler {
	return map[string]grpc.MethodHandler{"Score": scoreHandler, "ScoreBatch": batchHandler,
		"RecordBatch": recordBatchHandler}
}

// scoreHandler is the gRPC handler of Score. It does what guard does
// by itself, with no context and no closure, and reads nothing of a caller that
// it does not know.
func scoreHandler(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (resp any,
	err error) {
	s := srv.(*scoringServer)
	var caller auth.Caller
	defer s.conclude(pb.Scoring_Score_FullMethodName, &caller, time.Now(), &resp, &err)
	caller, err = s.admitCaller(ctx, pb.Scoring_Score_FullMethodName)
	if err != nil {
		return nil, err
	}
	c := s.getCall()
	defer s.putCall(c)
	c.attempt.Message = &c.in
	if err := take(decode, &c.attempt); err != nil {
		return nil, err
	}
	if err := s.score(ctx, caller.Name, c); err != nil {
		return nil, err
	}
	r := c.reply()
	return r.Encode(), nil
}

// batchHandler is the gRPC handler of ScoreBatch.
func batchHandler(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (resp any,
	err error) {
	s := srv.(*scoringServer)
	var caller auth.Caller
	defer s.conclude(pb.Scoring_ScoreBatch_FullMethodName, &caller, time.Now(), &resp, &err)
	caller, err = s.admitCaller(ctx, pb.Scoring_ScoreBatch_FullMethodName)
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
		s.decideRows(ctx, pb.Scoring_ScoreBatch_FullMethodName, caller.Name, batch.all)
	} else if err := s.batch(ctx, caller.Name, batch, in.Rows); err != nil {
		return nil, err
	}
	return s.batchReply(batch.all)
}

// take decodes a request. Bytes that are no message are the caller's fault;
// decode's own error is what gRPC says of them, of their size say.
func take(decode func(any) error, a *wire.DecodeAttempt) error {
	if err := decode(a); err != nil {
		return err
	}
	var large *wire.TooLarge
	if errors.As(a.Err, &large) {
		return status.Errorf(codes.ResourceExhausted,
			"the message has %d bytes, which is larger than max-message (%d): "+
				"send smaller batches, or raise that setting of the server", large.Bytes, large.Limit)
	}
	if a.Err != nil {
		return &assay.FieldError{Field: "request", Problem: "is not a well-formed message"}
	}
	return nil
}

// Record implements pb.ScoringServer.
func (s *scoringServer) Record(ctx context.Context, req *pb.RecordRequest) (*pb.RecordResponse, error) {
	if err := s.engine.Admit(callerOf(ctx).Name, 1); err != nil {
		return nil, err
	}
	defer s.engine.Done(1)
	c := s.getCall()
	defer s.putCall(c)
	c.Fact = true
	c.Key = engine.Key{Caller: callerOf(ctx).Name, RequestID: req.RequestId}
	var err error
	if c.Model, err = s.engine.Acquire(""); err != nil {
		return nil, err
	}
	if err := wire.ReadEvent(&c.in.Event, req.Event); err != nil {
		return nil, err
	}
	if err := s.engine.Decide(ctx, &c.Request); err != nil {
		return nil, err
	}
	return c.recorded(), nil
}
