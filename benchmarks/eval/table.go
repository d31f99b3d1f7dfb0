// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"os"
	"strings"
)

// shown are the figures of the table, in its order, in the words of the report.
var shown = []struct{ name, words string }{
	{"auc", "AUC, Gini"}, {"ks", "KS"}, {"h_measure", "H-measure"}, {"average_precision", "average precision"},
	{"partial_auc", "partial AUC"},
	{"tpr_at_fpr_0.01", "bad rows caught at 1 % of good rows"}, {"tpr_at_fpr_0.05", "bad rows caught at 5 %"},
	{"tpr_at_fpr_0.10", "bad rows caught at 10 %"}, {"tpr_at_fpr_0.20", "bad rows caught at 20 %"},
	{"brier", "Brier score"}, {"logloss", "log-loss"}, {"bad_rate", "bad rate"}, {"mean_pd", "mean PD"},
	{"calibration_slope", "calibration slope"}, {"calibration_in_the_large", "calibration in the large"},
	{"auc_minus_rival", "AUC minus that of another model"}, {"auc_out_of_fold_minus_evaluation",
		"AUC out of fold minus evaluation"},
	{"AUC lost with a field", "AUC lost when a field is missing"},
	{"AUC of a part", "AUC of a part of the rows"}, {"bad rate of a part", "bad rate of a part of the rows"},
	{"bad rate of the approved", "bad rate of those whom a policy approves"}, {"bad rate at equal approval",
		"bad rate of a policy at equal approval"},
	{"adverse impact ratio", "adverse impact ratio"}, {"equal opportunity difference", "equal opportunity difference"},
	{"auc, by weight", "by weight: AUC, Gini"}, {"ks, by weight", "by weight: KS"},
	{"h_measure, by weight", "by weight: H-measure"},
	{"average_precision, by weight", "by weight: average precision"}, {"partial_auc, by weight",
		"by weight: partial AUC"}, {"brier, by weight", "by weight: Brier score"},
	{"bad_rate, by weight", "by weight: bad rate"}, {"calibration_slope, by weight", "by weight: calibration slope"},
	{"calibration_in_the_large, by weight", "by weight: calibration in the large"}, {"auc_minus_rival, by weight",
		"by weight: AUC minus that of another model"},
	{"bad rate of a part, by weight", "by weight: bad rate of a part of the rows"},
}

// least is the share of intervals that have to hold the truth, by bad rows.
func least(bad int) float64 {
	if bad < 100 {
		return 0.90
	}
	return 0.93
}

// coverageTable sets the lowest coverage over the populations beside the mean,
// and lists what falls short by more than the simulation's own error.
func coverageTable(sizes []int, all []map[string][]coverage, samples, resamples int) (table string, short []string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n| interval of |")
	for _, n := range sizes {
		fmt.Fprintf(&b, " %d bad rows |", n)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(sizes)) + "\n")
	for _, f := range shown {
		line := fmt.Sprintf("| %s |", f.words)
		found := false
		for k, n := range sizes {
			cs := all[k][f.name]
			low, mean, count, none := math.Inf(1), 0.0, 0, 0
			for _, c := range cs {
				if c.of-c.undefined < c.of/10 {
					none++
					continue
				}
				low, mean, count = min(low, c.share()), mean+c.share(), count+1
			}
			switch {
			case len(cs) == 0:
				line += " |"
				continue
			case count == 0:
				line += " – |"
			default:
				line += fmt.Sprintf(" %.0f %% (%.0f) |", 100*mean/float64(count), 100*low)
				if margin := 2 * math.Sqrt(least(n)*(1-least(n))/float64(samples)); low < least(n)-margin {
					short = append(short, fmt.Sprintf("%s at %d bad rows: %.3f", f.words, n, low))
				}
			}
			found = true
		}
		if found {
			b.WriteString(line + "\n")
		}
	}
	fmt.Fprintf(&b, "\n%d samples of each of four populations (scores that part the classes little, as usual, and "+
		"well, and scores of few values; one row in ten is\nbad), %d resamples. The mean over the populations, and "+
		"in brackets the lowest. Written by `go run ./benchmarks/eval -coverage`.\n", samples, resamples)
	return b.String(), short
}

// writeBetween replaces what lies between two marks of a page.
func writeBetween(path, mark, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+mark+": begin -->\n", "<!-- "+mark+": end -->"
	from, to := strings.Index(string(page), begin), strings.Index(string(page), end)
	if from < 0 || to < from {
		return fmt.Errorf("%s has no place for the table: %q and %q", path, strings.TrimSpace(begin), end)
	}
	out := string(page[:from+len(begin)]) + text + string(page[to:])
	return os.WriteFile(path, []byte(out), 0o644)
}
