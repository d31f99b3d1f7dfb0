// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// evaluateMadeUp evaluates n rows whose model is a known function, so that only
// the report is measured.
func evaluateMadeUp(ctx context.Context, n, features int, out, python string) error {
	r := rand.New(rand.NewPCG(1, 2))
	in := report.Input{Title: fmt.Sprintf("%d made-up rows", n), Seed: 1}
	for j := range features {
		f := report.Feature{Name: fmt.Sprintf("x%d", j), Values: make([]float64, n), Train: make([]float64, n/2)}
		for i := range f.Values {
			f.Values[i] = r.NormFloat64()
		}
		for i := range f.Train {
			f.Train[i] = r.NormFloat64()
		}
		in.Features = append(in.Features, f)
	}
	score := func(x func(j int) float64) float64 {
		s := -2.2
		for j := range features {
			s += x(j) / float64(j+1)
		}
		return s
	}
	rival := make([]float64, n)
	in.Label, in.PD, in.Margin = make([]float64, n), make([]float64, n), make([]float64, n)
	first := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		s := score(func(j int) float64 { return in.Features[j].Values[i] })
		in.Margin[i], in.PD[i] = s, 1/(1+math.Exp(-s))
		rival[i] = s + 0.5*r.NormFloat64()
		if r.Float64() < in.PD[i] {
			in.Label[i] = 1
		}
		in.Time = append(in.Time, first.AddDate(0, 0, i*730/n))
	}
	in.Train = &report.Train{Label: in.Label[:n/2], PD: in.PD[:n/2]}
	in.Challenger = []report.Challenger{{Name: "noisy twin", Score: rival}}
	before := peakMB()
	start := time.Now()
	rep, err := report.Build(ctx, in)
	if err != nil {
		return err
	}
	built := time.Since(start)
	fmt.Printf("# a report of %d rows and %d features\n", n, features)
	fmt.Println(figure.One("S", "eval_report", built.Seconds()))
	fmt.Println(figure.One("MB", "eval_report_peak", peakMB()))
	fmt.Println(figure.One("MB", "eval_report_rows_themselves", before))
	if out != "" {
		if err := writeReport(rep, out); err != nil {
			return err
		}
	}
	if python == "" {
		return nil
	}
	return compareWithSklearn(in, python)
}

// compareWithSklearn times AUC, average precision, KS, Brier score and log-loss
// here and in Python, in turn, and compares their values.
func compareWithSklearn(in report.Input, python string) error {
	dir, err := os.MkdirTemp("", "assay-eval")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "rows.f64")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for _, col := range [][]float64{in.Label, in.PD} {
		if err := binary.Write(f, binary.LittleEndian, col); err != nil {
			f.Close()
			return err
		}
	}
	if err := f.Close(); err != nil {
		return err
	}
	var ours, theirs []float64
	for range 3 {
		start := time.Now()
		here, err := metrics(in)
		if err != nil {
			return err
		}
		ours = append(ours, time.Since(start).Seconds())
		out, err := exec.Command(python, filepath.Join("benchmarks", "peers", "eval_metrics.py"), path).Output()
		if err != nil {
			return fmt.Errorf("python peer (run from the repository's root): %w", err)
		}
		var seconds float64
		var there [5]float64
		if _, err := fmt.Sscan(string(out), &seconds, &there[0], &there[1], &there[2], &there[3],
			&there[4]); err != nil {
			return fmt.Errorf("python peer: %w", err)
		}
		theirs = append(theirs, seconds)
		for k, name := range []string{"auc", "average_precision", "ks", "brier", "logloss"} {
			if !(math.Abs(there[k]-here[k]) <= 1e-9) {
				return fmt.Errorf("%s: %v here, %v in Python", name, here[k], there[k])
			}
		}
	}
	fmt.Println(figure.Over("eval_metrics_vs_sklearn", theirs, ours))
	return nil
}

func metrics(in report.Input) ([5]float64, error) {
	c, err := eval.NewCurve(in.Label, in.PD)
	if err != nil {
		return [5]float64{}, err
	}
	ks, _ := c.KS()
	return [5]float64{c.AUC(), c.AveragePrecision(), ks, eval.Brier(in.Label, in.PD, nil),
			eval.LogLoss(in.Label, in.PD, nil)},
		nil
}

func writeReport(r *document.Report, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, to := range map[string]func(io.Writer) error{"report.html": r.WriteHTML, "report.json": r.WriteJSON} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := errors.Join(to(f), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
