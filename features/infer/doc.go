// SPDX-License-Identifier: Apache-2.0

// Package infer makes a plan from a table, as a first version for a person to edit.
// It decides the kind of each column, which columns are left out (identifiers, row
// numbers, times), which texts mean that a value is missing, and which fields are
// required.
package infer
