// SPDX-License-Identifier: Apache-2.0

// Package plantext holds a feature plan as people write it: [Spec] and the types that it consists of. [Decode] reads it
// from YAML and refuses unknown keys and wrong types, with line and column; [Spec.YAML] writes it. Package plancheck
// checks what the plan says: its names, kernels, parameters and ranges.
package plantext
