// SPDX-License-Identifier: Apache-2.0

package training

import (
	"fmt"

	"github.com/assayrisk/assay"
)

// Progress hears how a job goes on. Each format is fmt's.
type Progress interface {
	Step(format string, args ...any)     // a step begins; the one before it ends
	Progress(format string, args ...any) // how far the running step is
	Done(format string, args ...any)     // the running step ends, with what came of it
	Note(format string, args ...any)     // something to know that is not a step
}

// Quiet hears nothing.
type Quiet struct{}

// Step implements Progress.
func (Quiet) Step(string, ...any) {}

// Progress implements Progress.
func (Quiet) Progress(string, ...any) {}

// Done implements Progress.
func (Quiet) Done(string, ...any) {}

// Note implements Progress.
func (Quiet) Note(string, ...any) {}

// OptionError is an option that does not fit the rows, the plan or another
// option.
type OptionError struct{ Problem string }

func (e *OptionError) Error() string { return e.Problem }

// Unwrap makes it an assay.ErrInvalid.
func (e *OptionError) Unwrap() error { return assay.ErrInvalid }

func optionError(format string, args ...any) error {
	return &OptionError{fmt.Sprintf(format, args...)}
}
