// SPDX-License-Identifier: Apache-2.0

package bitmath

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bigExp returns e^x to 200 bits: the Taylor series of x/2^s, squared s times.
func bigExp(x float64) *big.Float {
	const prec = 300
	s := 0
	if x != 0 {
		s = max(0, math.Ilogb(x)+10)
	}
	r := new(big.Float).SetPrec(prec).SetMantExp(new(big.Float).SetPrec(prec).SetFloat64(x), -s)
	sum, term := big.NewFloat(1).SetPrec(prec), big.NewFloat(1).SetPrec(prec)
	for n := 1; n < 40; n++ {
		term.Mul(term, r)
		term.Quo(term, new(big.Float).SetPrec(prec).SetInt64(int64(n)))
		sum.Add(sum, term)
	}
	for range s {
		sum.Mul(sum, sum)
	}
	return sum
}

// ulps returns how many units in the last place got is away from want.
func ulps(got float64, want *big.Float) float64 {
	w, _ := want.Float64()
	ulp := math.Nextafter(math.Abs(w), math.Inf(1)) - math.Abs(w)
	d := new(big.Float).SetPrec(300).SetFloat64(got)
	d.Sub(d, want)
	f, _ := d.Float64()
	return math.Abs(f) / ulp
}

func TestAccuracy(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	r := rand.New(rand.NewPCG(1, 2))
	worst := map[string]float64{}
	for range 20000 {
		x := r.NormFloat64() * 10
		worst["exp"] = max(worst["exp"], ulps(Exp(x), bigExp(x)))
		// log by Newton from the true exponential: log y = x + (y/e^x - 1) - ...
		y := math.Exp(x)
		g := math.Log(y)
		d := new(big.Float).SetPrec(300).SetFloat64(y)
		d.Quo(d, bigExp(g))
		d.Sub(d, big.NewFloat(1)) // |d| < 1e-15, so d - d^2/2 is log(1+d) to 1e-46
		q := new(big.Float).SetPrec(300).Mul(d, d)
		q.Quo(q, big.NewFloat(2))
		d.Sub(d, q)
		d.Add(d, new(big.Float).SetPrec(300).SetFloat64(g))
		if g != 0 {
			worst["log"] = max(worst["log"], ulps(Log(y), d))
		}
	}
	for name, u := range worst {
		t.Logf("%s: at most %.3f ulp", name, u)
		if u > 1.5 {
			t.Errorf("%s is %.3f ulp off, want at most 1.5", name, u)
		}
	}
}

func TestAgainstLibrary(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	near := func(name string, x, got, want float64) {
		if got != want && math.Abs(got-want) > 4e-16*math.Abs(want)+5e-324 {
			t.Errorf("%s(%g) = %.17g, want %.17g", name, x, got, want)
		}
	}
	for range 50000 {
		x := math.Ldexp(r.Float64()*2-1, r.IntN(60)-50)
		near("Log1p", x, Log1p(math.Abs(x)), math.Log1p(math.Abs(x)))
		near("Exp", x, Exp(x), math.Exp(x))
		near("Sigmoid", x, Sigmoid(x), 1/(1+math.Exp(-x)))
		if x > 0 {
			near("Log", x, Log(x), math.Log(x))
		}
	}
}

func TestSpecialValues(t *testing.T) {
	t.Parallel()
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"Exp(0)", Exp(0), 1}, {"Exp(inf)", Exp(inf), inf}, {"Exp(-inf)", Exp(-inf), 0}, {"Exp(nan)", Exp(nan), nan},
		{"Exp(710)", Exp(710), inf}, {"Exp(-746)", Exp(-746), 0}, {"Exp(-745.13)", Exp(-745.13), 5e-324},
		{"Log(1)", Log(1), 0}, {"Log(0)", Log(0), -inf}, {"Log(-1)", Log(-1), nan}, {"Log(inf)", Log(inf), inf},
		{"Log(nan)", Log(nan), nan},
		{"Log1p(-1)", Log1p(-1), -inf}, {"Log1p(-2)", Log1p(-2), nan}, {"Log1p(0)", Log1p(0), 0},
		{"Log1p(inf)", Log1p(inf), inf},
		{"Log1p(1e-20)", Log1p(1e-20), 1e-20},
		{"Sigmoid(-800)", Sigmoid(-800), 0}, {"Sigmoid(800)", Sigmoid(800), 1}, {"Sigmoid(0)", Sigmoid(0), 0.5},
		{"Softplus(800)", Softplus(800), 800}, {"Softplus(-800)", Softplus(-800), 0}, {"Logit(0.5)", Logit(0.5), 0},
	} {
		if math.Float64bits(c.got) != math.Float64bits(c.want) && !(c.got != c.got && c.want != c.want) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
}

// TestGolden pins the bits of a hundred thousand results, so that another
// architecture or compiler that gives others is found out.
func TestGolden(t *testing.T) {
	t.Parallel()
	r, h := rand.New(rand.NewPCG(5, 6)), sha256.New()
	put := func(x float64) { h.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(x))) }
	for range 20000 {
		x := (r.Float64() - 0.5) * 60
		y := math.Ldexp(1+r.Float64(), r.IntN(200)-100)
		put(Exp(x))
		put(Log(y))
		put(Log1p(y))
		put(Sigmoid(x))
		put(Softplus(x))
	}
	const want = "6848b29647c406f7b2d2a3ed0580a78ce941665d501ae4d96ed77249bffe71b8"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("the golden hash is %s, want %s", got, want)
	}
}
