// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/experimental"

	"github.com/assayrisk/assay/benchmarks/internal/daemon"
	"github.com/assayrisk/assay/benchmarks/internal/usage"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/assayrisk/assay/serving"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/wire"
)

// serverProcess is a server under measurement.
type serverProcess struct {
	addr string
	ops  string // URL of /metrics and /heap; "" for the echo
	cmd  *exec.Cmd
	in   io.Closer
}

// startServer starts this program again, as a server, and reads its address.
func startServer(ctx context.Context, o options, kind string) (*serverProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"-child", kind, "-dir", o.dir, "-gogc", strconv.Itoa(o.gogc), "-listen", o.listen}
	if kind == "assay" && o.profile != "" {
		args = append(args, "-profile", o.profile)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	in, out, err := daemon.StartPiped(cmd)
	if err != nil {
		return nil, err
	}
	line, err := out.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the %s server did not start", kind), cmd.Wait())
	}
	p := &serverProcess{cmd: cmd, in: in}
	p.addr, p.ops, _ = strings.Cut(strings.TrimSpace(line), " ")
	return p, nil
}

// cpu is the processor time that the server has used, by Linux's count in
// hundredths of a second; 0 elsewhere.
func (p *serverProcess) cpu() time.Duration { return usage.CPU(p.cmd.Process.Pid) }

// stop closes the server's standard input, upon which it stops.
func (p *serverProcess) stop() {
	p.in.Close()
	_ = p.cmd.Wait()
}

// runServer is the server's process.
func runServer(ctx context.Context, o options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { io.Copy(io.Discard, os.Stdin); cancel() }()
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	if o.profile != "" {
		f, err := os.Create(o.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if o.child == "echo" {
		return serveEcho(ctx, l)
	}
	return serveAssay(ctx, l, o.dir)
}

// echoServer answers with the request: the same bytes both ways.
type echoServer interface {
	Echo(context.Context, *pb.ScoreRequest) (*pb.ScoreRequest, error)
}

type echo struct{}

func (echo) Echo(_ context.Context, r *pb.ScoreRequest) (*pb.ScoreRequest, error) { return r, nil }

const echoMethod = "/bench.Echo/Echo"

func serveEcho(ctx context.Context, l net.Listener) error {
	s := grpc.NewServer(grpc.ForceServerCodecV2(wire.NewCodec()), experimental.BufferPool(wire.Buffers()),
		grpc.WriteBufferSize(64<<10), grpc.ReadBufferSize(16<<10), grpc.NumStreamWorkers(512))
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "bench.Echo", HandlerType: (*echoServer)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "Echo",
			Handler: func(srv any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any,
				error) {
				in := new(pb.ScoreRequest)
				if err := dec(in); err != nil {
					return nil, err
				}
				return srv.(echoServer).Echo(ctx, in)
			},
		}}}, echo{})
	go func() { <-ctx.Done(); s.Stop() }()
	fmt.Println(l.Addr())
	return s.Serve(l)
}

func serveAssay(ctx context.Context, l net.Listener, dir string) error {
	load := func(_ context.Context, name string) (*models.Bundle, error) {
		b, err := models.ReadBundle(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		b.Model, err = interchange.LoadModel(b)
		return b, err
	}
	b, err := load(ctx, "bundle")
	if err != nil {
		return err
	}
	j, err := journal.Open(ctx, filepath.Join(dir, "node"), journal.Config{})
	if err != nil {
		return err
	}
	jctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- j.Run(jctx) }()
	s, err := serving.New(serving.Config{Bundle: b, Journal: j, Load: load, MaxInFlight: 1 << 20,
		DrainTimeout: 2 * time.Second})
	if err != nil {
		stop()
		return errors.Join(err, <-done, j.Close())
	}
	ops, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		stop()
		return errors.Join(err, <-done, j.Close())
	}
	mux := http.NewServeMux()
	mux.Handle("/", s.Ops())
	mux.HandleFunc("/heap", func(w http.ResponseWriter, _ *http.Request) { _ = pprof.Lookup("heap").WriteTo(w, 0) })
	go func() { _ = http.Serve(ops, mux) }()
	fmt.Printf("%s http://%s\n", l.Addr(), ops.Addr())
	err = s.Run(ctx, l)
	ops.Close()
	stop()
	return errors.Join(err, <-done, j.Close())
}
