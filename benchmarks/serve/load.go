// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/assayrisk/assay/benchmarks/internal/load"
	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/wire"
)

const (
	scoreMethod  = "/assay.v1.Scoring/Score"
	batchMethod  = "/assay.v1.Scoring/ScoreBatch"
	streamMethod = "/assay.v1.Scoring/ScoreStream"
	inferMethod  = "/inference.GRPCInferenceService/ModelInfer"
	inStream     = 16 // messages in flight on one stream
	connections  = 8
	batchRows    = 100
)

// messages makes the templates that one caller goes through.
func messages(kind string, r *rand.Rand) ([]load.Template, error) {
	request := func() *pb.ScoreRequest {
		x := newRow(r)
		e := x.event(r, time.Now())
		return &pb.ScoreRequest{RequestId: load.ID, Event: wire.Event(&e)}
	}
	var out []load.Template
	for range 8 {
		var b []byte
		var err error
		switch kind {
		case "echo", "unary", "stream":
			b, err = request().MarshalVT()
		case "batch":
			m := &pb.ScoreBatchRequest{}
			for range batchRows {
				m.Rows = append(m.Rows, request())
			}
			b, err = m.MarshalVT()
		case "oip":
			k := featureCount()
			raw := make([]byte, 0, 8*k)
			for range k {
				raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(float64(r.IntN(100_000))/16))
			}
			b, err = (&v2.ModelInferRequest{ModelName: "bench", Inputs: []*v2.ModelInferRequest_InferInputTensor{
				{Name: "features", Datatype: "FP64", Shape: []int64{1, int64(k)}}}, RawInputContents: [][]byte{raw}}).
				MarshalVT()
		}
		if err != nil {
			return nil, err
		}
		out = append(out, load.NewTemplate(b))
	}
	return out, nil
}

func method(kind string) string {
	return map[string]string{"echo": echoMethod, "unary": scoreMethod, "batch": batchMethod, "oip": inferMethod}[kind]
}

// rate is the calls that n callers get answered a second, in a closed loop.
// The first quarter of the time warms up and does not count. It also returns
// the server's CPU time for each call, in microseconds.
//
// What the log has left undone at the end, beyond what it was behind at the
// start, counts: the server's CPU time until then is added, and so is the time
// that the machine needs for it with all of its processors.
func rate(ctx context.Context, to *process, n int, kind string, length time.Duration) (perSecond,
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
				err = caller(ctx, conns[i%len(conns)], kind, msgs, &answered, &stop)
			}
			if err != nil {
				cancel(err)
			}
		})
	}
	wait(ctx, length/4)
	behind, err := to.behind(ctx)
	if err != nil {
		return 0, 0, err
	}
	from, start, used := answered.Load(), time.Now(), to.cpu()
	wait(ctx, length)
	done, took := answered.Load()-from, time.Since(start)
	used = to.cpu() - used
	stop.Store(true)
	wg.Wait()
	at := to.cpu() // those that were under way are not counted, nor what they cost
	if err := context.Cause(ctx); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", kind, err)
	}
	if err := to.catchUp(ctx, behind); err != nil {
		return 0, 0, err
	}
	late := to.cpu() - at
	used, took = used+late, took+late/time.Duration(runtime.NumCPU())
	return float64(done) / took.Seconds(), used.Seconds() * 1e6 / float64(max(done, 1)), nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// caller asks until it is told to stop.
func caller(ctx context.Context, c *grpc.ClientConn, kind string, msgs []load.Template, answered *atomic.Int64,
	stop *atomic.Bool) error {
	if kind == "stream" {
		return streamCaller(ctx, c, msgs, answered, stop)
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

func streamCaller(ctx context.Context, c *grpc.ClientConn, msgs []load.Template, answered *atomic.Int64,
	stop *atomic.Bool) error {
	st, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, streamMethod)
	if err != nil {
		return err
	}
	slots := make(chan struct{}, inStream)
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
