// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"fmt"

	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/features/window"
)

// Kernel is one row of the kernel table. Apply fills dst from columns of the
// same length, and treats each row by itself: a table of n rows and a single
// event are the same call. NaN is missing.
type Kernel struct {
	Name                    string
	MinInputs               int  // inputs, at least
	MaxInputs               int  // inputs, at most
	Texts                   bool // inputs are text fields
	Times                   bool // inputs are times (fields, or "event.time")
	AnyKind                 bool // inputs may be of any kind
	Lookup                  bool // reads a lookup table of the plan
	Window                  bool // reads a window by Read, and takes no inputs
	NeedsValue, NeedsMember bool // the window must have one
	Member                  bool // the value is a category: a member of the window
	// how many of the window's latest events it reads; nil: none
	Recent func(f *plantext.FeatureSpec) int

	Formula string
	Missing string
	Params  string
	Example string // a line of TestKernelExamples

	Needs window.Needs // aggregates that the window must keep
	Read  func(r *window.Reading, at int64, l *Learned) float64
	Apply func(dst []float64, in [][]float64, l *Learned)
	Fit   func(f *Fitting) error // nil: nothing is learned
	Check func(f *plantext.FeatureSpec) string
	// Verify checks that what was learned, when it is read from a file, is what
	// Apply relies on; sizes are the numbers of raw codes of each text input.
	Verify func(l *Learned, sizes []int) error
}

// Learned is what Fit learned for one feature, plus its parameters: all that a
// kernel may depend on. The frozen plan holds every number of it.
type Learned struct {
	Low        *float64  `json:"low,omitempty"`        // clip
	High       *float64  `json:"high,omitempty"`       // clip
	Categories []string  `json:"categories,omitempty"` // category, cross: code -> name, without "other"
	Counts     []int64   `json:"counts,omitempty"`     // training rows of each category, then of "other"
	Table      []float64 `json:"table,omitempty"`      // by raw code of the text: what it becomes
	Other      *float64  `json:"other,omitempty"`      // table kernels: texts not in the table

	Pairs []int32 `json:"pairs,omitempty"` // cross: raw codes (a, b) of each category

	Spec          *plantext.FeatureSpec `json:"-"`
	Levels        *Levels               `json:"-"` // category over numbers or flags; nil over texts
	Lookup        *LookupTable          `json:"-"` // lookup: its table
	Zone          *eventtime.Zone       `json:"-"` // date_part; nil: UTC
	countedHashes []uint64              // count_of, share_of: of the members in `is`
	memberCodes   map[uint64]float64    // kernels whose value is a member: hash -> category code
	crossColumns  int                   // cross: raw codes of the second input
	crossCodes    []float64             // cross: category code by a*stride + b
}

// Arity is how many inputs the kernel takes, in words.
func (k *Kernel) Arity() string {
	switch {
	case k.MinInputs == k.MaxInputs && k.MinInputs == 1:
		return "1 input"
	case k.MinInputs == k.MaxInputs:
		return fmt.Sprintf("%d inputs", k.MinInputs)
	}
	return fmt.Sprintf("%d to %d inputs", k.MinInputs, k.MaxInputs)
}
