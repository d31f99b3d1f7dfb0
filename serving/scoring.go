// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
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
	if err := s.score(ctx, w); err != nil {
		return nil, err
	}
	return w.message(), nil
}

// score takes a request that has been decoded all the way.
func (s *scoring) score(ctx context.Context, w *work) error {
	caller := callerOf(ctx).Name
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

// scoringDesc is the generated description with the unary hot path put in:
// Score is decoded into the noun and answered from it.
func scoringDesc() *grpc.ServiceDesc {
	d := pb.Scoring_ServiceDesc
	d.Methods = slices.Clone(d.Methods)
	for i := range d.Methods {
		if d.Methods[i].MethodName == "Score" {
			d.Methods[i].Handler = scoreHandler
		}
	}
	return &d
}

var scoreInfo = grpc.UnaryServerInfo{FullMethod: pb.Scoring_Score_FullMethodName}

// scoreHandler is the gRPC handler of Score.
func scoreHandler(srv any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
	s := srv.(*scoring)
	w := s.engine.get()
	defer s.engine.put(w)
	if err := decode(&w.req); err != nil {
		return nil, err
	}
	return intercept(ctx, w, &scoreInfo, func(ctx context.Context, _ any) (any, error) {
		if err := s.score(ctx, w); err != nil {
			return nil, err
		}
		r := w.reply()
		return r.Encode(), nil
	})
}

// fill makes w of a request.
func (s *Server) fill(ctx context.Context, w *work, req *pb.ScoreRequest) (err error) {
	w.key = requestKey{callerOf(ctx).Name, req.RequestId}
	if w.model, err = s.engine.acquire(req.Model); err != nil {
		return err
	}
	return wire.ReadEvent(&w.req.Event, req.Event)
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
	return &pb.RecordResponse{RequestId: req.RequestId, Sequence: w.seq, Promise: slices.Clone(w.promise), Decision: slices.Clone(w.canonical), RepeatedRequest: w.repeated}, nil
}

// ScoreBatch implements pb.ScoringServer.
func (s *scoring) ScoreBatch(ctx context.Context, req *pb.ScoreBatchRequest) (*pb.ScoreBatchResponse, error) {
	if req.Arrow != nil {
		if len(req.Rows) > 0 {
			return nil, &assay.FieldError{Field: "arrow", Problem: "send rows or one Arrow batch, not both"}
		}
		return s.scoreArrow(ctx, req.Arrow)
	}
	if n := len(req.Rows); n == 0 || n > s.cfg.MaxBatchRows {
		return nil, &assay.FieldError{Field: "rows", Problem: fmt.Sprintf("%d rows, want 1 to %d", n, s.cfg.MaxBatchRows)}
	}
	if err := s.engine.admit(callerOf(ctx).Name, len(req.Rows)); err != nil {
		return nil, err
	}
	defer s.engine.done(len(req.Rows))
	return &pb.ScoreBatchResponse{Rows: s.scoreRows(ctx, req.Rows)}, nil
}

// scoreRows decides about rows that have been admitted, in order.
func (s *Server) scoreRows(ctx context.Context, rows []*pb.ScoreRequest) []*pb.ScoreResponse {
	ws := make([]*work, len(rows))
	for i, r := range rows {
		ws[i] = s.engine.get()
		if r == nil {
			ws[i].err = &assay.FieldError{Field: "rows", Problem: "has an empty entry"}
			continue
		}
		ws[i].err = s.fill(ctx, ws[i], r)
	}
	s.engine.decideAll(ctx, ws)
	out := make([]*pb.ScoreResponse, len(rows))
	for i, w := range ws {
		if w.err != nil {
			out[i] = &pb.ScoreResponse{RequestId: w.key.id, Error: s.rowError(w.err)}
		} else {
			out[i] = w.message()
		}
		s.engine.put(w)
	}
	return out
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

// streamBurst is how many requests of one stream are decided together at most:
// those that have arrived while the ones before them became durable. It also
// bounds what a stream holds in memory; the rest waits in HTTP/2 flow control.
const streamBurst = 256

// ScoreStream implements pb.ScoringServer.
func (s *scoring) ScoreStream(stream pb.Scoring_ScoreStreamServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	in := make(chan *work, streamBurst)
	ended := make(chan error, 1)
	go func() { ended <- s.receive(ctx, stream, in) }()
	defer func() { // the receiver ends with the stream's context, or its end
		for w := range in {
			s.engine.put(w)
		}
	}()
	ws := make([]*work, 0, streamBurst)
	for w := range in {
		ws = append(ws[:0], w)
	more:
		for len(ws) < streamBurst {
			select {
			case w, ok := <-in:
				if !ok {
					break more
				}
				ws = append(ws, w)
			default:
				break more
			}
		}
		if err := s.answer(ctx, stream, ws); err != nil {
			cancel()
			return err
		}
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// receive takes requests from the stream until it ends, and closes in.
func (s *scoring) receive(ctx context.Context, stream pb.Scoring_ScoreStreamServer, in chan<- *work) error {
	defer close(in)
	for {
		w := s.engine.get()
		if err := stream.RecvMsg(&w.req); err != nil {
			s.engine.put(w)
			return err
		}
		select {
		case in <- w:
		case <-ctx.Done():
			s.engine.put(w)
			return ctx.Err()
		}
	}
}

// answer decides about what a stream brought and sends the answers, in order;
// when the server is full or drains, each row says so.
func (s *scoring) answer(ctx context.Context, stream pb.Scoring_ScoreStreamServer, ws []*work) error {
	defer func() {
		for _, w := range ws {
			s.engine.put(w)
		}
	}()
	caller := callerOf(ctx).Name
	refused := s.engine.admit(caller, len(ws))
	if refused == nil {
		defer s.engine.done(len(ws))
		if s.draining.Load() {
			refused = assay.ErrUnavailable
		}
	}
	for _, w := range ws {
		if w.err = refused; w.err == nil {
			w.key = requestKey{caller, w.req.ID}
			if w.err = w.req.Err; w.err == nil {
				w.model, w.err = s.engine.acquire(w.req.Model)
			}
		}
	}
	s.engine.decideAll(ctx, ws)
	for _, w := range ws {
		var m any
		if w.err != nil {
			m = &pb.ScoreResponse{RequestId: w.req.ID, Error: s.rowError(w.err)}
		} else {
			r := w.reply()
			m = r.Encode()
		}
		if err := stream.SendMsg(m); err != nil {
			return err
		}
	}
	return nil
}
