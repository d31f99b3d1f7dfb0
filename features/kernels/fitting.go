// SPDX-License-Identifier: Apache-2.0

package kernels

import "github.com/assayrisk/assay/features/plantext"

// Fitting is one feature's view of the training rows.
type Fitting struct {
	Spec    *plantext.FeatureSpec
	Learned *Learned
	In      [][]float64 // input columns, training rows only
	Labels  []float64   // nil if the table has none
	Texts   [][]string  // dictionary of each text input; of the window's members, if the kernel's value is a member
	Out     []float64   // kernels over windows: what was read from the window

	OutOfFold []float64 // set by target encodings: a value for each training row
}
