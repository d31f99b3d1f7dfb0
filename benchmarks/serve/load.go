// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/assayrisk/assay/benchmarks/internal/load"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

const (
	batchMethod  = "/assay.v1.Scoring/ScoreBatch"
	streamMethod = "/assay.v1.Scoring/ScoreStream"
	streamWindow = 16 // messages in flight on one stream
	connections  = 8
	batchRows    = 100
)

// messages makes the templates that one caller sends in turn. kind is echo, unary,
// batch, stream or oip (the Open Inference Protocol).
func messages(kind string, r *rand.Rand) ([]load.Template, error) {
	request := func() *pb.ScoreRequest {
		x := newApplication(r)
		e := x.event(r, time.Now())
		return load.ScoreRequest(&e)
	}
	return load.Templates(8, func(int) ([]byte, error) {
		switch kind {
		case "batch":
			m := &pb.ScoreBatchRequest{}
			for range batchRows {
				m.Rows = append(m.Rows, request())
			}
			return m.MarshalVT()
		case "oip":
			row := make([]float64, featureCount())
			for i := range row {
				row[i] = float64(r.IntN(100_000)) / 16
			}
			return load.InferRequest(row)
		}
		return request().MarshalVT()
	})
}

func method(kind string) string {
	return map[string]string{"echo": echoMethod, "unary": load.ScoreMethod, "batch": batchMethod,
		"oip": load.InferMethod}[kind]
}

// closedLoop runs n callers in a closed loop, and returns the calls that are
// answered a second, and the server's processor time per call in microseconds.
// The first quarter of the time warms up and does not count. It does not use
// load.Closed, whose callers cannot stream and whose clock cannot be moved:
//
// The work that the log has left undone at the end, beyond what it lagged at the
// start, counts: the server's processor time for it is added, and so is the time
// that all processors of the machine need for it.
func closedLoop(ctx context.Context, to *serverProcess, n int, kind string, length time.Duration) (perSecond,
	cpu float64, err error) {
	conns, err := load.Dial(to.addr, connections)
	if err != nil {
		return 0, 0, err
	}
	defer load.Close(conns)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var answered atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			msgs, err := messages(kind, rand.New(rand.NewPCG(uint64(i), 7)))
			if err == nil {
				err = runCaller(ctx, conns[i%len(conns)], kind, msgs, &answered, &stop)
			}
			if err != nil {
				cancel(err)
			}
		})
	}
	load.Sleep(ctx, length/4)
	lag, err := to.logLag(ctx)
	if err != nil {
		return 0, 0, err
	}
	from, start, used := answered.Load(), time.Now(), to.cpu()
	load.Sleep(ctx, length)
	done, took := answered.Load()-from, time.Since(start)
	used = to.cpu() - used
	stop.Store(true)
	wg.Wait()
	at := to.cpu() // calls that were under way at the end do not count, nor what they cost
	if err := context.Cause(ctx); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", kind, err)
	}
	if done == 0 {
		return 0, 0, fmt.Errorf("%s: no call of %d callers was answered in %v", kind, n, length)
	}
	if err := to.waitForLog(ctx, lag); err != nil {
		return 0, 0, err
	}
	late := to.cpu() - at
	used, took = used+late, took+late/time.Duration(runtime.NumCPU())
	return float64(done) / took.Seconds(), used.Seconds() * 1e6 / float64(done), nil
}

// runCaller asks until it is told to stop.
func runCaller(ctx context.Context, c *grpc.ClientConn, kind string, msgs []load.Template, answered *atomic.Int64,
	stop *atomic.Bool) error {
	if kind == "stream" {
		return runStreamCaller(ctx, c, msgs, answered, stop)
	}
	name := method(kind)
	for i := 0; !stop.Load(); i++ {
		if err := c.Invoke(ctx, name, msgs[i%len(msgs)].Next(), nil); err != nil {
			return err
		}
		answered.Add(1)
	}
	return nil
}

// runStreamCaller sends on one stream, with at most streamWindow messages in
// flight.
func runStreamCaller(ctx context.Context, c *grpc.ClientConn, msgs []load.Template, answered *atomic.Int64,
	stop *atomic.Bool) error {
	st, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, streamMethod)
	if err != nil {
		return err
	}
	slots := make(chan struct{}, streamWindow)
	sent := make(chan error, 1)
	go func() {
		for i := 0; !stop.Load(); i++ {
			slots <- struct{}{}
			if err := st.SendMsg(msgs[i%len(msgs)].Next()); err != nil {
				sent <- err
				return
			}
		}
		sent <- st.CloseSend()
	}()
	for {
		if err := st.RecvMsg(nil); errors.Is(err, io.EOF) {
			return <-sent
		} else if err != nil {
			return err
		}
		<-slots
		answered.Add(1)
	}
}
