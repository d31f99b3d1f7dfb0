// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/models"
)

// aliases are LightGBM's other names of the parameters that Assay supports.
var aliases = map[string]string{
	"objective_type": "objective", "app": "objective", "application": "objective", "loss": "objective",
	"num_iteration": "num_iterations", "n_iter": "num_iterations", "num_tree": "num_iterations",
	"num_trees": "num_iterations",
	"num_round": "num_iterations", "num_rounds": "num_iterations", "nrounds": "num_iterations",
	"num_boost_round": "num_iterations",
	"n_estimators":    "num_iterations", "max_iter": "num_iterations",
	"shrinkage_rate": "learning_rate", "eta": "learning_rate",
	"num_leaf": "num_leaves", "max_leaves": "num_leaves", "max_leaf": "num_leaves", "max_leaf_nodes": "num_leaves",
	"random_seed": "seed", "random_state": "seed",
	"num_thread": "num_threads", "nthread": "num_threads", "nthreads": "num_threads", "n_jobs": "num_threads",
	"min_data_per_leaf": "min_data_in_leaf", "min_data": "min_data_in_leaf", "min_child_samples": "min_data_in_leaf",
	"min_samples_leaf":         "min_data_in_leaf",
	"min_sum_hessian_per_leaf": "min_sum_hessian_in_leaf", "min_sum_hessian": "min_sum_hessian_in_leaf",
	"min_hessian": "min_sum_hessian_in_leaf", "min_child_weight": "min_sum_hessian_in_leaf",
	"reg_alpha": "lambda_l1", "l1_regularization": "lambda_l1",
	"reg_lambda": "lambda_l2", "lambda": "lambda_l2", "l2_regularization": "lambda_l2",
	"min_split_gain":  "min_gain_to_split",
	"max_tree_output": "max_delta_step", "max_leaf_output": "max_delta_step",
	"sub_feature": "feature_fraction", "colsample_bytree": "feature_fraction",
	"sub_feature_bynode": "feature_fraction_bynode", "colsample_bynode": "feature_fraction_bynode",
	"sub_row": "bagging_fraction", "subsample": "bagging_fraction", "bagging": "bagging_fraction",
	"subsample_freq": "bagging_freq",
	"pos_sub_row":    "pos_bagging_fraction", "pos_subsample": "pos_bagging_fraction",
	"pos_bagging": "pos_bagging_fraction",
	"neg_sub_row": "neg_bagging_fraction", "neg_subsample": "neg_bagging_fraction",
	"neg_bagging": "neg_bagging_fraction",
	"max_bins":    "max_bin", "subsample_for_bin": "bin_construct_sample_cnt",
	"mc": "monotone_constraints", "monotone_constraint": "monotone_constraints",
	"monotonic_cst":                "monotone_constraints",
	"monotone_constraining_method": "monotone_constraints_method", "mc_method": "monotone_constraints_method",
	"monotone_splits_penalty": "monotone_penalty", "ms_penalty": "monotone_penalty", "mc_penalty": "monotone_penalty",
	"unbalance": "is_unbalance", "unbalanced_sets": "is_unbalance",
	"metrics": "metric", "metric_types": "metric",
	"early_stopping_rounds": "early_stopping_round", "early_stopping": "early_stopping_round",
	"n_iter_no_change": "early_stopping_round",
	"output_freq":      "metric_freq", "boosting_type": "boosting", "boost": "boosting",
	"tree": "tree_learner", "tree_type": "tree_learner", "tree_learner_type": "tree_learner",
	"device": "device_type", "verbose": "verbosity",
}

var objectives = map[string]models.Objective{
	"binary": models.Binary, "cross_entropy": models.CrossEntropy, "xentropy": models.CrossEntropy,
	"regression": models.Regression, "regression_l2": models.Regression, "l2": models.Regression,
	"mse":                models.Regression,
	"mean_squared_error": models.Regression, "l2_root": models.Regression, "rmse": models.Regression,
	"quantile": models.Quantile,
}

var metricAliases = map[string]string{
	"binary": "binary_logloss", "mse": "l2", "mean_squared_error": "l2", "regression": "l2", "regression_l2": "l2",
	"root_mean_squared_error": "rmse", "l2_root": "rmse", "mae": "l1", "mean_absolute_error": "l1",
	"regression_l1": "l1", "xentropy": "cross_entropy",
}

// ParseParams reads LightGBM parameters by their names or aliases, over
// DefaultParams. A parameter that Assay does not support is an error, unless its
// value is what Assay does in any case.
func ParseParams(kv map[string]string) (Params, error) {
	p := DefaultParams()
	names := make([]string, 0, len(kv))
	for k := range kv {
		names = append(names, k)
	}
	slices.Sort(names)
	seen := map[string]string{}
	for _, given := range names {
		name := strings.ToLower(strings.TrimSpace(given))
		if a, ok := aliases[name]; ok {
			name = a
		}
		if other, twice := seen[name]; twice {
			return p, fmt.Errorf("%w: parameters %s and %s set the same thing; give one",
				assay.ErrInvalid, other, given)
		}
		seen[name] = given
		if err := p.set(name, strings.TrimSpace(kv[given])); err != nil {
			return p, fmt.Errorf("%w: parameter %s: %w", assay.ErrInvalid, given, err)
		}
	}
	return p, nil
}

// fields maps each parameter's name to its place in p.
func (p *Params) fields() map[string]any {
	return map[string]any{
		"num_iterations": &p.NumIterations, "learning_rate": &p.LearningRate, "num_leaves": &p.NumLeaves,
		"max_depth": &p.MaxDepth,
		"seed":      &p.Seed, "num_threads": &p.NumThreads, "min_data_in_leaf": &p.MinDataInLeaf,
		"min_sum_hessian_in_leaf": &p.MinSumHessianInLeaf, "lambda_l1": &p.LambdaL1, "lambda_l2": &p.LambdaL2,
		"min_gain_to_split": &p.MinGainToSplit, "max_delta_step": &p.MaxDeltaStep, "path_smooth": &p.PathSmooth,
		"feature_fraction": &p.FeatureFraction, "feature_fraction_bynode": &p.FeatureFractionByNode,
		"bagging_fraction": &p.BaggingFraction, "bagging_freq": &p.BaggingFreq,
		"pos_bagging_fraction": &p.PosBaggingFraction, "neg_bagging_fraction": &p.NegBaggingFraction,
		"top_rate": &p.TopRate, "other_rate": &p.OtherRate, "max_bin": &p.MaxBin, "min_data_in_bin": &p.MinDataInBin,
		"bin_construct_sample_cnt": &p.BinConstructSample, "use_missing": &p.UseMissing,
		"zero_as_missing":    &p.ZeroAsMissing,
		"max_bin_by_feature": &p.MaxBinByFeature, "max_cat_threshold": &p.MaxCatThreshold, "cat_l2": &p.CatL2,
		"cat_smooth": &p.CatSmooth, "max_cat_to_onehot": &p.MaxCatToOnehot, "min_data_per_group": &p.MinDataPerGroup,
		"monotone_constraints": &p.MonotoneConstraints, "monotone_constraints_method": &p.MonotoneMethod,
		"monotone_penalty": &p.MonotonePenalty, "interaction_constraints": &p.InteractionGroups,
		"scale_pos_weight": &p.ScalePosWeight, "is_unbalance": &p.IsUnbalance,
		"boost_from_average": &p.BoostFromAverage,
		"sigmoid":            &p.Sigmoid, "alpha": &p.Alpha, "early_stopping_round": &p.EarlyStoppingRound,
		"early_stopping_min_delta": &p.EarlyStoppingDelta, "first_metric_only": &p.FirstMetricOnly,
		"metric_freq": &p.MetricFreq, "refit_decay_rate": &p.RefitDecayRate,
	}
}

// fixedParams are parameters that Assay accepts and does not use: those with a list
// may only have one of its values, the others change no model.
var fixedParams = map[string][]string{
	"boosting": {"gbdt", "gbrt"}, "tree_learner": {"serial"}, "device_type": {"cpu"},
	"deterministic": nil, "verbosity": nil,
	"force_row_wise": nil, "force_col_wise": nil, "histogram_pool_size": nil, "num_class": {"1"},
	"enable_bundle": nil, "is_enable_sparse": nil, "feature_pre_filter": nil, "pre_partition": nil, "two_round": nil,
	"use_quantized_grad": {"true"}, "linear_tree": {"false"}, "extra_trees": {"false"}, "xgboost_dart_mode": {"false"},
}

func (p *Params) set(name, value string) error {
	switch name {
	case "objective":
		o, ok := objectives[value]
		if !ok {
			return fmt.Errorf("%q is not supported; the objectives are binary, cross_entropy, regression and quantile",
				value)
		}
		p.Objective = o
		return nil
	case "metric":
		p.Metric = nil
		for _, m := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }) {
			if a, ok := metricAliases[m]; ok {
				m = a
			}
			if _, err := metricByName(m, p); err != nil {
				return err
			}
			p.Metric = append(p.Metric, m)
		}
		return nil
	case "data_sample_strategy":
		if value != "bagging" && value != "goss" {
			return fmt.Errorf("want bagging or goss")
		}
		p.GOSS = value == "goss"
		return nil
	case "boosting":
		if value == "goss" {
			p.GOSS = true
			return nil
		}
	}
	if only, ok := fixedParams[name]; ok {
		if only != nil && !slices.Contains(only, strings.ToLower(value)) {
			return fmt.Errorf("%q is not supported, only %s is", value, strings.Join(only, " or "))
		}
		return nil
	}
	f, ok := p.fields()[name]
	if !ok {
		known := append(slices.Collect(maps.Keys(fixedParams)), "objective", "metric", "data_sample_strategy")
		known = slices.AppendSeq(known, maps.Keys(p.fields()))
		slices.Sort(known)
		return fmt.Errorf("it is unknown or not supported%s", nearest.Hint(name, known))
	}
	return setField(f, value)
}

func setField(f any, value string) (err error) {
	switch f := f.(type) {
	case *int:
		*f, err = strconv.Atoi(value)
	case *int64:
		*f, err = strconv.ParseInt(value, 10, 64)
	case *float64:
		*f, err = strconv.ParseFloat(value, 64)
		if err == nil && *f != *f {
			return fmt.Errorf("want a number")
		}
	case *string:
		*f = value
	case *bool:
		switch strings.ToLower(value) {
		case "true", "1", "+":
			*f = true
		case "false", "0", "-":
			*f = false
		default:
			return fmt.Errorf("want true or false")
		}
	case *[]int:
		*f, err = parseInts(value)
	case *[]int8:
		var v []int
		*f = nil
		if v, err = parseInts(value); err == nil && len(v) > 0 {
			*f = make([]int8, len(v))
			for i, x := range v {
				if x < -1 || x > 1 {
					return fmt.Errorf("want a list of -1, 0 and 1")
				}
				(*f)[i] = int8(x)
			}
		}
	case *[][]int:
		*f = nil
		if value == "" || value == "[]" {
			return nil
		}
		if !strings.HasPrefix(value, "[[") {
			value = "[" + value + "]"
		}
		if json.Unmarshal([]byte(value), f) != nil {
			return fmt.Errorf("want groups such as [0,1],[2,3]")
		}
	}
	if err == nil {
		return nil
	}
	switch f.(type) {
	case *float64:
		return fmt.Errorf("want a number, such as 0.1")
	case *[]int, *[]int8:
		return fmt.Errorf("want whole numbers, with commas between them")
	}
	return fmt.Errorf("want a whole number")
}

func parseInts(value string) ([]int, error) {
	var v []int
	for _, s := range strings.FieldsFunc(strings.Trim(value, "[]()"), func(r rune) bool {
		return r == ',' || r == ' '
	}) {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, err
		}
		v = append(v, n)
	}
	return v, nil
}

// Map returns the parameters by name, as ParseParams reads them, for the
// record. num_threads is left out: no model depends on it.
func (p *Params) Map() map[string]string {
	m := map[string]string{"objective": string(p.Objective)}
	for name, f := range p.fields() {
		switch f := f.(type) {
		case *int:
			m[name] = strconv.Itoa(*f)
		case *int64:
			m[name] = strconv.FormatInt(*f, 10)
		case *float64:
			m[name] = strconv.FormatFloat(*f, 'g', -1, 64)
		case *string:
			m[name] = *f
		case *bool:
			m[name] = strconv.FormatBool(*f)
		case *[]int, *[]int8, *[][]int:
			if b, _ := json.Marshal(f); string(b) != "null" {
				m[name] = string(b)
			}
		}
	}
	delete(m, "num_threads")
	if len(p.Metric) > 0 {
		m["metric"] = strings.Join(p.Metric, ",")
	}
	m["data_sample_strategy"] = "bagging"
	if p.GOSS {
		m["data_sample_strategy"] = "goss"
	}
	return m
}
