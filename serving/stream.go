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
func (s *scoring) ScoreStream(stream pb.Scoring_ScoreStreamServer) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	in := make(chan *work, streamBurst)
	room := semaphore.NewWeighted(streamBytes)
	ended := make(chan error, 1)
	go func() { ended <- s.receive(ctx, stream, in, room) }()
	defer func() { // the receiver ends with the stream's context, or its end
		for w := range in {
			s.engine.put(w)
		}
	}()
	ws := make([]*work, 0, streamBurst)
	most := s.engine.limiter.atOnce(int(min(streamBurst, s.engine.limit)))
	for w := range in {
		ws = append(ws[:0], w)
	more:
		for len(ws) < most {
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
		taken := int64(0)
		for _, w := range ws {
			taken += streamShare(w)
		}
		if err := s.answer(ctx, stream, ws); err != nil {
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
func streamShare(w *work) int64 { return int64(min(w.req.Bytes, streamBytes)) }

// receive takes requests from the stream until it ends, and closes in. Each
// waits until there is room for it.
func (s *scoring) receive(ctx context.Context, stream pb.Scoring_ScoreStreamServer, in chan<- *work, room *semaphore.Weighted) error {
	defer close(in)
	for {
		w := s.engine.get()
		if err := stream.RecvMsg(&w.req); err != nil {
			s.engine.put(w)
			return err
		}
		if err := room.Acquire(ctx, streamShare(w)); err != nil {
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
	if refused != nil {
		for _, w := range ws {
			w.key.id, w.err = w.req.ID, refused
		}
		s.sayRows(pb.Scoring_ScoreStream_FullMethodName, caller, ws)
	} else {
		s.decideRows(ctx, pb.Scoring_ScoreStream_FullMethodName, caller, ws)
	}
	for _, w := range ws {
		var m any
		if w.err != nil {
			m = s.refusal(w)
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
