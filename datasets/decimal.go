// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math/big"
	"strconv"
	"strings"
)

// decimalText writes unscaled / 10^scale in plain digits, without zeros at the
// end of a fraction: 1400 of scale 2 is 14, and 1450 is 14.5.
func decimalText(unscaled *big.Int, scale int32) string {
	digits := unscaled.String()
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	if digits == "0" {
		return "0"
	}
	if scale <= 0 {
		return sign + digits + strings.Repeat("0", int(-scale))
	}
	if missing := int(scale) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - int(scale)
	fraction := strings.TrimRight(digits[point:], "0")
	if fraction == "" {
		return sign + digits[:point]
	}
	return sign + digits[:point] + "." + fraction
}

// longWhole reports whether a decimal without a fraction is a whole number that
// float64 does not hold for sure: an id, likely.
func longWhole(unscaled *big.Int, scale int32) bool {
	return scale == 0 && (!unscaled.IsInt64() || !exact(unscaled.Int64()))
}

// exactPowers are the powers of ten that float64 holds exactly.
var exactPowers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
	1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// decimalNumber returns the double nearest to unscaled / 10^scale. Where both
// are held exactly, one division is correctly rounded; else the decimal is
// read as its text is. (To divide by a rounded power of ten, or to multiply by
// a rounded inverse, is off in the last place for one value in seven.)
func decimalNumber(unscaled *big.Int, scale int32) float64 {
	if unscaled.IsInt64() && scale >= 0 && int(scale) < len(exactPowers) {
		if v := unscaled.Int64(); exact(v) {
			return float64(v) / exactPowers[scale]
		}
	}
	x, _ := strconv.ParseFloat(unscaled.String()+"e"+strconv.Itoa(-int(scale)), 64)
	return x
}
