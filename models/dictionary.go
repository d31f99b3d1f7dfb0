// SPDX-License-Identifier: Apache-2.0

package models

// Dictionary says what the codes of a categorical feature stand for, where the
// model's file says so: Values[0] is the value of code 0, Values[1] that of code
// 1, and so on. All are of one kind.
type Dictionary struct {
	Kind   DictionaryKind
	Values []string // numbers in their shortest form, flags as false and true
	// Closed: the library that wrote the file refuses a value outside of the
	// dictionary. Otherwise it takes such a value for a missing one.
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
