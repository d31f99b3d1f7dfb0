// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// kinds of scores that are timed.
var kinds = [...]string{"single", "batch", "contrib"}

// subject is a model and the programs that score it, ours first.
type subject struct {
	name    string
	names   []string
	runners []runner
	rows    [len(kinds)][]int       // of each runner: what fills a slice of time
	times   [len(kinds)][][]float64 // of each runner and round: nanoseconds of a row
}

// measure runs the rounds. Each goes through all models: the speed of a machine
// that others share changes from minute to minute, and no model should be
// measured in one of them alone. Within a round, what is compared is measured
// one right after the other.
func (c *config) measure(all []*subject) {
	for round := range c.rounds + 1 {
		for _, s := range all {
			for k := range kinds {
				s.round(k, round == 0, c.slice.Nanoseconds())
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
func (s *subject) round(k int, first bool, slice int64) {
	if first {
		s.rows[k], s.times[k] = make([]int, len(s.runners)), make([][]float64, len(s.runners))
	}
	for i, r := range s.runners {
		switch {
		case kinds[k] == "contrib" && !r.explains():
		case first:
			ns := r.run(kinds[k], 16)
			s.rows[k][i] = max(8, min(1<<20, int(float64(slice)/ns)))
			r.run(kinds[k], s.rows[k][i])
		default:
			s.times[k][i] = append(s.times[k][i], r.run(kinds[k], s.rows[k][i]))
		}
	}
}

// print prints times and ratios.
func (s *subject) print() {
	for k, times := range s.times {
		label := prefix() + kinds[k]
		if kinds[k] == "contrib" {
			label = strings.Replace(prefix(), "predict", "shap", 1) + "single"
		}
		fmt.Println(figure.Of("NS", label+"_"+s.name, times[0]))
		for i, name := range s.names[1:] {
			if len(times[i+1]) > 0 {
				fmt.Println(figure.Over(label+"_vs_"+name+"_"+s.name, times[i+1], times[0]))
			}
		}
	}
}
