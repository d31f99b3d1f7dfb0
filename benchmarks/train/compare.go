// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// comparison says how trainers are compared.
type comparison struct {
	python, peers string
	trainers      []string
	runs, threads int
	rounds        int
	seeds         bool      // run k has the seed k
	until         time.Time // when all cases should be done; zero: no limit
}

// leastRuns are the runs that a case makes however long they take.
const leastRuns = 3

// share is how much of the time that is left a case may take, by its weight among
// the weights of the cases that are left; 0: as long as it takes.
func (c *comparison) share(weight, left float64) time.Duration {
	if c.until.IsZero() {
		return 0
	}
	return max(1, time.Duration(float64(time.Until(c.until))*weight/left))
}

// shareUsed reports whether a case has used its share after k runs, so that the
// next run would exceed it.
func shareUsed(k int, took, share time.Duration) bool {
	return share > 0 && k >= leastRuns && took+took/time.Duration(k) > share
}

// compare runs the trainers on the table at dir in turn, as often as asked for and
// as fits into its share, and prints the figures. A cold case starts a process for
// each run. Otherwise a trainer's process keeps the table, so that it need not be
// read, and an interpreter started, 25 times.
func (c *comparison) compare(ctx context.Context, name, dir string, cold bool, share time.Duration) error {
	begin := time.Now()
	got := map[string][]trainingResult{}
	running := map[string]*trainer{}
	defer func() {
		for _, t := range running {
			_ = t.stop() // it has answered all requests
		}
	}()
	trainers := c.trainers
	made := 0
	for k := range c.runs {
		if shareUsed(k, time.Since(begin), share) {
			break
		}
		made++
		if k == layoutRuns {
			trainers = c.withoutSlower(got)
		}
		for _, t := range trainers {
			r := request{Rounds: c.rounds, Threads: c.threads}
			if c.seeds {
				r.Seed = k + 1
			}
			if cold {
				o, err := trainOnce(ctx, t, dir, c.python, c.peers, r)
				if err != nil {
					return err
				}
				got[t] = append(got[t], o)
				continue
			}
			if running[t] == nil {
				p, err := startTrainer(ctx, t, dir, c.python, c.peers)
				if err != nil {
					return err
				}
				running[t] = p
			}
			o, err := running[t].train(r)
			if err != nil {
				return err
			}
			got[t] = append(got[t], o)
		}
	}
	fmt.Printf("%s: %d rounds, %d alternating runs of each trainer, %.0f s in all\n", name, c.rounds, made,
		time.Since(begin).Seconds())
	for _, t := range c.trainers {
		median := func(value func(trainingResult) float64) float64 { return figure.Median(valuesOf(got[t], value)) }
		fmt.Printf("%-12s %-8s bins %6.2f s  boosting %7.2f s  total %7.2f s  AUC %.5f  peak %.0f MB\n", name, t,
			median(func(o trainingResult) float64 { return o.Bin }),
			median(func(o trainingResult) float64 { return o.Train }), median(trainingResult.seconds),
			median(func(o trainingResult) float64 { return o.AUC }), got[t][0].Peak)
	}
	printFigures(name, got, cold)
	return nil
}

// layoutRuns is the number of runs after which the slower of LightGBM's two
// layouts is left out.
const layoutRuns = 2

// withoutSlower returns the trainers without the slower of row and col.
func (c *comparison) withoutSlower(got map[string][]trainingResult) []string {
	slower := slowerLayout(got)
	return slices.DeleteFunc(slices.Clone(c.trainers), func(t string) bool { return t == slower })
}

// slowerLayout is row or col, by the median of the runs that both made; empty
// where not both run.
func slowerLayout(got map[string][]trainingResult) string {
	n := min(len(got["row"]), len(got["col"]))
	if n == 0 {
		return ""
	}
	if figure.Median(valuesOf(got["row"][:n], trainingResult.seconds)) <=
		figure.Median(valuesOf(got["col"][:n], trainingResult.seconds)) {
		return "col"
	}
	return "row"
}

// printFigures prints Assay's figures and its ratios to the other trainers.
func printFigures(name string, got map[string][]trainingResult, cold bool) {
	ours, ok := got["assay"]
	if !ok {
		return
	}
	seconds := valuesOf(ours, trainingResult.seconds)
	fmt.Println(figure.Of("S", "train_"+name, seconds))
	ratio := func(figureName string, peer []trainingResult) {
		fmt.Println(figure.Over(figureName+"_"+name, valuesOf(peer, trainingResult.seconds), seconds))
	}
	best, ok := got["row"]
	if !ok || slowerLayout(got) == "row" {
		best, ok = got["col"]
	}
	if ok {
		ratio("train_vs_lightgbm", best)
		mine, theirs := valuesOf(ours, peakOf), valuesOf(best, peakOf)
		if !cold { // later runs of a process report its greatest peak again
			mine, theirs = mine[:1], theirs[:1]
		}
		fmt.Println(figure.Over("train_memory_"+name, theirs, mine))
		fmt.Println(figure.Of("MB", "train_peak_"+name, mine))
		fmt.Println(figure.Of("MB", "train_peak_lightgbm_"+name, theirs))
		var diff []float64
		for k := range ours {
			diff = append(diff, ours[k].AUC-best[k].AUC)
		}
		fmt.Println(figure.Of("AUCDIFF", name, diff))
	}
	if q, ok := got["quant"]; ok {
		ratio("train_vs_lightgbm_quant", q)
	}
	if x, ok := got["xgboost"]; ok {
		ratio("train_vs_xgboost", x)
	}
}

func peakOf(o trainingResult) float64 { return o.Peak }

// valuesOf applies f to every result.
func valuesOf(o []trainingResult, f func(trainingResult) float64) []float64 {
	v := make([]float64, len(o))
	for i := range o {
		v[i] = f(o[i])
	}
	return v
}
