// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/semaphore"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// streamBurst is how many requests of one stream are decided together at most:
// those that have arrived while the ones before them became durable. It also
// bounds what a stream holds in memory; the rest waits in HTTP/2 flow control.
const streamBurst = 256

// streamBytes bounds the messages among them: a request of four megabytes is as
// many, and a caller that reads no answers must not fill the memory with them.
const streamBytes = 1 << 20

// ScoreStream implements pb.ScoringServer.
func (s *scoringServer) ScoreStream(stream pb.Scoring_ScoreStreamServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	in := make(chan *call, streamBurst)
	room := semaphore.NewWeighted(streamBytes)
	ended := make(chan error, 1)
	go func() { ended <- s.receive(ctx, stream, in, room) }()
	defer func() { // the receiver ends with the stream's context, or its end
		for c := range in {
			s.putCall(c)
		}
	}()
	calls := make([]*call, 0, streamBurst)
	most := s.engine.AdmitLimit(streamBurst)
	for c := range in {
		calls = append(calls[:0], c)
	more:
		for len(calls) < most {
			select {
			case c, ok := <-in:
				if !ok {
					break more
				}
				calls = append(calls, c)
			default:
				break more
			}
		}
		taken := int64(0)
		for _, c := range calls {
			taken += streamShare(c)
		}
		if err := s.answer(ctx, stream, calls); err != nil {
			cancel()
			return err
		}
		room.Release(taken)
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// streamShare is what a request takes of streamBytes.
func streamShare(c *call) int64 { return int64(min(c.in.Bytes, streamBytes)) }

// receive takes requests from the stream until it ends, and closes in. Each
// waits until there is room for it.
func (s *scoringServer) receive(ctx context.Context, stream pb.Scoring_ScoreStreamServer, in chan<- *call,
	room *semaphore.Weighted) error {
	defer close(in)
	for {
		c := s.getCall()
		if err := stream.RecvMsg(&c.in); err != nil {
			s.putCall(c)
			return err
		}
		if err := room.Acquire(ctx, streamShare(c)); err != nil {
			s.putCall(c)
			return err
		}
		select {
		case in <- c:
		case <-ctx.Done():
			s.putCall(c)
			return ctx.Err()
		}
	}
}

// answer decides about what a stream brought and sends the answers, in order;
// when the server is full or drains, each row says so.
func (s *scoringServer) answer(ctx context.Context, stream pb.Scoring_ScoreStreamServer, calls []*call) error {
	defer func() {
		for _, c := range calls {
			s.putCall(c)
		}
	}()
	caller := callerOf(ctx).Name
	refused := s.engine.Admit(caller, len(calls))
	if refused == nil {
		defer s.engine.Done(len(calls))
		if s.draining.Load() {
			refused = assay.ErrUnavailable
		}
	}
	if refused != nil {
		for _, c := range calls {
			c.Key.RequestID, c.Err = c.in.ID, refused
		}
		s.sayRows(pb.Scoring_ScoreStream_FullMethodName, caller, calls)
	} else {
		s.decideRows(ctx, pb.Scoring_ScoreStream_FullMethodName, caller, calls)
	}
	for _, c := range calls {
		var m any
		if c.Err != nil {
			m = s.refusal(c)
		} else {
			r := c.reply()
			m = r.Encode()
		}
		if err := stream.SendMsg(m); err != nil {
			return err
		}
	}
	return nil
}
