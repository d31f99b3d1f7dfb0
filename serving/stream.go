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
// those that arrived while the last ones became durable. It also bounds how many
// requests of a stream are in memory; the rest waits in HTTP/2 flow control.
const streamBurst = 256

// streamBytes bounds the bytes of these requests: one may have four megabytes, and a
// caller that reads no answers must not fill the memory with them.
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

// streamShare is how many of streamBytes a request takes.
func streamShare(c *call) int64 { return int64(min(c.received.Bytes, streamBytes)) }

// receive reads requests from the stream into in until the stream ends, and then
// closes in. It waits until there is room for each.
func (s *scoringServer) receive(ctx context.Context, stream pb.Scoring_ScoreStreamServer, in chan<- *call,
	room *semaphore.Weighted) error {
	defer close(in)
	for {
		c := s.getCall()
		if err := stream.RecvMsg(&c.received); err != nil {
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

// answer decides requests of a stream and sends the answers, in order. When the
// server is full or drains, each answer says so.
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
			c.Key.RequestID, c.Err = c.received.ID, refused
		}
		s.logRefusedRows(pb.Scoring_ScoreStream_FullMethodName, caller, calls)
	} else {
		s.decideRows(ctx, pb.Scoring_ScoreStream_FullMethodName, caller, calls)
	}
	for _, c := range calls {
		var m any
		if c.Err != nil {
			m = s.rowRefusal(c)
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
