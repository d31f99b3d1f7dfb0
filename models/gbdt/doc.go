// SPDX-License-Identifier: Apache-2.0

// Package gbdt trains gradient-boosted decision trees: histograms of binned
// features, grown leaf by leaf, with LightGBM's parameter names, defaults and
// rules (Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision
// Tree", NIPS 2017).
//
// The order in which the data runs through the files is
//
//	dataset -> binfind -> binning -> objective -> quantise -> histogram -> split -> partition -> grow -> train
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
