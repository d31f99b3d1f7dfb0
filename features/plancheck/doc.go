// SPDX-License-Identifier: Apache-2.0

// Package plancheck holds a plan to its rules: each name refers to something, each kernel has the inputs and
// parameters that it wants, no feature reads itself. The first problem is a *plantext.SpecError with the place in the
// YAML and what to write instead. [Schema] is the JSON Schema by which editors check while one types.
package plancheck
