// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/daemon"
	"github.com/assayrisk/assay/benchmarks/internal/load"
	"github.com/assayrisk/assay/models/gbdt"
)

// server is a running server and the calls to it.
type server struct {
	name       string
	peer       bool
	process    *daemon.Process
	call       func(ctx context.Context, caller, k int) error    // asks for one row
	score      func(ctx context.Context, x int) (float64, error) // asks for row x and returns its score
	disconnect func()                                            // may be nil
}

func (s *server) stop() {
	if s.disconnect != nil {
		s.disconnect()
	}
	_ = s.process.Stop(10 * time.Second)
}

// serverKind is a server that is compared, and how it is started.
type serverKind struct {
	name  string
	peer  bool
	start func(ctx context.Context, o options, dir, bundle string, rows *gbdt.Dataset) (*server, error)
}

// httpWorkers are the worker processes of an HTTP server: one per core.
const httpWorkers = "2"

var serverKinds = []serverKind{
	{"assay_score", false,
		func(ctx context.Context, _ options, dir, bundle string, rows *gbdt.Dataset) (*server, error) {
			return startAssay(ctx, filepath.Join(dir, "score"), bundle, decisionProtocol, rows)
		}},
	{"assay_oip", false, func(ctx context.Context, _ options, dir, bundle string, rows *gbdt.Dataset) (*server, error) {
		return startAssay(ctx, filepath.Join(dir, "oip"), bundle, inferenceProtocol, rows)
	}},
	{"mlserver_grpc", true,
		func(ctx context.Context, o options, dir, bundle string, rows *gbdt.Dataset) (*server, error) {
			return startMLServer(ctx, o, filepath.Join(dir, "mlserver"), bundle, rows)
		}},
	{"fastapi", true, func(ctx context.Context, o options, _, bundle string, rows *gbdt.Dataset) (*server, error) {
		return startHTTP(ctx, o, "endtoend_fastapi.py", bundle, rows)
	}},
	{"bentoml", true, func(ctx context.Context, o options, _, bundle string, rows *gbdt.Dataset) (*server, error) {
		return startHTTP(ctx, o, "endtoend_bentoml.py", bundle, rows)
	}},
}

// connections is the number of the client's connections to a gRPC server.
const connections = 8

// startAssay builds assayd, as it is installed, and starts it.
func startAssay(ctx context.Context, dir, bundle string, how protocol, rows *gbdt.Dataset) (*server, error) {
	p, address, err := daemon.StartAssayd(ctx, filepath.Dir(dir), "--bundle", bundle, "--dir", dir)
	if err != nil {
		return nil, err
	}
	return newGRPCServer(p, address, how, rows)
}

func startMLServer(ctx context.Context, o options, dir, bundle string, rows *gbdt.Dataset) (*server, error) {
	rpc, err := daemon.Port()
	if err != nil {
		return nil, err
	}
	web, err := daemon.Port()
	if err != nil {
		return nil, err
	}
	p, err := daemon.Start(ctx, modelReady(web), nil, servingPython(o), filepath.Join(o.peers, "endtoend_mlserver.py"),
		dir, filepath.Join(bundle, "model.txt"), portOf(rpc), portOf(web))
	if err != nil {
		return nil, err
	}
	return newGRPCServer(p, rpc, inferenceProtocol, rows)
}

func startHTTP(ctx context.Context, o options, script, bundle string, rows *gbdt.Dataset) (*server, error) {
	address, err := daemon.Port()
	if err != nil {
		return nil, err
	}
	url := "http://" + address + "/score"
	body := jsonRow(rows, 0)
	ready := func(ctx context.Context) error { _, err := postJSON(ctx, url, body); return err }
	p, err := daemon.Start(ctx, ready, nil, servingPython(o), filepath.Join(o.peers, script),
		filepath.Join(bundle, "model.txt"), portOf(address), httpWorkers)
	if err != nil {
		return nil, err
	}
	return newHTTPServer(p, url, rows), nil
}

// servingPython is the interpreter of the model servers, which need other
// versions of the same packages than the other peers.
func servingPython(o options) string {
	return filepath.Join(filepath.Dir(filepath.Dir(o.python)), "serving", "bin", "python")
}

func portOf(address string) string {
	_, p, _ := net.SplitHostPort(address)
	return p
}

// newGRPCServer prepares the calls to a gRPC server.
func newGRPCServer(p *daemon.Process, address string, how protocol, rows *gbdt.Dataset) (*server, error) {
	s := &server{process: p}
	messages, err := load.Templates(rows.Rows(), func(i int) ([]byte, error) { return how.encode(rows, i) })
	if err != nil {
		s.stop()
		return nil, err
	}
	conns, err := load.Dial(address, connections)
	if err != nil {
		s.stop()
		return nil, err
	}
	s.disconnect = func() { load.Close(conns) }
	s.call = func(ctx context.Context, caller, k int) error {
		return conns[caller%len(conns)].Invoke(ctx, how.method, messages[(caller*31+k)%len(messages)].Next(), nil)
	}
	s.score = func(ctx context.Context, x int) (float64, error) {
		var reply []byte
		if err := conns[0].Invoke(ctx, how.method, messages[x].Next(), &reply); err != nil {
			return 0, err
		}
		return how.decode(reply)
	}
	return s, nil
}

// checkSameScores asks every server for the same rows. Servers whose scores
// differ do different work, and cannot be compared.
func checkSameScores(ctx context.Context, servers []*server, rows *gbdt.Dataset) error {
	for x := range 64 {
		var first float64
		for i, s := range servers {
			got, err := s.score(ctx, x)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			if i == 0 {
				first = got
			}
			if d := math.Abs(got - first); d > 1e-12 || math.IsNaN(got) {
				return fmt.Errorf("row %d of %d: %s scores %v, %s %v", x, rows.Rows(),
					servers[0].name, first, s.name, got)
			}
		}
	}
	return nil
}
