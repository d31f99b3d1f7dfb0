// SPDX-License-Identifier: Apache-2.0

// Predict times the compiled predictor beside leaves, LightGBM's C API, Treelite
// (the model as its compiler, TL2cgen, makes it a C library) and ONNX Runtime,
// all on one thread, on the same rows, in alternating rounds, each of which goes
// through all cases, so that none is measured in one minute alone. It prints the
// median over the rounds, the least and the greatest, of
//
//	RATIO predict_single_vs_<peer>_<case>   the peer's time for a row over ours
//	RATIO predict_batch_vs_<peer>_<case>    the same in batches of 1024
//	RATIO shap_single_vs_lightgbm_<case>    one exact explanation
//	NS predict_single_<case>, ...           our own nanoseconds for a row
//	MS predict_compile_<case>               making the compiled form, on all cores
//	MB predict_memory_<case>                what the compiled form keeps
//
// Margins are compared first: ours, leaves' and LightGBM's must have the same
// bits. Models are trained into -dir on first use.
//
// Then it builds itself with -tags purego and runs that beside leaves: the names
// of the form without assembly start with predict_go_ and shap_go_.
//
//	go run ./benchmarks/predict -python python3
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
	slice              time.Duration
	with               []string
	compiling          time.Duration // that Treelite's libraries took so far
}

func main() {
	var c config
	cases := flag.String("cases", "100x31,300x31,300x63,500d8,1000x255,cats300x63", "comma-separated cases")
	flag.StringVar(&c.dir, "dir", filepath.Join(os.TempDir(), "assay-bench-predict"), "where models are kept")
	flag.StringVar(&c.python, "python", "python3",
		"interpreter that has lightgbm, and for the other peers onnxmltools, onnxruntime, treelite and tl2cgen")
	flag.StringVar(&c.peers, "peers", "benchmarks/peers", "directory of the peers' programs")
	flag.IntVar(&c.rounds, "rounds", 15, "alternating rounds")
	flag.DurationVar(&c.slice, "slice", 20*time.Millisecond, "time of one measurement")
	with := flag.String("with", "leaves,lightgbm,treelite,onnxruntime", "comma-separated peers")
	twin := flag.Bool("twin", true, "also build and time the form without assembly; from the repository's root")
	flag.Parse()
	c.with = strings.FieldsFunc(*with, func(r rune) bool { return r == ',' })
	var all []*subject
	for _, name := range strings.Split(*cases, ",") {
		s, err := c.subject(name)
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
		if err := c.runTwin(*cases); err != nil {
			fmt.Fprintf(os.Stderr, "the form without assembly: %v\n", err)
			os.Exit(1)
		}
	}
}

// runTwin runs this program as built without assembly.
func (c *config) runTwin(cases string) error {
	bin := filepath.Join(c.dir, "predict_go")
	build := exec.Command("go", "build", "-tags", "purego", "-o", bin, "./benchmarks/predict")
	run := exec.Command(bin, "-cases", cases, "-dir", c.dir, "-python", c.python, "-peers", c.peers, "-with", "leaves",
		"-rounds", strconv.Itoa((c.rounds+1)/2), "-slice", c.slice.String())
	for _, x := range []*exec.Cmd{build, run} {
		x.Stdout, x.Stderr = os.Stdout, os.Stderr
		if err := x.Run(); err != nil {
			return err
		}
	}
	return nil
}

// subject makes a model ready, in every program that scores it.
func (c *config) subject(name string) (*subject, error) {
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
	ours := &local{x: x, one: f.Margin, many: f.Margins, explain: f.Contributions}
	s := &subject{name: name, names: []string{"ours"}, runners: []runner{ours}}
	for _, p := range c.with {
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

// compile makes the compiled form and prints what that takes.
func (c *config) compile(name string, m *models.Model) (*forest.Forest, error) {
	heap := func() float64 {
		var s runtime.MemStats
		runtime.GC() // the first moves what pools hold to where the second frees it
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
	fmt.Println(figure.Of("MS", prefix()+"compile_"+name, ms))
	fmt.Println(figure.Of("MB", prefix()+"memory_"+name, mb))
	return f, nil
}

// prefix tells the figures of a program built without assembly from others.
func prefix() string {
	if forest.Kernels() == "go" {
		return "predict_go_"
	}
	return "predict_"
}
