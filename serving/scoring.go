// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"time"

	"google.golang.org/grpc"

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

// Score implements pb.ScoringServer, for callers in Go. The gRPC server calls
// scoreHandler, which decodes the request without a message in between.
func (s *scoringServer) Score(ctx context.Context, req *pb.ScoreRequest) (*pb.ScoreResponse, error) {
	c := s.getCall()
	defer s.putCall(c)
	c.received.ID, c.received.Model = req.RequestId, req.Model
	c.received.Err = wire.ReadEvent(&c.received.Event, req.Event)
	if err := s.score(ctx, callerOf(ctx).Name, c); err != nil {
		return nil, err
	}
	return c.scoreResponse(), nil
}

// score decides a request that has been decoded.
func (s *scoringServer) score(ctx context.Context, caller string, c *call) error {
	if err := s.engine.Admit(caller, 1); err != nil {
		return err
	}
	defer s.engine.Done(1)
	if s.acquireModel(c, caller, c.received.Model); c.Err != nil {
		return c.Err
	}
	return s.engine.Decide(ctx, &c.Request)
}

// scoreHandler is the gRPC handler of Score. It does by itself what guardUnary does,
// without a new context and a closure, and reads nothing from unknown callers.
func scoreHandler(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (resp any,
	err error) {
	s := srv.(*scoringServer)
	var caller auth.Caller
	defer s.finishUnary(pb.Scoring_Score_FullMethodName, &caller, time.Now(), &resp, &err)
	caller, err = s.authorize(ctx, pb.Scoring_Score_FullMethodName)
	if err != nil {
		return nil, err
	}
	c := s.getCall()
	defer s.putCall(c)
	c.attempt.Message = &c.received
	if err := decodeRequest(decode, &c.attempt); err != nil {
		return nil, err
	}
	if err := s.score(ctx, caller.Name, c); err != nil {
		return nil, err
	}
	r := c.reply()
	return r.Encode(), nil
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
	if err := wire.ReadEvent(&c.received.Event, req.Event); err != nil {
		return nil, err
	}
	if err := s.engine.Decide(ctx, &c.Request); err != nil {
		return nil, err
	}
	return c.recordResponse(), nil
}
