// SPDX-License-Identifier: Apache-2.0

// Package pickle reads Python's pickles, protocols 0 to 5, without running
// them. It exists because scikit-learn saves models in no other form.
//
// A pickle is a program for a small stack machine. Python's own machine imports
// whatever the program names and calls it with whatever arguments it gives, so
// that loading a file from a stranger runs the stranger's code. The machine here
// has no way to call anything: where Python would make an object, it pushes an
// [Object], which records the name of the callable, its arguments and the state
// that the object would be given. Who called [Load] decides what the names that
// it knows mean, and refuses the others.
//
// In goes the file as bytes. Out comes one value, made of these types:
//
//	Python                          here
//	None                            nil
//	bool, int of 64 bits, float     bool, int64, float64
//	int of more than 64 bits        nil
//	str, bytes, bytearray           string, []byte, []byte
//	tuple, list, dict               Tuple, *List, *Dict
//	a class or a function           Name
//	an object                       *Object
//
// The steps, each with its file:
//
//	machine.go      the stack, the memo, and reading bytes from the file
//	operations.go   what each operation code does to the stack
//	literals.go     numbers, texts and bytes
//	array.go        NumPy arrays and scalars, which arrive as objects
//
// The bytes are hostile until proven otherwise. Memory grows in proportion to the
// file and never with a number written in it, every operation checks what it finds
// on the stack, and a pickle that ends early is an error. Lists and objects may
// contain themselves, as in Python: who walks a value must bound the walk.
// FuzzLoad holds the package to that.
package pickle

import "errors"

// Errors that the errors of Load match.
var (
	// ErrFormat: the bytes are not a pickle, or a damaged one.
	ErrFormat = errors.New("bad pickle")
	// ErrUnsupported: a protocol or an operation that this package does not know.
	ErrUnsupported = errors.New("unsupported pickle")
)
