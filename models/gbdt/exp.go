// SPDX-License-Identifier: Apache-2.0

package gbdt

import "math"

// The standard library's Exp and Log are assembly on some platforms and Go on
// others, and the two do not round alike. These are one sequence of unfused
// operations everywhere; their errors are below 2 units in the last place.

const (
	ln2Hi = 6.93147180369123816490e-01 // upper bits of ln 2, so that k*ln2Hi is exact
	ln2Lo = 1.90821492927058770002e-10
)

// exp returns e to the power x, for |x| <= 700; outside, it saturates.
func exp(x float64) float64 {
	if x != x {
		return x
	}
	if x > 700 {
		x = 700
	} else if x < -700 {
		x = -700
	}
	// x = k ln 2 + r with |r| <= ln(2)/2, by adding and removing 1.5 * 2^52.
	t := float64(x*math.Log2E) + 6755399441055744
	k := int64(math.Float64bits(t)<<13) >> 13
	fk := t - 6755399441055744
	r := x - float64(fk*ln2Hi)
	r -= float64(fk * ln2Lo)
	// Taylor's series to r^13: |r|^14/14! < 2^-57.
	p := 1.0 / 6227020800
	p = float64(p*r) + 1.0/479001600
	p = float64(p*r) + 1.0/39916800
	p = float64(p*r) + 1.0/3628800
	p = float64(p*r) + 1.0/362880
	p = float64(p*r) + 1.0/40320
	p = float64(p*r) + 1.0/5040
	p = float64(p*r) + 1.0/720
	p = float64(p*r) + 1.0/120
	p = float64(p*r) + 1.0/24
	p = float64(p*r) + 1.0/6
	p = float64(p*r) + 1.0/2
	p = float64(p*r) + 1
	p = float64(p*r) + 1
	return p * math.Float64frombits(uint64(k+1023)<<52)
}

// log returns the natural logarithm of x, for finite x > 0.
func log(x float64) float64 {
	m, e := math.Frexp(x) // m in [1/2, 1)
	if m < math.Sqrt2/2 {
		m *= 2
		e--
	}
	// log m = 2 atanh(s), s = (m-1)/(m+1), |s| <= 0.1716: the series to s^21.
	s := (m - 1) / (m + 1)
	s2 := s * s
	p := 0.0
	for n := 21; n >= 3; n -= 2 {
		p = float64((p + 1/float64(n)) * s2)
	}
	k := float64(e)
	return float64(k*ln2Hi) + (float64(2*s) + (float64(float64(2*s)*p) + float64(k*ln2Lo)))
}

// mix is the finaliser of splitmix64 (Steele, Lea and Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014): a hash of 64 bits.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xBF58476D1CE4E5B9
	x ^= x >> 27
	x *= 0x94D049BB133111EB
	return x ^ x>>31
}

// hash mixes the parts of a random draw's name into 64 random bits.
func hash(parts ...uint64) uint64 {
	h := uint64(0x9E3779B97F4A7C15)
	for _, p := range parts {
		h = mix(h ^ mix(p+0x9E3779B97F4A7C15))
	}
	return h
}

// unit turns 64 random bits into a number in [0, 1).
func unit(h uint64) float64 { return float64(h>>11) * (1.0 / (1 << 53)) }
