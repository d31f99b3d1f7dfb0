// SPDX-License-Identifier: Apache-2.0

// Package isolation scores how far rows lie from the others, with an isolation forest. The forest is seeded by the
// number of rows, so that the same rows always have the same scores.
package isolation
