// SPDX-License-Identifier: Apache-2.0

// Package screening decides which features are worth keeping: how much each tells about the outcome (information value,
// binning.go), whether its distribution moved (population stability index), and which features rank rows alike
// (correlate.go). DropByGain then tries the rest against a metric of the model.
package screening
