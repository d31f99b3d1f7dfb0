// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"slices"

	"github.com/assayrisk/assay/features/plantext"
)

// All returns the kernel table. docs/plan.md is written from it by
// TestPlanReference, and each example is run by TestKernelExamples.
func All() []Kernel {
	out := []Kernel{
		{Name: "passthrough", MinInputs: 1, MaxInputs: 1, Formula: "x", Missing: "missing", Apply: applyPassthrough,
			Example: "x=3 -> 3"},
		{Name: "log1p", MinInputs: 1, MaxInputs: 1, Formula: "sign(x) * ln(1 + |x|)",
			Missing: "missing", Apply: applyLog1p,
			Example: "x=0 -> 0"},
		{Name: "clip", MinInputs: 1, MaxInputs: 1, Formula: "x, held between low and high", Missing: "missing",
			Params: "`bounds: [low, high]` fixed, or `quantiles: [0.01, 0.99]` fitted on training rows",
			Apply:  applyClip, Fit: fitClip, Check: checkClip, Verify: verifyClip,
			Example: "bounds=[0,10] x=12 -> 10"},
		{Name: "ratio", MinInputs: 2, MaxInputs: 2, Formula: "a / b",
			Missing: "missing; also when b = 0 or the quotient overflows",
			Apply:   applyRatio,
			Example: "a=3 b=4 -> 0.75"},
		{Name: "difference", MinInputs: 2, MaxInputs: 2, Formula: "a - b", Missing: "missing", Apply: applyDifference,
			Example: "a=3 b=4 -> -1"},
		{Name: "sum", MinInputs: 2, MaxInputs: 8, Formula: "a + b + ... from left to right",
			Missing: "missing", Apply: applySum,
			Example: "a=3 b=4 -> 7"},
		{Name: "product", MinInputs: 2, MaxInputs: 8, Formula: "a * b * ... from left to right",
			Missing: "missing", Apply: applyProduct,
			Example: "a=3 b=4 -> 12"},
		{Name: "gap", MinInputs: 2, MaxInputs: 2, Formula: "(a - b) / max(|a|, |b|), 0 when both are 0",
			Missing: "missing", Apply: applyGap,
			Example: "a=90 b=100 -> -0.1"},
		{Name: "bucket", MinInputs: 1, MaxInputs: 1, Formula: "number of edges <= x", Missing: "missing",
			Params: "`edges: [e1, e2, ...]` rising", Apply: applyBucket, Check: checkBucket,
			Example: "edges=[10,20] x=10 -> 1"},
		{Name: "missing", MinInputs: 1, MaxInputs: 1, AnyKind: true, Formula: "1 if x has no value, else 0",
			Missing: "1", Apply: applyMissing,
			Example: "x=missing -> 1"},
		{Name: "outside", MinInputs: 1, MaxInputs: 1, Formula: "1 if x < low or x > high, else 0", Missing: "missing",
			Params: "`bounds: [low, high]`", Apply: applyOutside, Check: checkOutside,
			Example: "bounds=[0,10] x=12 -> 1"},
		{Name: "round_amount", MinInputs: 1, MaxInputs: 1, Formula: "1 if x is a multiple of step other than 0, else 0",
			Missing: "missing", Params: "`step: 100` (default)", Apply: applyRoundAmount, Check: checkStep,
			Example: "step=50 x=150 -> 1"},
		{Name: "days_between", MinInputs: 2, MaxInputs: 2, Times: true, Formula: "(b - a) in days, with fractions",
			Missing: "missing", Apply: applyDaysBetween,
			Example: "a=2024-03-01 b=2024-03-31 -> 30"},
		{Name: "date_part", MinInputs: 1, MaxInputs: 1, Times: true,
			Formula: "year, quarter, month, day, weekday (Monday = 1), hour or year_day, in UTC or in a zone",
			Missing: "missing", Params: "`part: month`, `zone: Europe/Berlin` (default UTC)",
			Apply: applyDatePart, Check: checkPart,
			Example: "part=weekday x=2024-03-01 -> 5"},
		{Name: "category", MinInputs: 1, MaxInputs: 1, Texts: true,
			Formula: "the text's place among the texts seen at least min_count times in training, sorted, or in the " +
				"list `categories`, of texts, numbers or flags; the last code is `other`", Missing: "missing",
			Params: "`min_count: 20`, `max_categories: 254` (defaults); or `categories: [...]` and `unknown: other` " +
				"(default) or `missing`", Apply: applyCategory, Fit: fitCategory, Check: checkCategory,
			Verify:  verifyCategory,
			Example: "texts=a,a,b min_count=1 x=b -> 1"},
		{Name: "cross", MinInputs: 2, MaxInputs: 2, Texts: true, Formula: "as category, of the pair of texts",
			Missing: "missing if either is",
			Params:  "`min_count: 20`, `max_categories: 254` (defaults)", Apply: applyCross, Fit: fitCross,
			Check: checkCategory, Verify: verifyCross,
			Example: "texts=a,a,b texts2=u,v,u min_count=1 x=a y=v -> 1"},
		{Name: "frequency", MinInputs: 1, MaxInputs: 1, Texts: true,
			Formula: "share of the training rows that have this text; 0 for a text seen fewer than min_count times",
			Missing: "missing",
			Params:  "`min_count: 1` (default)", Apply: applyTable, Fit: fitFrequency,
			Check: checkCategory, Verify: verifyTable,
			Example: "texts=a,a,b,c min_count=1 x=a -> 0.5"},
		{Name: "woe", MinInputs: 1, MaxInputs: 1, Texts: true,
			Formula: "weight of evidence: ln((bad_i + s*p) / bad) - ln((good_i + s*(1-p)) / good), p the bad rate, s " +
				"the smoothing; bad and good include s; `other` pools the rare texts", Missing: "missing",
			Params: "`smoothing: 10`, `min_count: 20`, `folds: 5` (defaults); training rows get the value of the " +
				"folds they are not in", Apply: applyTable, Fit: fitWOE, Check: checkCategory, Verify: verifyTable,
			Example: "texts=a,a,b,b labels=1,1,0,0 smoothing=2 min_count=1 x=a -> 1.09861228867"},
		{Name: "target_mean", MinInputs: 1, MaxInputs: 1, Texts: true,
			Formula: "(bad_i + s*p) / (n_i + s), p the bad rate, s the smoothing; `other` pools the rare texts",
			Missing: "missing",
			Params: "`smoothing: 10`, `min_count: 20`, `folds: 5` (defaults); training rows get the value of the " +
				"folds they are not in", Apply: applyTable, Fit: fitTargetMean,
			Check: checkCategory, Verify: verifyTable,
			Example: "texts=a,a,b,b labels=1,1,0,0 smoothing=2 min_count=1 x=a -> 0.75"},
	}
	for _, k := range slices.Concat(lookupKernels(), windowKernels(), quantileKernels(), orderKernels(),
		timedKernels(), memberKernels()) {
		k.Window = !k.Lookup
		out = append(out, k)
	}
	return out
}

// Categorical reports whether the kernel's values are codes of categories.
func (k *Kernel) Categorical() bool { return k.Member || k.Name == "category" || k.Name == "cross" }

func Named(name string) (Kernel, bool) {
	for _, k := range All() {
		if k.Name == name {
			return k, true
		}
	}
	return Kernel{}, false
}

func Names() []string {
	var out []string
	for _, k := range All() {
		out = append(out, k.Name)
	}
	return out
}

func checkClip(f *plantext.FeatureSpec) string {
	switch {
	case len(f.Bounds) == 0 && len(f.Quantiles) == 0, len(f.Bounds) > 0 && len(f.Quantiles) > 0:
		return "clip wants either bounds or quantiles"
	case len(f.Bounds) > 0 && (len(f.Bounds) != 2 || !(f.Bounds[0] <= f.Bounds[1])):
		return "bounds want two numbers, low and high"
	case len(f.Quantiles) > 0 &&
		(len(f.Quantiles) != 2 || !(0 <= f.Quantiles[0] && f.Quantiles[0] < f.Quantiles[1] && f.Quantiles[1] <= 1)):
		return "quantiles want two shares between 0 and 1, low and high"
	}
	return ""
}

func checkOutside(f *plantext.FeatureSpec) string {
	if len(f.Bounds) != 2 || !(f.Bounds[0] <= f.Bounds[1]) {
		return "outside wants bounds: two numbers, low and high"
	}
	return ""
}

func checkBucket(f *plantext.FeatureSpec) string {
	if len(f.Edges) == 0 {
		return "bucket wants edges"
	}
	for i, e := range f.Edges {
		if e != e || i > 0 && e <= f.Edges[i-1] {
			return "edges must rise"
		}
	}
	return ""
}

func checkStep(f *plantext.FeatureSpec) string {
	if !(f.Step >= 0) || f.Step-f.Step != 0 {
		return "step must be a positive number"
	}
	return ""
}

func checkPart(f *plantext.FeatureSpec) string {
	for i := range dateParts {
		if dateParts[i].name == f.DatePart {
			return ""
		}
	}
	return "part wants year, quarter, month, day, weekday, hour or year_day"
}

func checkCategory(f *plantext.FeatureSpec) string {
	switch {
	case f.MinCount < 0:
		return "min_count must not be negative"
	case len(f.Categories) > MaxCategories:
		return "at most 65535 categories can be listed"
	case len(f.Categories) > 0 && (f.MinCount > 0 || f.MaxCategories > 0):
		return "categories that are listed are all kept: remove min_count and max_categories"
	case f.Unknown != "" && f.Unknown != "other" && f.Unknown != "missing":
		return "unknown wants other or missing"
	case f.Unknown != "" && len(f.Categories) == 0:
		return "unknown says what becomes of a value outside the listed categories: list them under categories"
	case f.MaxCategories < 0 || f.MaxCategories > MaxCategories:
		return "max_categories must lie between 1 and 65535"
	case !(f.Smoothing >= 0) || f.Smoothing-f.Smoothing != 0:
		return "smoothing must be a number, 0 or more"
	case f.Folds < 0 || f.Folds == 1 || f.Folds > 100:
		return "folds must lie between 2 and 100"
	}
	return ""
}

// Stateless reports whether a kernel computes a number from one event alone.
func (k *Kernel) Stateless() bool {
	return !k.Window && !k.Texts && !k.Lookup && (k.Fit == nil || k.Name == "clip")
}

func StatelessNames() []string {
	var out []string
	for _, k := range All() {
		if k.Stateless() {
			out = append(out, k.Name)
		}
	}
	return out
}
