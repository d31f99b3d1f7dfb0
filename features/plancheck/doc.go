// SPDX-License-Identifier: Apache-2.0

// Package plancheck checks the rules of a plan: every name refers to something, every kernel has the inputs and
// parameters that it needs, and no feature reads itself. [Check] returns the first problem, a *plantext.SpecError with
// its place in the YAML and what to write instead. [Schema] is the JSON Schema with which editors check a plan while it
// is typed.
package plancheck
