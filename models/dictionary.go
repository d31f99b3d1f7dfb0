// SPDX-License-Identifier: Apache-2.0

package models

// Dictionary says what the codes of a categorical feature stand for, where the
// file of the model does: the value of code 0, of code 1, and so on. All are of
// one kind.
type Dictionary struct {
	Kind   DictionaryKind
	Values []string // numbers in their shortest form, flags as false and true
	// Closed: the library that wrote the file refuses a value outside the
	// dictionary. Else such a value is missing to it.
	Closed bool
}

// DictionaryKind is what the values of a dictionary are.
type DictionaryKind string

// The kinds, named as those of a plan's fields.
const (
	DictionaryTexts   DictionaryKind = "text"
	DictionaryNumbers DictionaryKind = "number"
	DictionaryFlags   DictionaryKind = "flag"
)
