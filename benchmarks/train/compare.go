// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// comparison is how trainers are run beside each other on one case.
type comparison struct {
	python, peers string
	trainers      []string
	runs, threads int
	rounds        int
	seeds         bool      // run k has the seed k
	until         time.Time // of all cases; zero: no limit
}

// leastRuns are made of a case however long they take.
const leastRuns = 3

// share is how long a case may take of the time that is left, by its weight
// among those that are still to come; 0: as long as it takes.
func (c *comparison) share(weight, left float64) time.Duration {
	if c.until.IsZero() {
		return 0
	}
	return max(1, time.Duration(float64(time.Until(c.until))*weight/left))
}

// enough reports whether a case has had its share after k runs: the next one
// would end behind it.
func enough(k int, took, share time.Duration) bool {
	return share > 0 && k >= leastRuns && took+took/time.Duration(k) > share
}

// compare runs the trainers on the table at dir, one after the other and then
// again, as often as asked for and as fits into its share, and prints the
// figures. A cold case starts a process for each run; otherwise a process stays
// and holds the table, which spares reading it and starting an interpreter 25
// times.
func (c *comparison) compare(ctx context.Context, name, dir string, cold bool, share time.Duration) error {
	begin := time.Now()
	got := map[string][]outcome{}
	stay := map[string]*trainer{}
	defer func() {
		for _, t := range stay {
			_ = t.stop() // its answers are in
		}
	}()
	trainers := c.trainers
	made := 0
	for k := range c.runs {
		if enough(k, time.Since(begin), share) {
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
				o, err := once(ctx, t, dir, c.python, c.peers, r)
				if err != nil {
					return err
				}
				got[t] = append(got[t], o)
				continue
			}
			if stay[t] == nil {
				p, err := start(ctx, t, dir, c.python, c.peers)
				if err != nil {
					return err
				}
				stay[t] = p
			}
			o, err := stay[t].train(r)
			if err != nil {
				return err
			}
			got[t] = append(got[t], o)
		}
	}
	fmt.Printf("%s: %d rounds, %d alternating runs of each trainer, %.0f s in all\n", name, c.rounds, made,
		time.Since(begin).Seconds())
	for _, t := range c.trainers {
		o := got[t]
		fmt.Printf("%-12s %-8s bins %6.2f s  boosting %7.2f s  total %7.2f s  AUC %.5f  peak %.0f MB\n", name, t,
			figure.Median(each(o, func(o outcome) float64 {
				return o.Bin
			})), figure.Median(each(o, func(o outcome) float64 {
				return o.Train
			})),
			figure.Median(each(o, outcome.seconds)), figure.Median(each(o, areaOf)), o[0].Peak)
	}
	printFigures(name, got, cold)
	return nil
}

// layoutRuns is the number of runs after which the slower of LightGBM's two
// layouts is left out.
const layoutRuns = 2

// withoutSlower returns the trainers but for the slower of row and col.
func (c *comparison) withoutSlower(got map[string][]outcome) []string {
	slower := slowerLayout(got)
	return slices.DeleteFunc(slices.Clone(c.trainers), func(t string) bool { return t == slower })
}

// slowerLayout is row or col, by the median of the runs that both made; empty
// where not both run.
func slowerLayout(got map[string][]outcome) string {
	n := min(len(got["row"]), len(got["col"]))
	if n == 0 {
		return ""
	}
	if figure.Median(each(got["row"][:n], outcome.seconds)) <= figure.Median(each(got["col"][:n], outcome.seconds)) {
		return "col"
	}
	return "row"
}

// printFigures prints what Assay's runs are against the others'.
func printFigures(name string, got map[string][]outcome, cold bool) {
	ours, ok := got["assay"]
	if !ok {
		return
	}
	seconds := each(ours, outcome.seconds)
	fmt.Println(figure.Of("S", "train_"+name, seconds))
	ratio := func(figureName string, peer []outcome) {
		fmt.Println(figure.Over(figureName+"_"+name, each(peer, outcome.seconds), seconds))
	}
	best, ok := got["row"]
	if !ok || slowerLayout(got) == "row" {
		best, ok = got["col"]
	}
	if ok {
		ratio("train_vs_lightgbm", best)
		mine, theirs := each(ours, peakOf), each(best, peakOf)
		if !cold { // later runs of a process tell its greatest peak again
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

func areaOf(o outcome) float64 { return o.AUC }
func peakOf(o outcome) float64 { return o.Peak }

// each applies f to every outcome.
func each(o []outcome, f func(outcome) float64) []float64 {
	v := make([]float64, len(o))
	for i := range o {
		v[i] = f(o[i])
	}
	return v
}
