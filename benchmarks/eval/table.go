// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/assayrisk/assay/benchmarks/internal/page"
)

// tableRows are the intervals of the table, in its order, in the words of the
// report.
var tableRows = []struct{ name, words string }{
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

// leastCoverage is the share of intervals that must contain the truth, by the
// number of bad rows.
func leastCoverage(bad int) float64 {
	if bad < 100 {
		return 0.90
	}
	return 0.93
}

// coverageTable shows the mean coverage over the populations and the lowest one,
// and lists the intervals that fall short by more than the simulation's own error.
func coverageTable(sizes []int, all []map[string][]coverage, samples, resamples int) (table string, short []string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n| interval of |")
	for _, n := range sizes {
		fmt.Fprintf(&b, " %d bad rows |", n)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(sizes)) + "\n")
	for _, f := range tableRows {
		line := fmt.Sprintf("| %s |", f.words)
		found := false
		for k, n := range sizes {
			cs := all[k][f.name]
			low, mean, count, none := math.Inf(1), 0.0, 0, 0
			for _, c := range cs {
				if c.reports-c.undefined < c.reports/10 {
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
				if margin := 2 * math.Sqrt(leastCoverage(n)*(1-leastCoverage(n))/float64(samples)); low <
					leastCoverage(n)-margin {
					short = append(short, fmt.Sprintf("%s at %d bad rows: %.3f", f.words, n, low))
				}
			}
			found = true
		}
		if found {
			b.WriteString(line + "\n")
		}
	}
	b.WriteString("\n" +
		page.Wrap(fmt.Sprintf("%d samples of each of four populations (scores that separate the classes "+
			"weakly, as usual, and strongly, and scores of few values; one row in ten is bad), %d resamples. The mean "+
			"over the "+
			"populations, and in brackets the lowest. Written by `go run ./benchmarks/eval -coverage`.", samples,
			resamples)))
	return b.String(), short
}

// The table lies between these two lines of the manual.
const (
	coverageBegin = "<!-- coverage: begin -->\n"
	coverageEnd   = "<!-- coverage: end -->"
)
