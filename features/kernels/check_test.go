// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/assayrisk/assay/features/plantext"
)

func pointer(x float64) *float64 { return &x }

// checks are specs and what Check says of them; nothing of one that it accepts.
var checks = []struct {
	kernel string
	spec   plantext.FeatureSpec
	says   string
}{
	{"clip", plantext.FeatureSpec{}, "clip wants either bounds or quantiles"},
	{"clip", plantext.FeatureSpec{Bounds: []float64{0, 1}, Quantiles: []float64{0, 1}},
		"clip wants either bounds or quantiles"},
	{"clip", plantext.FeatureSpec{Bounds: []float64{0}}, "bounds want two numbers, low and high"},
	{"clip", plantext.FeatureSpec{Bounds: []float64{0, 1, 2}}, "bounds want two numbers, low and high"},
	{"clip", plantext.FeatureSpec{Bounds: []float64{1, 0}}, "bounds want two numbers, low and high"},
	{"clip", plantext.FeatureSpec{Bounds: []float64{0, math.NaN()}}, "bounds want two numbers, low and high"},
	{"clip", plantext.FeatureSpec{Bounds: []float64{1, 1}}, ""},
	{"clip", plantext.FeatureSpec{Quantiles: []float64{0.5}},
		"quantiles want two shares between 0 and 1, low and high"},
	{"clip", plantext.FeatureSpec{Quantiles: []float64{0.5, 0.5}},
		"quantiles want two shares between 0 and 1, low and high"},
	{"clip", plantext.FeatureSpec{Quantiles: []float64{-0.1, 0.5}},
		"quantiles want two shares between 0 and 1, low and high"},
	{"clip", plantext.FeatureSpec{Quantiles: []float64{0.5, 1.1}},
		"quantiles want two shares between 0 and 1, low and high"},
	{"clip", plantext.FeatureSpec{Quantiles: []float64{0, 1}}, ""},
	{"outside", plantext.FeatureSpec{}, "outside wants bounds: two numbers, low and high"},
	{"outside", plantext.FeatureSpec{Bounds: []float64{2, 1}}, "outside wants bounds: two numbers, low and high"},
	{"outside", plantext.FeatureSpec{Bounds: []float64{2, 2}}, ""},
	{"bucket", plantext.FeatureSpec{}, "bucket wants edges"},
	{"bucket", plantext.FeatureSpec{Edges: []float64{1, 1}}, "edges must rise"},
	{"bucket", plantext.FeatureSpec{Edges: []float64{2, 1}}, "edges must rise"},
	{"bucket", plantext.FeatureSpec{Edges: []float64{math.NaN()}}, "edges must rise"},
	{"bucket", plantext.FeatureSpec{Edges: []float64{-1, 0, 1}}, ""},
	{"round_amount", plantext.FeatureSpec{Step: -1}, "step must be a positive number"},
	{"round_amount", plantext.FeatureSpec{Step: math.NaN()}, "step must be a positive number"},
	{"round_amount", plantext.FeatureSpec{Step: math.Inf(1)}, "step must be a positive number"},
	{"round_amount", plantext.FeatureSpec{}, ""},
	{"date_part", plantext.FeatureSpec{}, "part wants year, quarter, month, day, weekday, hour or year_day"},
	{"date_part", plantext.FeatureSpec{DatePart: "minute"},
		"part wants year, quarter, month, day, weekday, hour or year_day"},
	{"date_part", plantext.FeatureSpec{DatePart: "year_day"}, ""},
	{"category", plantext.FeatureSpec{MinCount: -1}, "min_count must not be negative"},
	{"category", plantext.FeatureSpec{Categories: make([]string, MaxCategories+1)},
		"at most 65535 categories can be listed"},
	{"category", plantext.FeatureSpec{Categories: []string{"a"}, MinCount: 2},
		"categories that are listed are all kept: remove min_count and max_categories"},
	{"category", plantext.FeatureSpec{Categories: []string{"a"}, MaxCategories: 2},
		"categories that are listed are all kept: remove min_count and max_categories"},
	{"category", plantext.FeatureSpec{Categories: []string{"a"}, Unknown: "lost"}, "unknown wants other or missing"},
	{"category", plantext.FeatureSpec{Unknown: "missing"},
		"unknown says what becomes of a value outside the listed categories: list them under categories"},
	{"category", plantext.FeatureSpec{Categories: []string{"a"}, Unknown: "missing"}, ""},
	{"category", plantext.FeatureSpec{MaxCategories: -1}, "max_categories must lie between 1 and 65535"},
	{"cross", plantext.FeatureSpec{MaxCategories: MaxCategories + 1}, "max_categories must lie between 1 and 65535"},
	{"cross", plantext.FeatureSpec{MaxCategories: MaxCategories}, ""},
	{"woe", plantext.FeatureSpec{Smoothing: -1}, "smoothing must be a number, 0 or more"},
	{"woe", plantext.FeatureSpec{Smoothing: math.Inf(1)}, "smoothing must be a number, 0 or more"},
	{"target_mean", plantext.FeatureSpec{Smoothing: math.NaN()}, "smoothing must be a number, 0 or more"},
	{"woe", plantext.FeatureSpec{Folds: 1}, "folds must lie between 2 and 100"},
	{"woe", plantext.FeatureSpec{Folds: -2}, "folds must lie between 2 and 100"},
	{"target_mean", plantext.FeatureSpec{Folds: 101}, "folds must lie between 2 and 100"},
	{"target_mean", plantext.FeatureSpec{Folds: 100, Smoothing: 0.5}, ""},
	{"frequency", plantext.FeatureSpec{MinCount: -3}, "min_count must not be negative"},
	{"quantile", plantext.FeatureSpec{}, "quantile wants a share between 0 and 1, as in `quantile: 0.9`"},
	{"quantile", plantext.FeatureSpec{Quantile: pointer(1.1)},
		"quantile wants a share between 0 and 1, as in `quantile: 0.9`"},
	{"quantile", plantext.FeatureSpec{Quantile: pointer(math.NaN())},
		"quantile wants a share between 0 and 1, as in `quantile: 0.9`"},
	{"quantile", plantext.FeatureSpec{Quantile: pointer(0)}, ""},
	{"top_share", plantext.FeatureSpec{K: -1}, "k must lie between 1 and 256"},
	{"nth_latest", plantext.FeatureSpec{K: 257}, "k must lie between 1 and 256"},
	{"since_nth", plantext.FeatureSpec{K: 257}, "k must lie between 1 and 256"},
	{"change", plantext.FeatureSpec{K: 257}, "k must lie between 1 and 256"},
	{"last_sum", plantext.FeatureSpec{K: 257}, "k must lie between 1 and 256"},
	{"last_mean", plantext.FeatureSpec{K: 257}, "k must lie between 1 and 256"},
	{"last_min", plantext.FeatureSpec{K: 257}, "k must lie between 1 and 256"},
	{"last_max", plantext.FeatureSpec{K: 257}, "k must lie between 1 and 256"},
	{"streak", plantext.FeatureSpec{K: 257}, "k must lie between 1 and 256"},
	{"streak", plantext.FeatureSpec{K: 256}, ""},
	{"count_of", plantext.FeatureSpec{}, "name the members to count: `is: [a, b]`"},
	{"share_of", plantext.FeatureSpec{Is: []string{"a", ""}}, "name the members to count: `is: [a, b]`"},
	{"share_of", plantext.FeatureSpec{Is: []string{"a"}}, ""},
	{"mode", plantext.FeatureSpec{Categories: []string{"a"}},
		"the categories of a window's members are learned: leave categories and unknown out"},
	{"latest_text", plantext.FeatureSpec{MinCount: -1}, "min_count must not be negative"},
	{"earliest_text", plantext.FeatureSpec{MaxCategories: -1}, "max_categories must lie between 1 and 65535"},
	{"earliest_text", plantext.FeatureSpec{MinCount: 2}, ""},
}

// TestChecks: each spec gets its message; every kernel that checks refuses some spec, and every message of the
// package's source is one that some spec gets.
func TestChecks(t *testing.T) {
	t.Parallel()
	refused, said := map[string]bool{}, map[string]bool{}
	for _, c := range checks {
		k := mustNamed(t, c.kernel)
		if got := k.Check(&c.spec); got != c.says {
			t.Errorf("%s: Check says %q, want %q", c.kernel, got, c.says)
		}
		said[c.says] = true
		refused[c.kernel] = refused[c.kernel] || c.says != ""
	}
	for _, k := range All() {
		if k.Check != nil && !refused[k.Name] {
			t.Errorf("no spec of kernel %s is refused", k.Name)
		}
	}
	messages := checkMessages(t)
	if len(messages) < 15 {
		t.Errorf("%d messages are found in the source: the search has missed some", len(messages))
	}
	for _, m := range messages {
		if !said[m] {
			t.Errorf("no spec gets the message %q", m)
		}
	}
}

// checkMessages are the texts that the source's check functions return.
func checkMessages(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	collect := func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok {
			return strings.HasPrefix(f.Name.Name, "check")
		}
		if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
			if text, ok := r.Results[0].(*ast.BasicLit); ok && text.Value != `""` {
				s, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				messages = append(messages, s)
			}
		}
		return true
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, collect)
	}
	return messages
}
