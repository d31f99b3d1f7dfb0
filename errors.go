// SPDX-License-Identifier: Apache-2.0

package assay

import (
	"errors"
	"fmt"
)

// The kinds of error that a caller can branch on with errors.Is. Package
// serving maps each to one gRPC status; every other error is internal and
// leaks nothing.
var (
	// ErrInvalid: the input is at fault. FieldError carries the field's name.
	ErrInvalid = errors.New("invalid input")
	// ErrNotFound: nothing is known under the name that was asked for.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the request id was used before with another body.
	ErrConflict = errors.New("already exists with other content")
	// ErrExhausted: a bound was reached; trying again later can succeed.
	ErrExhausted = errors.New("limit reached")
	// ErrUnavailable: the server drains, or cannot make records durable.
	ErrUnavailable = errors.New("unavailable")
	// ErrPrecondition: the state of the system does not allow the operation.
	ErrPrecondition = errors.New("precondition failed")
	// ErrCorrupt: stored bytes are not what was written. The state is unknown:
	// stop, and recover from the journal.
	ErrCorrupt = errors.New("corrupt data")
)

// FieldError says which field of an event or request is wrong, and how. It
// matches ErrInvalid. Problem never repeats the field's value, which may be
// personal data.
type FieldError struct {
	Field   string
	Problem string
}

// Error implements error.
func (e *FieldError) Error() string { return fmt.Sprintf("field %q: %s", e.Field, e.Problem) }

// Is reports that a FieldError is an ErrInvalid.
func (e *FieldError) Is(target error) bool { return target == ErrInvalid }
