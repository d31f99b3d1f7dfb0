// SPDX-License-Identifier: Apache-2.0

// Serve compares full decisions over gRPC with an empty grpc-go echo of the same
// request bytes. A decision is complete: a plan of 40 features, 300 trees of 31
// leaves, policy, durable journal, signed promise. The echo decodes the request
// with the same codec and sends it back.
//
// Servers and client are separate processes (this program starts itself) with the
// same GOGC; runs alternate between the two servers. It takes six minutes and
// prints, for each shape of call (unary from 64, 1,000 and 4,000 callers, batches
// of 100, streams, the Open Inference Protocol),
//
//	RATIO serve_<shape>_vs_echo_c<callers>   our rows a second over the echo's
//	RATE serve_<shape>_c<callers>_rows       our rows a second; _echo: the echo's
//	US serve_<shape>_c<callers>_cpu          the server's processor time per row; _echo_cpu: the echo's
//	MS assay_<rate>ps_<quantile>, echo_...   latencies of an open loop at 1,000 and 5,000 requests a second
//
//	go run ./benchmarks/serve                     all of it
//	go run ./benchmarks/serve -latency=false      without the open loop
//	go run ./benchmarks/serve -profile cpu.pprof  a CPU profile of the server
//	go run ./benchmarks/serve -lists 1000000      a score alone, and while 12 callers list decisions
//	go run ./benchmarks/serve -soak 5m -connections 5000 -pause 3s
//
// The soak needs `ulimit -n 20000`. It prints memory and goroutines while it runs,
// swaps models and policies, has slow readers, and ends with an audit: every
// acknowledged decision is in the journal once, with the same bytes.
// benchmarks/hammer adds kills and a failing chain.
//
// Latencies are measured from when a request should have been sent, so that a
// stall counts for all the requests that it delayed (coordinated omission).
//
// The files: child.go has the servers' processes; load.go, open.go, lists.go and
// soak.go the loads; behind.go and memory.go ask the server for its state;
// world.go and windows.go make the model.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

type options struct {
	child, dir    string
	profile, heap string
	gogc, runs    int
	seconds       float64
	only          string
	latency       bool
	listen        string
	soak, pause   time.Duration
	connections   int
	lists         int
}

func main() {
	var o options
	flag.StringVar(&o.child, "child", "", "internal: echo or assay")
	flag.StringVar(&o.dir, "dir", "", "directory for the journal (default: a temporary one)")
	flag.StringVar(&o.profile, "profile", "",
		"write a CPU profile of the scoring server to this file, without the echo")
	flag.StringVar(&o.heap, "heap", "", "with -soak: write a heap profile of the server to this file before the end")
	flag.IntVar(&o.gogc, "gogc", 400, "GOGC of servers and client")
	flag.IntVar(&o.runs, "runs", 5, "runs of each; medians are printed")
	flag.Float64Var(&o.seconds, "seconds", 2.5, "length of a run")
	flag.StringVar(&o.only, "only", "", "run only this ratio")
	flag.BoolVar(&o.latency, "latency", true,
		"measure open-loop latencies at 1,000 and 5,000 req/s as well, unless -only or -profile is given")
	flag.DurationVar(&o.soak, "soak", 0, "soak for so long instead, then audit the journal")
	flag.IntVar(&o.connections, "connections", 64, "with -soak: connections")
	flag.DurationVar(&o.pause, "pause", 0, "with -soak: mean pause between the requests of one connection")
	flag.IntVar(&o.lists, "lists", 0,
		"make so many decisions instead, then measure a score alone and while callers list decisions")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "internal: address of the child")
	flag.Parse()
	debug.SetGCPercent(o.gogc)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if o.child != "" {
		err = runServer(ctx, o)
	} else {
		err = measureAll(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

// comparison is one shape of call that is compared with the echo.
type comparison struct {
	name        string
	callers     int
	kind        string // see messages
	rowsPerCall float64
}

var comparisons = []comparison{
	{"serve_unary_vs_echo_c64", 64, "unary", 1},
	{"serve_unary_vs_echo_c1000", 1000, "unary", 1},
	{"serve_unary_vs_echo_c4000", 4000, "unary", 1},
	{"serve_batch100_rows_vs_echo_c64", 64, "batch", batchRows},
	{"serve_stream_vs_echo_c64", 64, "stream", 1},
	{"serve_oip_vs_echo_c64", 64, "oip", 1},
}

// measureAll writes the model and measures what the options ask for.
func measureAll(ctx context.Context, o options) error {
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "bench-serve-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.dir = dir
	}
	if err := writeWorld(ctx, o.dir); err != nil {
		return err
	}
	if o.soak > 0 {
		return soak(ctx, o)
	}
	if o.lists > 0 {
		return measureLists(ctx, o)
	}
	echo, err := startServer(ctx, o, "echo")
	if err != nil {
		return err
	}
	defer echo.stop()
	server, err := startServer(ctx, o, "assay")
	if err != nil {
		return err
	}
	defer server.stop()

	for _, c := range comparisons {
		if o.only == "" || o.only == c.name {
			if err := c.measure(ctx, o, echo, server); err != nil {
				return err
			}
		}
	}
	if o.profile == "" {
		if err := printOutcomes(ctx, server.addr); err != nil {
			return err
		}
	}
	if o.latency && o.only == "" && o.profile == "" {
		return printLatencies(ctx, o.runs, o.runLength(), echo.addr, server.addr)
	}
	return nil
}

func (o options) runLength() time.Duration { return time.Duration(o.seconds * float64(time.Second)) }

// measure runs the echo and the server in turn and prints the figures; with a
// profile, the server alone.
func (c comparison) measure(ctx context.Context, o options, echo, server *serverProcess) error {
	var echoRate, echoCPU, rate, cpu []float64 // by run
	for range o.runs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if o.profile == "" {
			r, used, err := closedLoop(ctx, echo, c.callers, "echo", o.runLength())
			if err != nil {
				return err
			}
			echoRate, echoCPU = append(echoRate, r), append(echoCPU, used)
		}
		r, used, err := closedLoop(ctx, server, c.callers, c.kind, o.runLength())
		if err != nil {
			return err
		}
		rate, cpu = append(rate, r*c.rowsPerCall), append(cpu, used/c.rowsPerCall)
	}
	// The processor time says more than the rate when something else uses the machine.
	name := strings.Replace(c.name, "_vs_echo", "", 1)
	fmt.Println(figure.Of("RATE", name+"_rows", rate))
	fmt.Println(figure.Of("US", name+"_cpu", cpu))
	if o.profile == "" {
		fmt.Println(figure.Of("RATE", name+"_echo", echoRate))
		fmt.Println(figure.Of("US", name+"_echo_cpu", echoCPU))
		fmt.Println(figure.Over(c.name, rate, echoRate))
	}
	return nil
}
