// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"math"
	"math/bits"

	"github.com/assayrisk/assay/internal/bitmath"
)

// Random is splitmix64 (Steele, Lea and Flood 2014): small, and the same
// stream on every platform and under every version of Go.
type Random uint64

func (r *Random) next() uint64 {
	*r += 0x9E3779B97F4A7C15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Below returns a number in 0..n-1, by multiplication (Lemire 2019) without
// the rejection step: the bias is below n / 2^64.
func (r *Random) Below(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// Unit returns a number in [0, 1).
func (r *Random) Unit() float64 { return float64(r.next()>>11) / (1 << 53) }

// Normal returns a standard normal number (Box and Muller 1958).
func (r *Random) Normal() float64 {
	u, v := 1-r.Unit(), r.Unit()
	return math.Sqrt(-2*bitmath.Log(u)) * math.Cos(2*math.Pi*v)
}

// Stream returns the generator of one replicate, so that replicates can run in
// any order on any number of threads.
func Stream(seed uint64, replicate int) Random {
	r := Random(seed ^ 0xA5A5A5A55A5A5A5A)
	r += Random(uint64(replicate) * 0xD1342543DE82EF95)
	r.next()
	return Random(r.next())
}
