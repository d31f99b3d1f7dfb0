// SPDX-License-Identifier: Apache-2.0

// Package gbdt trains gradient-boosted decision trees: histograms of binned
// features, grown leaf by leaf, with LightGBM's parameter names, defaults and
// rules (Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision
// Tree", NIPS 2017).
//
// In go a [Dataset], or chunks of a table that is larger than memory, [Params] and
// [Options]; out comes a [Result] with a [models.Model]. The data runs through
// these files:
//
//	dataset.go, stream.go        the table: checks, subsets, chunks
//	binfind.go                   which values of a column share a bin
//	binning.go, order.go         the bin of every value
//	matrix.go, sparse.go         the bins, laid out for the loops that read them
//	objective.go                 margins to gradients and hessians
//	quantise.go                  these rounded to integers
//	sample.go                    rows and features drawn for a tree
//	histogram.go                 sums of a leaf's gradients by bin
//	search.go                    the best split of a leaf, over all features
//	split.go, splitcat.go        the best split of one feature
//	monotone.go                  bounds on leaves under monotone constraints
//	partition.go                 a leaf's rows divided by its split
//	grow.go                      a tree, leaf by leaf
//	train.go                     one tree after another
//	validate.go, metric.go       metrics on held-out rows; early stopping
//
// Around that:
//
//	params.go, parse.go          parameters: defaults, checks, LightGBM's names
//	crossval.go, folds.go        several models trained in step, one for each fold
//	tune.go                      a random search over parameters
//	refit.go                     new leaf values for old trees
//	exp.go                       exp, log and random numbers with the same bits everywhere
//	kernel_amd64.go, *.s         loops in assembly; kernel_generic.go without it
//	workers/                     the goroutines that share the work
//
// The page about it is docs/design/trainer.md.
//
// # The same bits everywhere
//
// Training the same rows with the same parameters gives the same model, bit
// for bit, with any number of threads, with the assembly kernels or without
// them, and on any architecture. Four rules make it so:
//
//   - Gradients and hessians are rounded to integers before they are summed
//     (quantise.go), and integer sums do not depend on their order.
//   - The rounding is stochastic, and its randomness is a hash of the seed,
//     the iteration and the row, never the state of a generator.
//   - Sums of floating-point numbers run over fixed blocks of rows in row
//     order (the partition is stable).
//   - Exp and log are this package's own, in plain IEEE-754 operations that
//     are never fused (exp.go).
//
// TestGolden holds one digest of a trained model that every platform and every
// thread count must reproduce.
package gbdt
