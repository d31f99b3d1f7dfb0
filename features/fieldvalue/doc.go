// SPDX-License-Identifier: Apache-2.0

// Package fieldvalue decides what a value is, by the kind that the plan gives its field, however it is spelled: in an
// event or in a column of a table ([Column]). [Field] applies the plan's ranges, allowed values and marks of missing
// values, and turns a value into the float64 that kernels take. canonical.go says which spellings are one value.
package fieldvalue
