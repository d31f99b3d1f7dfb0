// SPDX-License-Identifier: Apache-2.0

package fieldvalue

import (
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// decimalText writes a decimal with all the digits of its scale.
func decimalText(a arrow.Array, i int) string {
	var unscaled string
	var scale int
	switch a := a.(type) {
	case *array.Decimal128:
		unscaled, scale = a.Value(i).BigInt().String(), int(a.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Decimal256:
		unscaled, scale = a.Value(i).BigInt().String(), int(a.DataType().(*arrow.Decimal256Type).Scale)
	}
	if scale <= 0 {
		return unscaled + strings.Repeat("0", -scale)
	}
	digits, negative := strings.CutPrefix(unscaled, "-")
	if n := scale + 1 - len(digits); n > 0 {
		digits = strings.Repeat("0", n) + digits
	}
	point := len(digits) - scale
	digits = digits[:point] + "." + digits[point:]
	if negative {
		return "-" + digits
	}
	return digits
}

// shortDecimal drops the zeros at the end of a fraction, as textOfNumber does.
func shortDecimal(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}
