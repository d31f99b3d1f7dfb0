// SPDX-License-Identifier: Apache-2.0

// Predict times the compiled predictor beside leaves, LightGBM's C API, a
// model compiled by TL2cgen, and ONNX Runtime, all on one thread, on the same
// rows, in alternating rounds. It prints the median over the rounds of
//
//	RATIO predict_single_vs_<peer>_<case>   the peer's time for a row over ours
//	RATIO predict_batch_vs_<peer>_<case>    the same in batches of 1024
//	RATIO shap_single_vs_lightgbm_<case>    one exact explanation
//	NS predict_single_<case>, ...           our own nanoseconds for a row
//	COMPILE <case> milliseconds
//
// Margins are compared first: ours, leaves' and LightGBM's must have the same
// bits. Models are trained into -dir on first use. Built with -tags purego the
// names start with predict_go_: the form without assembly.
//
//	go run ./benchmarks/predict -python python3
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/figure"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/interchange"
	"github.com/dmitryikh/leaves"
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
}

func main() {
	var c config
	cases := flag.String("cases", "100x31,300x31,300x63,500d8,1000x255,cats300x63", "comma-separated cases")
	flag.StringVar(&c.dir, "dir", filepath.Join(os.TempDir(), "assay-bench-predict"), "where models are kept")
	flag.StringVar(&c.python, "python", "python3", "interpreter that has lightgbm, and for the other peers onnxmltools, onnxruntime and tl2cgen")
	flag.StringVar(&c.peers, "peers", "benchmarks/peers", "directory of the peers' programs")
	flag.IntVar(&c.rounds, "rounds", 15, "alternating rounds")
	flag.DurationVar(&c.slice, "slice", 20*time.Millisecond, "time of one measurement")
	with := flag.String("with", "leaves,lightgbm,tl2cgen,onnx", "peers to run")
	flag.Parse()
	c.with = strings.Split(*with, ",")
	for _, name := range strings.Split(*cases, ",") {
		if err := c.run(name); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

func (c *config) run(name string) error {
	model, rows := filepath.Join(c.dir, name+".txt"), filepath.Join(c.dir, name+".f64")
	if _, err := os.Stat(rows); err != nil {
		train := exec.Command(c.python, filepath.Join(c.peers, "predict_models.py"), c.dir, name)
		train.Stderr = os.Stderr
		if err := train.Run(); err != nil {
			return fmt.Errorf("train the model: %w", err)
		}
	}
	text, err := os.ReadFile(model)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(rows)
	if err != nil {
		return err
	}
	x := make([]float64, len(raw)/8)
	for i := range x {
		x[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	m, err := interchange.ReadLightGBM(bytes.NewReader(text))
	if err != nil {
		return err
	}
	start := time.Now()
	f, err := forest.Compile(m)
	if err != nil {
		return err
	}
	fmt.Printf("COMPILE %s %.1f\n", name, float64(time.Since(start).Microseconds())/1000)
	if _, err := interchange.Gate(text, f, x[:512*features]); err != nil {
		return err
	}
	ours := &local{x: x, one: f.Margin, many: f.Margins, explain: f.Contributions}
	runners := []runner{ours}
	names := []string{"ours"}
	for _, p := range c.with {
		r, err := c.peer(p, name, text, model, rows, x)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: without %s: %v\n", name, p, err)
			continue
		}
		if err := sameMargins(p, r, f, x); err != nil {
			return err
		}
		runners, names = append(runners, r), append(names, p)
	}
	c.measure(name, names, runners)
	for _, r := range runners {
		r.close()
	}
	return nil
}

func (c *config) peer(peer, name string, text []byte, model, rows string, x []float64) (runner, error) {
	switch peer {
	case "leaves":
		v3 := bytes.Replace(text, []byte("version=v4"), []byte("version=v3"), 1)
		e, err := leaves.LGEnsembleFromReader(bufio.NewReader(bytes.NewReader(v3)), false)
		if err != nil {
			return nil, err
		}
		return &local{x: x, one: func(x []float64) float64 { return e.PredictSingle(x, 0) }, many: func(dst, rows []float64) {
			if err := e.PredictDense(rows, len(dst), features, dst, 0, 1); err != nil {
				panic(err)
			}
		}}, nil
	case "lightgbm":
		find := exec.Command(c.python, "-c", "import lightgbm, os; d = os.path.dirname(lightgbm.__file__); print(next(p for p in (os.path.join(d, 'lib', 'lib_lightgbm.so'), os.path.join(d, 'lib_lightgbm.so')) if os.path.exists(p)))")
		lib, err := find.Output()
		if err != nil {
			return nil, fmt.Errorf("find lib_lightgbm.so: %w", err)
		}
		bin, err := c.compileC()
		if err != nil {
			return nil, err
		}
		return startChild(bin, "lightgbm", strings.TrimSpace(string(lib)), model, rows, strconv.Itoa(features))
	case "tl2cgen":
		bin, err := c.compileC()
		if err != nil {
			return nil, err
		}
		lib := filepath.Join(c.dir, name+".so")
		if _, err := os.Stat(lib); err != nil {
			if out, err := exec.Command(c.python, filepath.Join(c.peers, "predict_tl2cgen.py"), model, lib).CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%w: %s", err, out)
			}
		}
		return startChild(bin, "tl2cgen", lib, "-", rows, strconv.Itoa(features))
	case "onnx":
		return startChild(c.python, filepath.Join(c.peers, "predict_onnx.py"), model, rows, strconv.Itoa(features))
	}
	return nil, fmt.Errorf("unknown peer")
}

func (c *config) compileC() (string, error) {
	bin := filepath.Join(c.dir, "predict_c")
	out, err := exec.Command("cc", "-O2", "-o", bin, filepath.Join(c.peers, "predict_c.c"), "-ldl").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("compile predict_c.c: %w: %s", err, out)
	}
	return bin, nil
}

// sameMargins holds a peer that printed margins to ours.
func sameMargins(peer string, r runner, f *forest.Forest, x []float64) error {
	worst := 0.0
	for i, m := range r.margins() {
		worst = max(worst, math.Abs(m-f.Margin(x[i*features:(i+1)*features])))
	}
	if worst > 0 && peer != "tl2cgen" {
		return fmt.Errorf("margins differ from those of %s by up to %v", peer, worst)
	}
	if worst > 0 {
		fmt.Printf("MARGINDIFF %s %g\n", peer, worst)
	}
	return nil
}

// measure runs the rounds and prints the ratios.
func (c *config) measure(name string, names []string, runners []runner) {
	prefix := ""
	if forest.Kernels() == "go" {
		prefix = "go_"
	}
	for _, what := range []string{"single", "batch", "contrib"} {
		times := make([][]float64, len(runners))
		rows := make([]int, len(runners))
		for round := range c.rounds + 1 {
			for i, r := range runners {
				if what == "contrib" && !r.explains() {
					continue
				}
				if round == 0 { // warm up, and find how many rows fill the slice
					n := 16
					ns := r.run(what, n)
					rows[i] = max(8, min(1<<20, int(float64(c.slice.Nanoseconds())/ns)))
					r.run(what, rows[i])
					continue
				}
				times[i] = append(times[i], r.run(what, rows[i]))
			}
		}
		label := "predict_" + prefix + what
		if what == "contrib" {
			label = "shap_" + prefix + "single"
		}
		fmt.Printf("NS %s_%s %.0f\n", label, name, median(times[0]))
		for i := range runners[1:] {
			if len(times[i+1]) == 0 {
				continue
			}
			ratios := make([]float64, c.rounds)
			for k := range ratios {
				ratios[k] = times[i+1][k] / times[0][k]
			}
			fmt.Println(figure.Of("RATIO", fmt.Sprintf("%s_vs_%s_%s", label, names[i+1], name), ratios))
		}
	}
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	return s[len(s)/2]
}
