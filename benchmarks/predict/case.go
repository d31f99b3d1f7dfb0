// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// scoreKinds are what is timed: one row, rows in batches, one explanation.
var scoreKinds = [...]string{"single", "batch", "contrib"}

// modelCase is a model and the programs that score it; the first is ours.
type modelCase struct {
	name    string
	names   []string
	runners []runner
	rows    [len(scoreKinds)][]int       // by runner: how many rows fill a slice of time
	times   [len(scoreKinds)][][]float64 // by runner and round: nanoseconds for a row
}

// measure runs the rounds. Each goes through all models, because the speed of a
// shared machine changes from minute to minute, and no model should be measured
// in one minute alone. Within a round, the programs that are compared are measured
// right after each other.
func (c *config) measure(all []*modelCase) {
	for round := range c.rounds + 1 {
		for _, s := range all {
			for k := range scoreKinds {
				s.round(k, round == 0, c.sliceTime.Nanoseconds())
			}
		}
	}
	for _, s := range all {
		for _, r := range s.runners {
			r.close()
		}
	}
}

// round times each runner once, or finds how many rows fill a slice.
func (s *modelCase) round(k int, first bool, slice int64) {
	if first {
		s.rows[k], s.times[k] = make([]int, len(s.runners)), make([][]float64, len(s.runners))
	}
	for i, r := range s.runners {
		switch {
		case scoreKinds[k] == "contrib" && !r.explains():
		case first:
			ns := r.run(scoreKinds[k], 16)
			s.rows[k][i] = max(8, min(1<<20, int(float64(slice)/ns)))
			r.run(scoreKinds[k], s.rows[k][i])
		default:
			s.times[k][i] = append(s.times[k][i], r.run(scoreKinds[k], s.rows[k][i]))
		}
	}
}

// print prints times and ratios.
func (s *modelCase) print() {
	for k, times := range s.times {
		label := figurePrefix() + scoreKinds[k]
		if scoreKinds[k] == "contrib" {
			label = strings.Replace(figurePrefix(), "predict", "shap", 1) + "single"
		}
		fmt.Println(figure.Of("NS", label+"_"+s.name, times[0]))
		for i, name := range s.names[1:] {
			if len(times[i+1]) > 0 {
				fmt.Println(figure.Over(label+"_vs_"+name+"_"+s.name, times[i+1], times[0]))
			}
		}
	}
}
