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

// server is one that runs and is asked.
type server struct {
	name    string
	peer    bool
	process *daemon.Process
	call    func(ctx context.Context, caller, k int) error    // one row
	score   func(ctx context.Context, x int) (float64, error) // of row x; nil if it does not tell
	close   func()
}

func (s *server) stop() {
	if s.close != nil {
		s.close()
	}
	_ = s.process.Stop(10 * time.Second)
}

// kind is a server and how it is started.
type kind struct {
	name  string
	peer  bool
	start func(ctx context.Context, o options, dir, bundle string, rows *gbdt.Dataset) (*server, error)
}

// workers of the HTTP servers: one a core.
const workers = "2"

var kinds = []kind{
	{"assay_score", false,
		func(ctx context.Context, _ options, dir, bundle string, rows *gbdt.Dataset) (*server, error) {
			return startAssay(ctx, filepath.Join(dir, "score"), bundle, decisions, rows)
		}},
	{"assay_oip", false, func(ctx context.Context, _ options, dir, bundle string, rows *gbdt.Dataset) (*server, error) {
		return startAssay(ctx, filepath.Join(dir, "oip"), bundle, inferences, rows)
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

// connections of the client, for each server.
const connections = 8

// startAssay builds assayd, as one that is installed, and starts it.
func startAssay(ctx context.Context, dir, bundle string, encode func(*gbdt.Dataset) ([]load.Template, string, error),
	rows *gbdt.Dataset) (*server, error) {
	program, err := daemon.Build(ctx, filepath.Dir(dir), "./cmd/assayd")
	if err != nil {
		return nil, err
	}
	address, err := daemon.Port()
	if err != nil {
		return nil, err
	}
	p, err := daemon.Start(ctx, daemon.Serving(address), nil, program, "--bundle", bundle, "--dir", dir, "--listen",
		address, "--ops", "", "--log-level", "warn")
	if err != nil {
		return nil, err
	}
	return askGRPC(p, address, encode, rows)
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
		dir, filepath.Join(bundle, "model.txt"), port(rpc), port(web))
	if err != nil {
		return nil, err
	}
	return askGRPC(p, rpc, inferences, rows)
}

func startHTTP(ctx context.Context, o options, script, bundle string, rows *gbdt.Dataset) (*server, error) {
	address, err := daemon.Port()
	if err != nil {
		return nil, err
	}
	url := "http://" + address + "/score"
	body := jsonRow(rows, 0)
	ready := func(ctx context.Context) error { _, err := post(ctx, url, body); return err }
	p, err := daemon.Start(ctx, ready, nil, servingPython(o), filepath.Join(o.peers, script),
		filepath.Join(bundle, "model.txt"), port(address), workers)
	if err != nil {
		return nil, err
	}
	return askHTTP(p, url, rows), nil
}

// servingPython is the interpreter of the model servers: they want other
// versions of the same packages than the rest of the peers do.
func servingPython(o options) string {
	return filepath.Join(filepath.Dir(filepath.Dir(o.python)), "serving", "bin", "python")
}

func port(address string) string {
	_, p, _ := net.SplitHostPort(address)
	return p
}

// askGRPC prepares the calls of a gRPC server.
func askGRPC(p *daemon.Process, address string, encode func(*gbdt.Dataset) ([]load.Template, string, error),
	rows *gbdt.Dataset) (*server, error) {
	s := &server{process: p}
	messages, method, err := encode(rows)
	if err != nil {
		s.stop()
		return nil, err
	}
	conns, err := load.Dial(address, connections)
	if err != nil {
		s.stop()
		return nil, err
	}
	s.close = func() { load.Close(conns) }
	s.call = func(ctx context.Context, caller, k int) error {
		return conns[caller%len(conns)].Invoke(ctx, method, messages[(caller*31+k)%len(messages)].Next(), nil)
	}
	s.score = func(ctx context.Context, x int) (float64, error) {
		var reply []byte
		if err := conns[0].Invoke(ctx, method, messages[x].Next(), &reply); err != nil {
			return 0, err
		}
		return decode(method, reply)
	}
	return s, nil
}

// sameScores asks every server for the same rows. A server that gives other
// scores does other work, and is not measured beside the rest.
func sameScores(ctx context.Context, servers []*server, rows *gbdt.Dataset) error {
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
