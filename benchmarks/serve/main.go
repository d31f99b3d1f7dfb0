// SPDX-License-Identifier: Apache-2.0

// Command serve measures full decisions over gRPC against an empty grpc-go
// echo of the same request bytes. A decision here is the whole way: a plan of
// 40 features, 300 trees of 31 leaves, policy, durable journal, signed promise.
// The echo decodes the request with the same codec and sends it back.
//
// Server and client are processes of their own (this program runs itself), with
// one GOGC for all of them; runs alternate between the two servers and medians
// are printed:
//
//	go run ./benchmarks/serve                     the ratios, and open-loop latencies
//	go run ./benchmarks/serve -latency=false      the ratios alone
//	go run ./benchmarks/serve -profile cpu.pprof  a CPU profile of the server
//	go run ./benchmarks/serve -lists 1000000      a score beside 12 callers of ListDecisions
//	go run ./benchmarks/serve -soak 5m -connections 5000 -pause 3s
//
// The last one needs `ulimit -n 20000`. It prints memory and goroutines as it
// goes, swaps models and policies, has slow readers, and ends with an audit:
// every acknowledged decision stands in the journal once, with the same bytes.
// benchmarks/hammer adds kills and a failing chain.
//
// Latencies are taken from when a request should have been sent, so that a
// stall counts for all the requests that it held up (coordinated omission).
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
	flag.StringVar(&o.profile, "profile", "", "write a CPU profile of the scoring server there, and leave the echo out")
	flag.StringVar(&o.heap, "heap", "", "write a heap profile of the soak's server there, before its end")
	flag.IntVar(&o.gogc, "gogc", 400, "GOGC of servers and client")
	flag.IntVar(&o.runs, "runs", 5, "runs of each; medians are printed")
	flag.Float64Var(&o.seconds, "seconds", 2.5, "length of a run")
	flag.StringVar(&o.only, "only", "", "run only this ratio")
	flag.BoolVar(&o.latency, "latency", true,
		"measure open-loop latencies at 1,000 and 5,000 req/s as well, unless -only or -profile is given")
	flag.DurationVar(&o.soak, "soak", 0, "instead: soak for so long, then audit the journal")
	flag.IntVar(&o.connections, "connections", 64, "connections of the soak")
	flag.DurationVar(&o.pause, "pause", 0, "mean pause between the requests of one connection of the soak")
	flag.IntVar(&o.lists, "lists", 0,
		"instead: make so many decisions, then measure a score alone and beside callers of ListDecisions")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "internal: address of the child")
	flag.Parse()
	debug.SetGCPercent(o.gogc)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if o.child != "" {
		err = child(ctx, o)
	} else {
		err = parent(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

// measure is one comparison.
type measure struct {
	name    string
	callers int
	kind    string // as load.run takes it
	per     float64
}

func parent(ctx context.Context, o options) error {
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
		return lists(ctx, o)
	}
	echo, err := spawn(ctx, o, "echo")
	if err != nil {
		return err
	}
	defer echo.stop()
	server, err := spawn(ctx, o, "assay")
	if err != nil {
		return err
	}
	defer server.stop()

	length := time.Duration(o.seconds * float64(time.Second))
	for _, m := range []measure{
		{"serve_unary_vs_echo_c64", 64, "unary", 1},
		{"serve_unary_vs_echo_c1000", 1000, "unary", 1},
		{"serve_unary_vs_echo_c4000", 4000, "unary", 1},
		{"serve_batch100_rows_vs_echo_c64", 64, "batch", 100},
		{"serve_stream_vs_echo_c64", 64, "stream", 1},
		{"serve_oip_vs_echo_c64", 64, "oip", 1},
	} {
		if o.only != "" && o.only != m.name {
			continue
		}
		var a, b, cpuA, cpuB []float64 // rates and CPU times of the echo and of the server
		for range o.runs {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			x, cpu, err := 0.0, 0.0, error(nil)
			if o.profile == "" {
				if x, cpu, err = rate(ctx, echo, m.callers, "echo", length); err != nil {
					return err
				}
			}
			cpuA = append(cpuA, cpu)
			y, cpu, err := rate(ctx, server, m.callers, m.kind, length)
			if err != nil {
				return err
			}
			cpuB = append(cpuB, cpu/m.per)
			a, b = append(a, x), append(b, y*m.per)
		}
		// Rows a second, and the server's CPU time for one, which says more when
		// something else uses the machine.
		name := strings.Replace(m.name, "_vs_echo", "", 1)
		fmt.Println(figure.Of("RATE", name+"_rows", b))
		fmt.Println(figure.Of("US", name+"_cpu", cpuB))
		if o.profile == "" {
			fmt.Println(figure.Of("RATE", name+"_echo", a))
			fmt.Println(figure.Of("US", name+"_echo_cpu", cpuA))
			fmt.Println(figure.Over(m.name, b, a))
		}
	}
	if o.profile == "" {
		if err := printOutcomes(ctx, server.addr); err != nil {
			return err
		}
	}
	if o.latency && o.only == "" && o.profile == "" {
		return printLatencies(ctx, o.runs, length, echo.addr, server.addr)
	}
	return nil
}
