// SPDX-License-Identifier: Apache-2.0

// Bench runs the project's benchmarks one after another, keeps what they
// print, and writes benchmarks/results/<date>.json and the tables of
// docs/performance.md from it, so that no figure there is typed by hand.
//
//	go run ./benchmarks/bench -python /path/to/peers/bin/python
//	go run ./benchmarks/bench -only ledger,predict
//	go run ./benchmarks/bench -render            the tables from the newest results alone
//
// It says when the machine was too busy for its figures to be trusted: each
// area starts only after the load of the last minute was looked at, and the
// load stands beside the figures.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// area is one benchmark program and how it is run.
type area struct {
	Name string
	Args []string // after "go run"
	Peer bool     // needs the peers' interpreter
}

// figure is one line that a benchmark printed: a kind (RATIO, NS, ...), a name
// and a value.
type figure struct {
	Kind  string  `json:"kind"`
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// outcome is what one area printed.
type outcome struct {
	Area    string   `json:"area"`
	Command string   `json:"command"`
	Load    float64  `json:"load_before"` // of the last minute, other work included
	Seconds float64  `json:"seconds"`
	Error   string   `json:"error,omitempty"`
	Figures []figure `json:"figures"`
}

// results is the file.
type results struct {
	Date     string            `json:"date"`
	Commit   string            `json:"commit"`
	Go       string            `json:"go"`
	OS       string            `json:"os"`
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	Quiet    bool              `json:"quiet"` // no area began with a load above 0.5
	Versions map[string]string `json:"peers"`
	Areas    []outcome         `json:"areas"`
}

func main() {
	python := flag.String("python", os.Getenv("ASSAY_PEERS_PYTHON"), "interpreter that has the peers (benchmarks/peers/setup makes one)")
	flights := flag.String("flights", os.Getenv("ASSAY_FLIGHTS"), "flights-3m.parquet, for one training case")
	only := flag.String("only", "", "comma-separated areas: train, predict, features, serve, ledger, anchor, eval")
	full := flag.Bool("full", false, "more rounds and every case: about an hour")
	render := flag.Bool("render", false, "write the tables from the newest results and measure nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *python, *flights, *only, *full, *render); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, python, flights, only string, full, renderOnly bool) error {
	if renderOnly {
		return renderNewest()
	}
	r := machine(ctx, python)
	var failed []string
	for _, a := range areas(python, flights, full) {
		if only != "" && !slices.Contains(strings.Split(only, ","), a.Name) {
			continue
		}
		if a.Peer && python == "" {
			fmt.Printf("== %s: left out, -python names no interpreter with the peers\n", a.Name)
			continue
		}
		o := measure(ctx, a)
		r.Quiet = r.Quiet && o.Load <= 0.5
		if r.Areas = append(r.Areas, o); o.Error != "" {
			failed = append(failed, a.Name)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if !r.Quiet {
		fmt.Println("The machine was busy with other work: do not trust these figures.")
	}
	if err := save(r); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("these areas failed: %s", strings.Join(failed, ", "))
	}
	return renderNewest()
}

// areas lists the programs. The short form keeps the whole under 45 minutes on
// two cores.
func areas(python, flights string, full bool) []area {
	train := []string{"./benchmarks/train", "-python", python}
	predict := []string{"./benchmarks/predict", "-python", python}
	features := []string{"./benchmarks/features", "-python", python}
	serve := []string{"./benchmarks/serve"}
	ledger := []string{"./benchmarks/ledger"}
	if flights != "" {
		train = append(train, "-flights", flights)
	}
	if full {
		serve = append(serve, "-latency")
	} else {
		train = append(train, "-runs", "3")
		serve = append(serve, "-runs", "3")
	}
	return []area{
		{"ledger", ledger, false}, {"anchor", []string{"./benchmarks/anchor"}, false}, {"eval", []string{"./benchmarks/eval"}, false},
		{"features", features, true}, {"predict", predict, true}, {"serve", serve, false}, {"train", train, true},
	}
}

// measure runs one area and keeps its figures.
func measure(ctx context.Context, a area) outcome {
	o := outcome{Area: a.Name, Command: "go run " + strings.Join(a.Args, " "), Load: load()}
	fmt.Printf("== %s (load %.2f)\n", a.Name, o.Load)
	start := time.Now()
	c := exec.CommandContext(ctx, "go", append([]string{"run"}, a.Args...)...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	var out bytes.Buffer
	c.Stdout, c.Stderr = io.MultiWriter(&out, os.Stdout), os.Stderr
	if err := c.Run(); err != nil {
		o.Error = err.Error()
	}
	o.Seconds = time.Since(start).Seconds()
	o.Figures = figures(&out)
	return o
}

// figures reads the lines "KIND name value" with KIND in capitals.
func figures(r io.Reader) []figure {
	var out []figure
	for s := bufio.NewScanner(r); s.Scan(); {
		f := strings.Fields(s.Text())
		if len(f) != 3 || f[0] != strings.ToUpper(f[0]) || strings.ContainsAny(f[0]+f[1], "=|") {
			continue
		}
		if v, err := strconv.ParseFloat(f[2], 64); err == nil {
			out = append(out, figure{f[0], f[1], v})
		}
	}
	return out
}

// load returns the load average of the last minute, 0 where it is not known.
func load() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) == 0 {
		return 0
	}
	v, _ := strconv.ParseFloat(f[0], 64)
	return v
}

func machine(ctx context.Context, python string) *results {
	r := &results{
		Date: time.Now().UTC().Format(time.DateOnly), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Cores: runtime.NumCPU(), Quiet: true, Versions: map[string]string{},
	}
	if b, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output(); err == nil {
		r.Commit = strings.TrimSpace(string(b))
	}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				r.CPU = strings.TrimSpace(v)
			}
		}
		for _, set := range []string{"avx512f", "avx2"} {
			if bytes.Contains(b, []byte(" "+set)) {
				r.CPU += ", " + set
				break
			}
		}
	}
	if python != "" {
		b, err := exec.CommandContext(ctx, python, "-m", "pip", "list", "--format=json").Output()
		var list []struct{ Name, Version string }
		if err == nil && json.Unmarshal(b, &list) == nil {
			for _, p := range list {
				if slices.Contains([]string{"lightgbm", "xgboost", "polars", "onnxruntime", "tl2cgen", "treelite", "scikit-learn", "scipy"}, p.Name) {
					r.Versions[p.Name] = p.Version
				}
			}
		}
	}
	return r
}

const resultsDir = "benchmarks/results"

// save merges into the day's file: areas measured again replace older ones.
func save(r *results) error {
	path := filepath.Join(resultsDir, r.Date+".json")
	if old, err := read(path); err == nil && old.Commit == r.Commit {
		for _, o := range old.Areas {
			if !slices.ContainsFunc(r.Areas, func(n outcome) bool { return n.Area == o.Area }) {
				r.Areas = append(r.Areas, o)
				r.Quiet = r.Quiet && old.Quiet
			}
		}
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(resultsDir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

func read(path string) (*results, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(results)
	return r, json.Unmarshal(b, r)
}
