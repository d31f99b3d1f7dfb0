// SPDX-License-Identifier: Apache-2.0

// Package infer makes a plan from a table, for a person to edit.
package infer
