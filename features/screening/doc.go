// SPDX-License-Identifier: Apache-2.0

// Package screening scores features: what each tells about the outcome (information value), whether its distribution
// moved (population stability index), and which features rank rows alike.
package screening
