// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/wire"
)

// largeStream sends large requests as fast as they are received, and reads no
// answer before read is closed.
type largeStream struct {
	grpc.ServerStream
	ctx      context.Context
	left     int
	received atomic.Int64
	answered atomic.Int64
	read     chan struct{} // closed when answers may be read
}

func (s *largeStream) Context() context.Context { return s.ctx }

func (s *largeStream) RecvMsg(m any) error {
	if s.left == 0 {
		<-s.ctx.Done()
		return s.ctx.Err()
	}
	s.left--
	s.received.Add(1)
	b, err := (&pb.ScoreRequest{RequestId: "r", Model: strings.Repeat("x", streamBytes/4)}).MarshalVT()
	if err != nil {
		return err
	}
	return m.(*wire.Request).Unmarshal(b)
}

func (s *largeStream) SendMsg(any) error {
	select {
	case <-s.read:
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	s.answered.Add(1)
	return nil
}

func (s *largeStream) Send(m *pb.ScoreResponse) error  { return s.SendMsg(m) }
func (s *largeStream) Recv() (*pb.ScoreRequest, error) { return nil, context.Canceled }

// TestStreamHoldsFewBytes: of a stream whose caller reads no answers, the server
// holds a megabyte or so and not 256 messages of any size; when the answers are
// read, all are answered.
func TestStreamHoldsFewBytes(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		stream := &largeStream{ctx: ctx, left: 40, read: make(chan struct{})}
		done := make(chan error, 1)
		go func() { done <- (&scoringServer{Server: n.server}).ScoreStream(stream) }()
		synctest.Wait()
		// Four messages have a place, one waits for a place.
		if held := stream.received.Load(); held < 4 || held > 5 {
			t.Errorf("%d messages of %d bytes are held", held, streamBytes/4)
		}
		close(stream.read)
		synctest.Wait()
		if got := stream.answered.Load(); got != 40 {
			t.Errorf("%d answers, want 40", got)
		}
		cancel()
		if code, _ := classify(<-done); code != codes.Canceled {
			t.Errorf("the stream ended with %s", code)
		}
	})
}
