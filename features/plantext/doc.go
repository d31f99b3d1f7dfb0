// SPDX-License-Identifier: Apache-2.0

// Package plantext is a feature plan as people write it: [Spec] and what it declares. [Decode] reads it from YAML and
// refuses unknown keys and wrong types, with line and column; Spec.YAML writes it. Whether the plan holds together, its
// names, kernels and ranges, is what package plancheck asks.
package plantext
