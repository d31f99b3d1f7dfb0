// SPDX-License-Identifier: Apache-2.0

package features

import "github.com/assayrisk/assay/features/window"

// kernel is one row of the kernel table. apply fills dst from columns of the
// same length, and must treat row i by itself: the batch of n rows and the one
// event are the same call. NaN is missing.
type kernel struct {
	name                    string
	min                     int                      // inputs, at least
	max                     int                      // inputs, at most
	text                    bool                     // inputs are text fields
	times                   bool                     // inputs are times (fields, or "event.time")
	any                     bool                     // inputs may be of any kind
	lookup                  bool                     // reads a table of the plan
	window                  bool                     // reads a window by read, and takes no inputs
	needsValue, needsMember bool                     // of the window
	member                  bool                     // the value is a category: a member of the window
	recent                  func(f *FeatureSpec) int // of the window's latest events, how many it reads; nil: none

	formula string
	missing string
	params  string
	example string // a line of TestKernelExamples

	needs window.Needs // of the window
	read  func(r *window.Reading, at int64, l *learned) float64
	apply func(dst []float64, in [][]float64, l *learned)
	fit   func(f *fitting) error // nil: nothing is learned
	check func(f *FeatureSpec) string
	// verify holds what was learned, when read from a file, to what apply
	// relies on; sizes are the raw codes of each text input.
	verify func(l *learned, sizes []int) error
}

// learned is what Fit learned for one feature, plus its parameters: all that a
// kernel may depend on. Every number of it stands in the frozen plan.
type learned struct {
	Low        *float64  `json:"low,omitempty"`        // clip
	High       *float64  `json:"high,omitempty"`       // clip
	Categories []string  `json:"categories,omitempty"` // category, cross: code -> name, without "other"
	Counts     []int64   `json:"counts,omitempty"`     // training rows of each category, then of "other"
	Table      []float64 `json:"table,omitempty"`      // by raw code of the text: what it becomes
	Other      *float64  `json:"other,omitempty"`      // table kernels: texts not in the table

	Pairs []int32 `json:"pairs,omitempty"` // cross: raw codes (a, b) of each category

	spec    *FeatureSpec
	levels  *levels            // category over numbers or flags; nil over texts
	lookup  *lookupTable       // lookup: what stands in the plan
	zone    *zone              // date_part; nil: UTC
	hashes  []uint64           // count_of, share_of: of the members in `is`
	members map[uint64]float64 // kernels that answer with a member: hash -> category code
	stride  int                // cross: raw codes of the second input
	dense   []float64          // cross: category code by a*stride + b
}
