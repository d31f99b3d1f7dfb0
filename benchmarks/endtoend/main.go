// SPDX-License-Identifier: Apache-2.0

// Endtoend compares assayd with other servers of LightGBM models: MLServer (over
// gRPC), FastAPI under uvicorn, and BentoML. All serve the same model.txt (300
// trees of 31 leaves, 40 columns) as processes on this machine. The same client
// sends one row per call from the same number of callers; runs alternate. Before
// it measures, it asks each server for the same rows and compares their scores.
// It takes three minutes.
//
// For each server it prints the median, least and greatest of the runs:
//
//	RATE endtoend_<server>            calls a second
//	MS   endtoend_<server>_p50, _p99  from sending to the reply, at that rate
//	US   endtoend_<server>_cpu        processor time of the server for one call
//	MB   endtoend_<server>_memory     resident memory of all its processes
//	RATIO endtoend_<ours>_vs_<peer>   our calls a second over the peer's
//
// assay_score is a full decision: validation, features, model, policy, reasons, a
// durable journal record and a signed promise. assay_oip is the same server asked
// as its peers are: a row of numbers in, a score out, nothing recorded.
//
//	go run ./benchmarks/endtoend -python DIR/bin/python
//
// benchmarks/peers/setup DIR installs the peers, the servers below DIR/serving.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/load"
	"github.com/assayrisk/assay/benchmarks/internal/world"
)

type options struct {
	python, peers, only string
	callers, runs       int
	seconds             float64
}

var modelShape = world.Shape{Rows: 20_000, Columns: 40, Trees: 300, Leaves: 31}

func main() {
	var o options
	flag.StringVar(&o.python, "python", "",
		"interpreter with the peers; the servers' own is serving/bin/python, two directories above it")
	flag.StringVar(&o.peers, "peers", "benchmarks/peers", "directory of the peers' programs")
	flag.StringVar(&o.only, "only", "", "comma-separated servers (default: all)")
	flag.IntVar(&o.callers, "callers", 64, "callers, each waiting for its reply")
	flag.IntVar(&o.runs, "runs", 3, "alternating runs")
	flag.Float64Var(&o.seconds, "seconds", 4, "length of a run, after a quarter of it to warm up")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "endtoend:", err)
		os.Exit(1)
	}
}

// runValues holds what was measured of a server in each run.
type runValues struct{ rate, p50, p99, cpu, memory []float64 }

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "assay-endtoend-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bundle := filepath.Join(dir, "bundle")
	if err := world.WriteBundle(ctx, bundle, "1", modelShape); err != nil {
		return err
	}
	rows := world.Table(world.Shape{Rows: 512, Columns: modelShape.Columns, Trees: 1, Leaves: 2}, 2)
	var servers []*server
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	for _, k := range serverKinds {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+k.name+",") {
			continue
		}
		s, err := k.start(ctx, o, dir, bundle, rows)
		if err != nil && k.peer {
			fmt.Printf("%s is left out: %v\n", k.name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		s.name, s.peer = k.name, k.peer
		servers = append(servers, s)
	}
	if err := checkSameScores(ctx, servers, rows); err != nil {
		return err
	}
	seen := map[string]*runValues{}
	for range o.runs {
		for _, s := range servers {
			if seen[s.name] == nil {
				seen[s.name] = new(runValues)
			}
			if err := s.measure(ctx, o, seen[s.name]); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	printFigures(servers, seen)
	return nil
}

// measure makes one run and adds its values.
func (s *server) measure(ctx context.Context, o options, to *runValues) error {
	length := time.Duration(o.seconds * float64(time.Second))
	before := s.process.Usage()
	r, err := load.Closed(ctx, o.callers, length, s.call)
	if err != nil {
		return err
	}
	after := s.process.Usage()
	to.rate, to.memory = append(to.rate, r.PerSecond), append(to.memory, after.Memory)
	to.p50 = append(to.p50, figure.Milliseconds(r.P50))
	to.p99 = append(to.p99, figure.Milliseconds(r.P99))
	to.cpu = append(to.cpu, float64((after.CPU-before.CPU).Microseconds())/float64(r.Total))
	return nil
}

func printFigures(servers []*server, seen map[string]*runValues) {
	for _, s := range servers {
		x, name := seen[s.name], "endtoend_"+s.name
		fmt.Println(figure.Of("RATE", name, x.rate))
		fmt.Println(figure.Of("MS", name+"_p50", x.p50))
		fmt.Println(figure.Of("MS", name+"_p99", x.p99))
		fmt.Println(figure.Of("US", name+"_cpu", x.cpu))
		fmt.Println(figure.Of("MB", name+"_memory", x.memory))
	}
	for _, ours := range servers {
		for _, peer := range servers {
			if !ours.peer && peer.peer {
				name := fmt.Sprintf("endtoend_%s_vs_%s", strings.TrimPrefix(ours.name, "assay_"), peer.name)
				fmt.Println(figure.Over(name, seen[ours.name].rate, seen[peer.name].rate))
			}
		}
	}
}
