// SPDX-License-Identifier: Apache-2.0

// Predict compares the compiled predictor with leaves, LightGBM's C API, Treelite
// (the model as a C library, made by its compiler TL2cgen) and ONNX Runtime, all
// on one thread and on the same rows, in alternating rounds. Each round goes
// through all cases, so that no case is measured in one minute alone. It takes
// four minutes, and about as long once more when it first makes the models in
// -dir. It prints the median, least and greatest over the rounds of
//
//	RATIO predict_single_vs_<peer>_<case>   the peer's time for a row over ours
//	RATIO predict_batch_vs_<peer>_<case>    the same in batches of 1024
//	RATIO shap_single_vs_lightgbm_<case>    the same for one exact explanation
//	NS predict_single_<case>, ...           our nanoseconds for a row
//	MS predict_compile_<case>               compiling the model, on all cores
//	MB predict_memory_<case>                memory of the compiled model
//
// Margins are compared first: ours, leaves' and LightGBM's must have the same
// bits.
//
// Then it builds itself with -tags purego, without assembly, and compares that
// with leaves; the names of these figures begin with predict_go_ and shap_go_.
//
//	go run ./benchmarks/predict -python python3
//
// The files: case.go has a model and its rounds, runner.go the programs that score
// it, in this process or another, peers.go starts the peers.
package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/interchange"
)

const (
	features = 50
	batch    = 1024
)

type config struct {
	dir, python, peers string
	rounds             int
	sliceTime          time.Duration
	peerNames          []string
	libraryTime        time.Duration // that compiling Treelite's libraries has taken so far
}

func main() {
	var c config
	cases := flag.String("cases", "100x31,300x31,300x63,500d8,1000x255,cats300x63", "comma-separated cases")
	flag.StringVar(&c.dir, "dir", filepath.Join(os.TempDir(), "assay-bench-predict"), "where models are kept")
	flag.StringVar(&c.python, "python", "python3",
		"interpreter that has lightgbm, and for the other peers onnxmltools, onnxruntime, treelite and tl2cgen")
	flag.StringVar(&c.peers, "peers", "benchmarks/peers", "directory of the peers' programs")
	flag.IntVar(&c.rounds, "rounds", 15, "alternating rounds")
	flag.DurationVar(&c.sliceTime, "slice", 20*time.Millisecond, "time of one measurement")
	with := flag.String("with", "leaves,lightgbm,treelite,onnxruntime", "comma-separated peers")
	twin := flag.Bool("twin", true, "also build and time the predictor without assembly; from the repository's root")
	flag.Parse()
	c.peerNames = strings.FieldsFunc(*with, func(r rune) bool { return r == ',' })
	var all []*modelCase
	for _, name := range strings.Split(*cases, ",") {
		s, err := c.newCase(name)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
		all = append(all, s)
	}
	c.measure(all)
	for _, s := range all {
		s.print()
	}
	if *twin && forest.Kernels() != "go" {
		if err := c.runWithoutAssembly(*cases); err != nil {
			fmt.Fprintf(os.Stderr, "the predictor without assembly: %v\n", err)
			os.Exit(1)
		}
	}
}

// runWithoutAssembly builds this program without assembly and runs it.
func (c *config) runWithoutAssembly(cases string) error {
	bin := filepath.Join(c.dir, "predict_go")
	build := exec.Command("go", "build", "-tags", "purego", "-o", bin, "./benchmarks/predict")
	run := exec.Command(bin, "-cases", cases, "-dir", c.dir, "-python", c.python, "-peers", c.peers, "-with", "leaves",
		"-rounds", strconv.Itoa((c.rounds+1)/2), "-slice", c.sliceTime.String())
	for _, x := range []*exec.Cmd{build, run} {
		x.Stdout, x.Stderr = os.Stdout, os.Stderr
		if err := x.Run(); err != nil {
			return err
		}
	}
	return nil
}

// newCase makes a model ready in every program that scores it.
func (c *config) newCase(name string) (*modelCase, error) {
	model, rows := filepath.Join(c.dir, name+".txt"), filepath.Join(c.dir, name+".f64")
	if _, err := os.Stat(rows); err != nil {
		train := exec.Command(c.python, filepath.Join(c.peers, "predict_models.py"), c.dir, name)
		train.Stderr = os.Stderr
		if err := train.Run(); err != nil {
			return nil, fmt.Errorf("train the model: %w", err)
		}
	}
	text, err := os.ReadFile(model)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(rows)
	if err != nil {
		return nil, err
	}
	x := make([]float64, len(raw)/8)
	for i := range x {
		x[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	m, err := interchange.ReadLightGBM(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	f, err := c.compile(name, m)
	if err != nil {
		return nil, err
	}
	if _, err := interchange.Gate(text, f, x[:512*features]); err != nil {
		return nil, err
	}
	ours := &inProcess{x: x, scoreRow: f.Margin, scoreBatch: f.Margins, explain: f.Contributions}
	s := &modelCase{name: name, names: []string{"ours"}, runners: []runner{ours}}
	for _, p := range c.peerNames {
		r, err := c.peer(p, name, text, model, rows, x)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: without %s: %v\n", name, p, err)
			continue
		}
		if err := sameMargins(p, r, f, x); err != nil {
			return nil, err
		}
		s.runners, s.names = append(s.runners, r), append(s.names, p)
	}
	return s, nil
}

// compile compiles a model and prints the time and memory that it takes.
func (c *config) compile(name string, m *models.Model) (*forest.Forest, error) {
	heap := func() float64 {
		var s runtime.MemStats
		runtime.GC() // it takes two collections to free what pools hold
		runtime.GC()
		runtime.ReadMemStats(&s)
		return float64(s.HeapAlloc) / 1e6
	}
	var f *forest.Forest
	var ms, mb []float64
	for range 5 {
		f = nil
		before := heap()
		start := time.Now()
		var err error
		if f, err = forest.Compile(m); err != nil {
			return nil, err
		}
		ms = append(ms, float64(time.Since(start).Microseconds())/1000)
		mb = append(mb, heap()-before)
		runtime.KeepAlive(f)
	}
	fmt.Println(figure.Of("MS", figurePrefix()+"compile_"+name, ms))
	fmt.Println(figure.Of("MB", figurePrefix()+"memory_"+name, mb))
	return f, nil
}

// figurePrefix begins the names of figures; a program built without assembly has
// another.
func figurePrefix() string {
	if forest.Kernels() == "go" {
		return "predict_go_"
	}
	return "predict_"
}
