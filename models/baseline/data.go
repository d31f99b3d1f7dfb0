// SPDX-License-Identifier: Apache-2.0

package baseline

import (
	"errors"
	"fmt"
	"math"
)

// ErrInput is matched by every error about the training data.
var ErrInput = errors.New("training data is not usable")

// Data is a training table in columns of float64. NaN is missing; a category
// is its code, 0, 1, ...
type Data struct {
	Names       []string
	Columns     [][]float64
	Categorical []bool    // nil = all numbers
	Label       []float64 // 1 = the bad event, 0 = not
}

// maxRows bounds a table; maxCode the codes of a category.
const (
	maxRows = 1 << 30
	maxCode = 1 << 20
)

func (d *Data) validate() error {
	n := len(d.Label)
	if n > maxRows {
		return fmt.Errorf("%w: %d rows, at most %d are supported", ErrInput, n, maxRows)
	}
	if len(d.Columns) == 0 || len(d.Names) != len(d.Columns) || d.Categorical != nil &&
		len(d.Categorical) != len(d.Columns) {
		return fmt.Errorf("%w: %d columns, %d names and %d categorical flags", ErrInput, len(d.Columns),
			len(d.Names), len(d.Categorical))
	}
	bad := 0
	for i, y := range d.Label {
		switch y {
		case 0:
		case 1:
			bad++
		default:
			return fmt.Errorf("%w: the label of row %d is neither 0 nor 1", ErrInput, i)
		}
	}
	if bad == 0 || bad == n {
		return fmt.Errorf("%w: %d of %d rows are bad; it takes rows of both classes", ErrInput, bad, n)
	}
	for j, c := range d.Columns {
		if len(c) != n {
			return fmt.Errorf("%w: column %s has %d values for %d rows", ErrInput, d.Names[j], len(c), n)
		}
		if !d.categorical(j) {
			continue
		}
		for i, v := range c {
			if !math.IsNaN(v) && (v < 0 || v > maxCode || v != math.Trunc(v)) {
				return fmt.Errorf("%w: column %s: the code of row %d is not a whole number from 0 to %d", ErrInput,
					d.Names[j], i, maxCode)
			}
		}
	}
	return nil
}

func (d *Data) categorical(j int) bool { return d.Categorical != nil && d.Categorical[j] }
