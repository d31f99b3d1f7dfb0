// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/assayrisk/assay/models"
)

// checkDictionary refuses categories that a row could not tell apart.
func checkDictionary(d *models.Dictionary) error {
	seen := make(map[string]bool, len(d.Values))
	for _, v := range d.Values {
		switch {
		case seen[v]:
			return fmt.Errorf("%w: the category %q is there twice", ErrFormat, clip(v))
		case v == "":
			return fmt.Errorf("%w: a category is the empty text, which is a missing value here: give it a name "+
				"before training", ErrUnsupported)
		case !utf8.ValidString(v):
			return fmt.Errorf("%w: a category is not UTF-8", ErrFormat)
		}
		seen[v] = true
	}
	return nil
}

// numberName is how a number is called as a category or a class.
func numberName(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
