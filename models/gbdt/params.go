// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
)

// Params are LightGBM's parameters under Go names. Start from DefaultParams:
// a zero in Params means zero, as it does in LightGBM.
type Params struct {
	Objective     models.Objective // binary, cross_entropy, regression or quantile
	NumIterations int              // trees to grow
	LearningRate  float64          // shrinkage of each tree
	NumLeaves     int              // most leaves in a tree
	MaxDepth      int              // deepest leaf; <= 0 means no limit
	Seed          int64            // every random draw hashes this number
	NumThreads    int              // <= 0 means one per processor; the model does not depend on it

	MinDataInLeaf       int     // rows; estimated from hessians inside the split search
	MinSumHessianInLeaf float64 // sum of hessians
	LambdaL1, LambdaL2  float64 // penalties on leaf values
	MinGainToSplit      float64
	MaxDeltaStep        float64 // largest leaf value before shrinkage; <= 0 means no limit
	PathSmooth          float64 // pull of a leaf towards its parent's value, in rows

	FeatureFraction       float64 // features drawn for each tree
	FeatureFractionByNode float64 // features drawn for each leaf, of those of the tree
	BaggingFraction       float64 // rows drawn
	BaggingFreq           int     // iterations between draws; 0 means no bagging
	PosBaggingFraction    float64 // as BaggingFraction, for label 1; binary only
	NegBaggingFraction    float64
	GOSS                  bool    // data_sample_strategy=goss
	TopRate, OtherRate    float64 // GOSS: share of large gradients kept, and of the others drawn

	MaxBin              int   // bins of a feature, missing values included; 2 to 255
	MinDataInBin        int   // rows of the sample
	BinConstructSample  int   // rows that bin bounds are fitted on
	UseMissing          bool  // false: NaN is read as 0
	ZeroAsMissing       bool  // zeros are missing values too
	MaxBinByFeature     []int // overrides MaxBin, one per feature
	MaxCatThreshold     int
	CatL2, CatSmooth    float64
	MaxCatToOnehot      int
	MinDataPerGroup     int
	MonotoneConstraints []int8  // -1, 0, +1, one per feature
	MonotoneMethod      string  // basic or intermediate
	MonotonePenalty     float64 // discourages constrained splits near the root
	InteractionGroups   [][]int // features that may be on one path; nil means all
	ScalePosWeight      float64 // weight of label 1
	IsUnbalance         bool    // weigh the rarer label up to the other one
	BoostFromAverage    bool
	Sigmoid             float64 // slope of the binary objective's link
	Alpha               float64 // quantile level
	Metric              []string
	EarlyStoppingRound  int     // iterations without improvement; <= 0 means never
	EarlyStoppingDelta  float64 // smallest improvement that counts
	FirstMetricOnly     bool
	MetricFreq          int
	RefitDecayRate      float64 // Refit: weight of the old leaf value
}

// DefaultParams returns LightGBM's defaults, for the binary objective.
func DefaultParams() Params {
	return Params{
		Objective: models.Binary, NumIterations: 100, LearningRate: 0.1, NumLeaves: 31, MaxDepth: -1,
		MinDataInLeaf: 20, MinSumHessianInLeaf: 1e-3,
		FeatureFraction: 1, FeatureFractionByNode: 1,
		BaggingFraction: 1, PosBaggingFraction: 1, NegBaggingFraction: 1, TopRate: 0.2, OtherRate: 0.1,
		MaxBin: 255, MinDataInBin: 3, BinConstructSample: 200000, UseMissing: true,
		MaxCatThreshold: 32, CatL2: 10, CatSmooth: 10, MaxCatToOnehot: 4, MinDataPerGroup: 100,
		MonotoneMethod: "basic", ScalePosWeight: 1, BoostFromAverage: true, Sigmoid: 1, Alpha: 0.9,
		MetricFreq: 1, RefitDecayRate: 0.9,
	}
}

// Check reports the first parameter that is out of its range for a data set
// of that many features.
func (p *Params) Check(features int) error {
	bad := func(name, want string) error {
		return fmt.Errorf("%w: parameter %s must be %s", assay.ErrInvalid, name, want)
	}
	switch p.Objective {
	case models.Binary, models.CrossEntropy, models.Regression, models.Quantile:
	default:
		return bad("objective", "binary, cross_entropy, regression or quantile")
	}
	for _, r := range p.rules(features) {
		if !r.ok {
			return bad(r.name, r.want)
		}
	}
	for _, m := range p.MonotoneConstraints {
		if m < -1 || m > 1 {
			return bad("monotone_constraints", "a list of -1, 0 and 1")
		}
	}
	for _, b := range p.MaxBinByFeature {
		if b < 2 || b > 255 {
			return bad("max_bin_by_feature", "a list of numbers from 2 to 255")
		}
	}
	for _, g := range p.InteractionGroups {
		for _, f := range g {
			if f < 0 || f >= features {
				return bad("interaction_constraints", fmt.Sprintf("groups of features from 0 to %d", features-1))
			}
		}
	}
	for _, m := range p.Metric {
		if _, err := metricByName(m, p); err != nil {
			return err
		}
	}
	return nil
}

// rule is a condition on a parameter, and how an error words it.
type rule struct {
	name string
	ok   bool
	want string
}

// rules are the conditions on single parameters, and on pairs.
func (p *Params) rules(features int) []rule {
	return []rule{
		{"num_iterations", p.NumIterations >= 0 && p.NumIterations <= models.MaxTrees,
			fmt.Sprintf("0 to %d", models.MaxTrees)},
		{"learning_rate", p.LearningRate > 0 && !math.IsInf(p.LearningRate, 0), "above 0"},
		{"num_leaves", p.NumLeaves >= 2 && p.NumLeaves <= models.MaxLeaves, fmt.Sprintf("2 to %d", models.MaxLeaves)},
		{"min_data_in_leaf", p.MinDataInLeaf >= 0, "0 or more"},
		{"min_sum_hessian_in_leaf", p.MinSumHessianInLeaf >= 0, "0 or more"},
		{"lambda_l1", p.LambdaL1 >= 0, "0 or more"},
		{"lambda_l2", p.LambdaL2 >= 0, "0 or more"},
		{"min_gain_to_split", p.MinGainToSplit >= 0, "0 or more"},
		{"path_smooth", p.PathSmooth >= 0, "0 or more"},
		{"path_smooth", p.PathSmooth == 0 || p.MinDataInLeaf >= 2, "0 unless min_data_in_leaf is at least 2"},
		{"feature_fraction", p.FeatureFraction > 0 && p.FeatureFraction <= 1, "above 0 and at most 1"},
		{"feature_fraction_bynode", p.FeatureFractionByNode > 0 && p.FeatureFractionByNode <= 1,
			"above 0 and at most 1"},
		{"bagging_fraction", p.BaggingFraction > 0 && p.BaggingFraction <= 1, "above 0 and at most 1"},
		{"pos_bagging_fraction", p.PosBaggingFraction > 0 && p.PosBaggingFraction <= 1, "above 0 and at most 1"},
		{"neg_bagging_fraction", p.NegBaggingFraction > 0 && p.NegBaggingFraction <= 1, "above 0 and at most 1"},
		{"pos_bagging_fraction", p.PosBaggingFraction == 1 && p.NegBaggingFraction == 1 || p.Objective == models.Binary,
			"1 unless the objective is binary"},
		{"bagging_freq", p.BaggingFreq >= 0, "0 or more"},
		{"top_rate", !p.GOSS || p.TopRate >= 0 && p.OtherRate >= 0 && p.TopRate+p.OtherRate > 0 &&
			p.TopRate+p.OtherRate <= 1, "at least 0, and with other_rate above 0 and at most 1"},
		{"data_sample_strategy", !p.GOSS || p.BaggingFreq == 0 || p.BaggingFraction == 1 && p.PosBaggingFraction == 1 &&
			p.NegBaggingFraction == 1, "bagging when bagging_fraction is set"},
		{"max_bin", p.MaxBin >= 2 && p.MaxBin <= 255, "2 to 255 (wider bins are not supported)"},
		{"max_bin_by_feature", len(p.MaxBinByFeature) == 0 || len(p.MaxBinByFeature) == features,
			fmt.Sprintf("a list of %d numbers", features)},
		{"min_data_in_bin", p.MinDataInBin >= 1, "1 or more"},
		{"bin_construct_sample_cnt", p.BinConstructSample >= 1, "1 or more"},
		{"max_cat_threshold", p.MaxCatThreshold >= 1, "1 or more"},
		{"cat_l2", p.CatL2 >= 0, "0 or more"},
		{"cat_smooth", p.CatSmooth >= 0, "0 or more"},
		{"max_cat_to_onehot", p.MaxCatToOnehot >= 1, "1 or more"},
		{"min_data_per_group", p.MinDataPerGroup >= 1, "1 or more"},
		{"monotone_constraints", len(p.MonotoneConstraints) == 0 || len(p.MonotoneConstraints) == features,
			fmt.Sprintf("a list of %d numbers", features)},
		{"monotone_constraints_method", p.MonotoneMethod == "" || p.MonotoneMethod == "basic" ||
			p.MonotoneMethod == "intermediate", "basic or intermediate (advanced is not supported)"},
		{"monotone_penalty", p.MonotonePenalty >= 0, "0 or more"},
		{"scale_pos_weight", p.ScalePosWeight > 0 && !math.IsInf(p.ScalePosWeight, 0), "above 0"},
		{"is_unbalance", !p.IsUnbalance || p.ScalePosWeight == 1, "false when scale_pos_weight is set"},
		{"sigmoid", p.Sigmoid > 0, "above 0"},
		{"alpha", p.Objective != models.Quantile || p.Alpha > 0 && p.Alpha < 1, "above 0 and below 1"},
		{"refit_decay_rate", p.RefitDecayRate >= 0 && p.RefitDecayRate <= 1, "0 to 1"},
	}
}
