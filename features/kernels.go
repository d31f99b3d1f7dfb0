// SPDX-License-Identifier: Apache-2.0

package features

import "slices"

// kernels returns the kernel table. docs/plan.md is written from it by
// TestPlanReference, and each example is run by TestKernelExamples.
func kernels() []kernel {
	out := []kernel{
		{name: "passthrough", min: 1, max: 1, formula: "x", missing: "missing", apply: applyPassthrough,
			example: "x=3 -> 3"},
		{name: "log1p", min: 1, max: 1, formula: "sign(x) * ln(1 + |x|)", missing: "missing", apply: applyLog1p,
			example: "x=0 -> 0"},
		{name: "clip", min: 1, max: 1, formula: "x, held between low and high", missing: "missing",
			params: "`bounds: [low, high]` fixed, or `quantiles: [0.01, 0.99]` fitted on training rows",
			apply:  applyClip, fit: fitClip, check: checkClip, verify: verifyClip,
			example: "bounds=[0,10] x=12 -> 10"},
		{name: "ratio", min: 2, max: 2, formula: "a / b", missing: "missing; also when b = 0 or the quotient overflows",
			apply:   applyRatio,
			example: "a=3 b=4 -> 0.75"},
		{name: "difference", min: 2, max: 2, formula: "a - b", missing: "missing", apply: applyDifference,
			example: "a=3 b=4 -> -1"},
		{name: "sum", min: 2, max: 8, formula: "a + b + ... from left to right", missing: "missing", apply: applySum,
			example: "a=3 b=4 -> 7"},
		{name: "product", min: 2, max: 8, formula: "a * b * ... from left to right",
			missing: "missing", apply: applyProduct,
			example: "a=3 b=4 -> 12"},
		{name: "gap", min: 2, max: 2, formula: "(a - b) / max(|a|, |b|), 0 when both are 0",
			missing: "missing", apply: applyGap,
			example: "a=90 b=100 -> -0.1"},
		{name: "bucket", min: 1, max: 1, formula: "number of edges <= x", missing: "missing",
			params: "`edges: [e1, e2, ...]` rising", apply: applyBucket, check: checkBucket,
			example: "edges=[10,20] x=10 -> 1"},
		{name: "missing", min: 1, max: 1, any: true, formula: "1 if x has no value, else 0",
			missing: "1", apply: applyMissing,
			example: "x=missing -> 1"},
		{name: "outside", min: 1, max: 1, formula: "1 if x < low or x > high, else 0", missing: "missing",
			params: "`bounds: [low, high]`", apply: applyOutside, check: checkOutside,
			example: "bounds=[0,10] x=12 -> 1"},
		{name: "round_amount", min: 1, max: 1, formula: "1 if x is a multiple of step other than 0, else 0",
			missing: "missing", params: "`step: 100` (default)", apply: applyRoundAmount, check: checkStep,
			example: "step=50 x=150 -> 1"},
		{name: "days_between", min: 2, max: 2, times: true, formula: "(b - a) in days, with fractions",
			missing: "missing", apply: applyDaysBetween,
			example: "a=2024-03-01 b=2024-03-31 -> 30"},
		{name: "date_part", min: 1, max: 1, times: true,
			formula: "year, quarter, month, day, weekday (Monday = 1), hour or year_day, in UTC or in a zone",
			missing: "missing", params: "`part: month`, `zone: Europe/Berlin` (default UTC)",
			apply: applyDatePart, check: checkPart,
			example: "part=weekday x=2024-03-01 -> 5"},
		{name: "category", min: 1, max: 1, text: true,
			formula: "the text's place among the texts seen at least min_count times in training, sorted, or in the " +
				"list `categories`, of texts, numbers or flags; the last code is `other`", missing: "missing",
			params: "`min_count: 20`, `max_categories: 254` (defaults); or `categories: [...]` and `unknown: other` " +
				"(default) or `missing`", apply: applyCategory, fit: fitCategory, check: checkCategory,
			verify:  verifyCategory,
			example: "texts=a,a,b min_count=1 x=b -> 1"},
		{name: "cross", min: 2, max: 2, text: true, formula: "as category, of the pair of texts",
			missing: "missing if either is",
			params:  "`min_count: 20`, `max_categories: 254` (defaults)", apply: applyCross, fit: fitCross,
			check: checkCategory, verify: verifyCross,
			example: "texts=a,a,b texts2=u,v,u min_count=1 x=a y=v -> 1"},
		{name: "frequency", min: 1, max: 1, text: true,
			formula: "share of the training rows that have this text; 0 for a text seen fewer than min_count times",
			missing: "missing",
			params:  "`min_count: 1` (default)", apply: applyTable, fit: fitFrequency,
			check: checkCategory, verify: verifyTable,
			example: "texts=a,a,b,c min_count=1 x=a -> 0.5"},
		{name: "woe", min: 1, max: 1, text: true,
			formula: "weight of evidence: ln((bad_i + s*p) / bad) - ln((good_i + s*(1-p)) / good), p the bad rate, s " +
				"the smoothing; bad and good include s; `other` pools the rare texts", missing: "missing",
			params: "`smoothing: 10`, `min_count: 20`, `folds: 5` (defaults); training rows get the value of the " +
				"folds they are not in", apply: applyTable, fit: fitWOE, check: checkCategory, verify: verifyTable,
			example: "texts=a,a,b,b labels=1,1,0,0 smoothing=2 min_count=1 x=a -> 1.09861228867"},
		{name: "target_mean", min: 1, max: 1, text: true,
			formula: "(bad_i + s*p) / (n_i + s), p the bad rate, s the smoothing; `other` pools the rare texts",
			missing: "missing",
			params: "`smoothing: 10`, `min_count: 20`, `folds: 5` (defaults); training rows get the value of the " +
				"folds they are not in", apply: applyTable, fit: fitTargetMean,
			check: checkCategory, verify: verifyTable,
			example: "texts=a,a,b,b labels=1,1,0,0 smoothing=2 min_count=1 x=a -> 0.75"},
	}
	for _, k := range slices.Concat(lookupKernels(), windowKernels(), quantileKernels(), orderKernels(),
		timedKernels(), memberKernels()) {
		k.window = !k.lookup
		out = append(out, k)
	}
	return out
}

// categorical reports whether the kernel's values are codes of categories.
func (k *kernel) categorical() bool { return k.member || k.name == "category" || k.name == "cross" }

func kernelOf(name string) (kernel, bool) {
	for _, k := range kernels() {
		if k.name == name {
			return k, true
		}
	}
	return kernel{}, false
}

func kernelNames() []string {
	var out []string
	for _, k := range kernels() {
		out = append(out, k.name)
	}
	return out
}

func checkClip(f *FeatureSpec) string {
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

func checkOutside(f *FeatureSpec) string {
	if len(f.Bounds) != 2 || !(f.Bounds[0] <= f.Bounds[1]) {
		return "outside wants bounds: two numbers, low and high"
	}
	return ""
}

func checkBucket(f *FeatureSpec) string {
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

func checkStep(f *FeatureSpec) string {
	if !(f.Step >= 0) || f.Step-f.Step != 0 {
		return "step must be a positive number"
	}
	return ""
}

func checkPart(f *FeatureSpec) string {
	for i := range dateParts {
		if dateParts[i].name == f.Part {
			return ""
		}
	}
	return "part wants year, quarter, month, day, weekday, hour or year_day"
}

func checkCategory(f *FeatureSpec) string {
	switch {
	case f.MinCount < 0:
		return "min_count must not be negative"
	case len(f.Categories) > maxCategories:
		return "at most 65535 categories can be listed"
	case len(f.Categories) > 0 && (f.MinCount > 0 || f.MaxCategories > 0):
		return "categories that are listed are all kept: remove min_count and max_categories"
	case f.Unknown != "" && f.Unknown != "other" && f.Unknown != "missing":
		return "unknown wants other or missing"
	case f.Unknown != "" && len(f.Categories) == 0:
		return "unknown says what becomes of a value outside the listed categories: list them under categories"
	case f.MaxCategories < 0 || f.MaxCategories > maxCategories:
		return "max_categories must lie between 1 and 65535"
	case !(f.Smoothing >= 0) || f.Smoothing-f.Smoothing != 0:
		return "smoothing must be a number, 0 or more"
	case f.Folds < 0 || f.Folds == 1 || f.Folds > 100:
		return "folds must lie between 2 and 100"
	}
	return ""
}
