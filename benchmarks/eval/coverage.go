// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/page"
	"github.com/assayrisk/assay/models/eval/report"
)

// population is a source of applicants whose PDs are right by construction.
type population struct {
	name   string
	spread float64 // standard deviation of the log-odds
	round  float64 // log-odds are rounded to multiples of it, which makes ties; 0: not rounded
	middle float64 // mean of the log-odds
}

// badRate is the share of bad rows in every population.
const badRate = 0.1

// populations have scores that separate the classes weakly, as usual, and
// strongly, and scores of few values.
func populations() []population {
	out := []population{{name: "weak", spread: 0.6}, {name: "usual", spread: 1.3}, {name: "strong", spread: 2.5},
		{name: "tied", spread: 1.3, round: 0.7}}
	for k := range out {
		out[k].middle = out[k].meanForBadRate(badRate)
	}
	return out
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// meanForBadRate finds the mean of the log-odds that gives a bad rate, by
// bisection over a fixed sample.
func (p *population) meanForBadRate(rate float64) float64 {
	r := rand.New(rand.NewPCG(3, 4))
	x := make([]float64, 100_000)
	for i := range x {
		x[i] = p.spread * r.NormFloat64()
	}
	low, high := -12.0, 12.0
	for range 50 {
		middle, sum := (low+high)/2, 0.0
		for _, v := range x {
			sum += sigmoid(middle + v)
		}
		if sum > rate*float64(len(x)) {
			high = middle
		} else {
			low = middle
		}
	}
	return low
}

// reportIntervals returns every interval of a report by name: value, low, high.
func reportIntervals(in report.Input) (map[string][3]float64, error) {
	r, err := report.Build(context.Background(), in)
	if err != nil {
		return nil, err
	}
	out := map[string][3]float64{}
	for _, m := range r.Metrics {
		out[m.Name] = [3]float64{float64(m.Value), float64(m.Low), float64(m.High)}
	}
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		return nil, err
	}
	var written struct {
		Sections []struct {
			Blocks []struct {
				Table *struct {
					Title string
					Rows  [][]any
				}
			}
		}
	}
	if err := json.Unmarshal(b.Bytes(), &written); err != nil {
		return nil, err
	}
	number := func(x any) float64 {
		if v, ok := x.(float64); ok {
			return v
		}
		return math.NaN()
	}
	for _, s := range written.Sections {
		for _, block := range s.Blocks {
			t := block.Table
			if t == nil || len(t.Rows) < 2 {
				continue
			}
			row := t.Rows[1] // of the group b
			triple := func(row []any, at int) [3]float64 {
				return [3]float64{number(row[at]), number(row[at+1]), number(row[at+2])}
			}
			switch t.Title {
			case "Approval by group":
				out["adverse impact ratio"], out["equal opportunity difference"] = triple(row, 3), triple(row, 7)
			case "Bad rate by group":
				out["bad rate of a part"], out["AUC of a part"] = triple(row, 3), triple(row, 7)
			case "Decisions":
				out["bad rate of the approved"] = triple(t.Rows[0], 5)
			case "Strategy before and after": // lines of bad rate, lower and upper end; the policy before is tightened
				out["bad rate at equal approval"] = [3]float64{number(t.Rows[3][3]),
					number(t.Rows[4][3]), number(t.Rows[5][3])}
			case "Noise and loss, field by field":
				out["AUC lost with a field"] = triple(row, 5)
			}
		}
	}
	return out, nil
}

// coverage counts how often the interval of a figure contains the truth.
type coverage struct{ covered, below, undefined, reports int }

// share is the share of the reports with an interval whose interval contains the
// truth.
func (c coverage) share() float64 { return float64(c.covered) / float64(c.reports-c.undefined) }

// measureCoverage draws samples of a population with bad bad rows on average, and
// counts the intervals that contain truth, the values of a very large sample.
func (p *population) measureCoverage(bad, samples, resamples int, truth map[string][3]float64) (map[string]*coverage,
	error) {
	out := map[string]*coverage{}
	var mu sync.Mutex // guards out and failed
	var wait sync.WaitGroup
	var failed error
	threads := runtime.GOMAXPROCS(0)
	for t := range threads {
		wait.Go(func() {
			for s := t; s < samples; s += threads {
				r := rand.New(rand.NewPCG(uint64(s), uint64(bad)))
				in := p.sample(int(math.Round(float64(bad)/badRate)), r)
				in.Seed, in.Resamples = uint64(s)+1, resamples
				got, err := reportIntervals(in)
				more := p.sample(int(math.Round(float64(bad)/badRate/keptBadShare)), r)
				more.Seed, more.Resamples = in.Seed, in.Resamples
				weighted, werr := reportIntervals(p.weightedSample(more, r))
				for name, v := range weighted {
					got[name+", by weight"] = v
				}
				mu.Lock()
				failed = cmp.Or(failed, err, werr)
				for name, v := range got {
					if out[name] == nil {
						out[name] = &coverage{}
					}
					out[name].count(v, truth[strings.TrimSuffix(name, ", by weight")][0])
				}
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return out, failed
}

func (c *coverage) count(v [3]float64, truth float64) {
	c.reports++
	switch {
	case math.IsNaN(v[1]) || math.IsNaN(v[2]):
		c.undefined++
	case v[1] <= truth && truth <= v[2]:
		c.covered++
	case truth < v[1]:
		c.below++
	}
}

// simulateCoverage measures every population at each number of bad rows, prints
// a line for each interval, and writes the table into the manual.
func simulateCoverage(samples, resamples int, manual string) error {
	sizes := []int{10, 30, 100}
	all := make([]map[string][]coverage, len(sizes))
	for k := range all {
		all[k] = map[string][]coverage{}
	}
	for _, p := range populations() {
		start := time.Now()
		in := p.sample(1_000_000, rand.New(rand.NewPCG(1, 1)))
		in.Resamples = 2
		truth, err := reportIntervals(in)
		if err != nil {
			return err
		}
		if truth["AUC lost with a field"], err = aucLostWithoutHidden(in); err != nil {
			return err
		}
		for k, bad := range sizes {
			got, err := p.measureCoverage(bad, samples, resamples, truth)
			if err != nil {
				return err
			}
			for name, c := range got {
				all[k][name] = append(all[k][name], *c)
			}
		}
		fmt.Fprintf(os.Stderr, "# %s: %.0f s\n", p.name, time.Since(start).Seconds())
	}
	table, short := coverageTable(sizes, all, samples, resamples)
	fmt.Print(table)
	if manual != "" {
		if err := page.ReplaceInFile(manual, coverageBegin, coverageEnd, table); err != nil {
			return err
		}
	}
	if len(short) > 0 {
		return fmt.Errorf("intervals that cover too little: %v", short)
	}
	return nil
}
