// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// areaResult holds the figures of one area, and how quiet the machine was.
type areaResult struct {
	Area      string          `json:"area"`
	Commit    string          `json:"commit"`
	Time      string          `json:"time,omitempty"` // when it ended
	Commands  []string        `json:"commands,omitempty"`
	Seconds   float64         `json:"seconds"`
	Quiet     bool            `json:"quiet"`
	Before    quietness       `json:"before"`
	Meanwhile float64         `json:"others_meanwhile"` // share of the machine that others used
	Skipped   string          `json:"skipped,omitempty"`
	Error     string          `json:"error,omitempty"`
	Figures   []figure.Figure `json:"figures"`
}

// results is the content of a results file: the areas measured on one day.
type results struct {
	Date   string            `json:"date"`
	Commit string            `json:"commit"` // with a + when the tree had changes on top
	Go     string            `json:"go"`
	OS     string            `json:"os"`
	Kernel string            `json:"kernel,omitempty"`
	CPU    string            `json:"cpu"`
	Cores  int               `json:"cores"`
	Memory float64           `json:"memory_gib,omitempty"`
	Peers  map[string]string `json:"peers"`
	Areas  []areaResult      `json:"areas"`
}

// get returns a figure by name.
func (r *results) get(name string) (figure.Figure, bool) {
	for _, a := range r.Areas {
		for _, f := range a.Figures {
			if f.Name == name {
				return f, true
			}
		}
	}
	return figure.Figure{}, false
}

// peerPackages are the packages whose versions the results name.
var peerPackages = []string{"lightgbm", "xgboost", "polars", "onnxruntime", "tl2cgen", "treelite",
	"scikit-learn", "scipy",
	"mlserver", "bentoml", "fastapi", "uvicorn", "grpcio"}

// describeMachine returns results without areas: date, commit, machine and
// versions.
func describeMachine(ctx context.Context, o options) *results {
	r := &results{
		Date: time.Now().UTC().Format(time.DateOnly), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Cores: runtime.NumCPU(), Peers: map[string]string{},
	}
	if b, err := exec.CommandContext(ctx, "git", "rev-parse", "--short=12", "HEAD").Output(); err == nil {
		r.Commit = strings.TrimSpace(string(b))
		if b, err := exec.CommandContext(ctx, "git", "status", "--porcelain",
			"--untracked-files=no").Output(); err != nil || len(b) > 0 {
			r.Commit += "+"
		}
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		r.Kernel = strings.TrimSpace(string(b))
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
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib float64
		if _, err := fmt.Sscanf(string(b), "MemTotal: %f kB", &kib); err == nil {
			r.Memory = float64(int(kib/(1<<20)*10)) / 10
		}
	}
	for _, python := range []string{o.python,
		filepath.Join(filepath.Dir(filepath.Dir(o.python)), "serving", "bin", "python")} {
		b, err := exec.CommandContext(ctx, python, "-m", "pip", "list", "--format=json").Output()
		var list []struct{ Name, Version string }
		if o.python == "" || err != nil || json.Unmarshal(b, &list) != nil {
			continue
		}
		for _, p := range list {
			if name := strings.ToLower(p.Name); slices.Contains(peerPackages, name) {
				r.Peers[name] = p.Version
			}
		}
	}
	return r
}

const resultsDir = "benchmarks/results"

// save writes the day's file below root. It takes over areas that were not
// measured now from the newest results, each with its commit and time, if those
// results are of the same machine.
func save(root string, r *results) error {
	whole := *r
	whole.Areas, whole.Peers = slices.Clone(r.Areas), maps.Clone(r.Peers)
	old, file, err := newestResults(root)
	switch {
	case errors.Is(err, errNoResults):
	case err != nil:
		return err
	case old.CPU == r.CPU && old.Cores == r.Cores && old.OS == r.OS:
		takeOver(&whole, old)
	default:
		fmt.Printf("%s was measured on another machine: nothing is taken over from it\n", file)
	}
	b, err := json.MarshalIndent(&whole, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(root, resultsDir, r.Date+".json")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// takeOver adds to r those areas of old that r lacks or has no figures of, in
// the order of areas.
func takeOver(r, old *results) {
	for _, o := range old.Areas {
		i := slices.IndexFunc(r.Areas, func(n areaResult) bool { return n.Area == o.Area })
		switch {
		case i < 0:
			r.Areas = append(r.Areas, o)
		case len(r.Areas[i].Figures) == 0 && len(o.Figures) > 0:
			r.Areas[i] = o
		}
	}
	for name, version := range old.Peers {
		if r.Peers[name] == "" {
			r.Peers[name] = version
		}
	}
	place := map[string]int{}
	for i, a := range append(areas(options{}), longAreas(options{})...) {
		place[a.Name] = i
	}
	slices.SortStableFunc(r.Areas, func(a, b areaResult) int { return place[a.Area] - place[b.Area] })
}

func readResults(path string) (*results, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := new(results)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return r, d.Decode(r)
}

var errNoResults = errors.New("there are no results yet: run `make bench`")

// newestResults returns the newest results below root, and their file's path there.
func newestResults(root string) (*results, string, error) {
	files, err := filepath.Glob(filepath.Join(root, resultsDir, "*.json"))
	if err != nil {
		return nil, "", err
	}
	if len(files) == 0 {
		return nil, "", errNoResults
	}
	slices.Sort(files)
	file := files[len(files)-1]
	r, err := readResults(file)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", file, err)
	}
	return r, resultsDir + "/" + filepath.Base(file), nil
}
