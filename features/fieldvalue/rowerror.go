// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"fmt"

	"github.com/assayrisk/assay"
)

// RowError says which row of a table breaks which rule of the plan. It matches
// assay.ErrInvalid, and never repeats the value.
type RowError struct {
	Row     int // 0-based row of the record
	Column  string
	Problem string
}

// Error implements error.
func (e *RowError) Error() string {
	return fmt.Sprintf("row %d, column %q: %s", e.Row+1, e.Column, e.Problem)
}

// Is reports that a RowError is an assay.ErrInvalid.
func (e *RowError) Is(target error) bool { return target == assay.ErrInvalid }
