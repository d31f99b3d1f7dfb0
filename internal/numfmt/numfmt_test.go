// SPDX-License-Identifier: Apache-2.0

package numfmt

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		f    Format
		x    float64
		want string
	}{
		{Plain, 0, "0"}, {Plain, 0.12345678, "0.1235"}, {Plain, -2, "−2"}, {Plain, 12345.6, "12\u202f346"},
		{Plain, 1e9, "1.00e+09"}, {Plain, -5e-5, "−5.00e-05"},
		{Fixed1, 1234.56, "1\u202f234.6"}, {Fixed1, -0.04, "0.0"}, {Fixed2, 2.345, "2.35"},
		{Fixed3, -0.0004, "0.000"}, {Fixed4, 0.7, "0.7000"},
		{Signed3, 0.5, "+0.500"}, {Signed3, -0.5, "−0.500"}, {Signed3, 0.0001, "0.000"},
		{Percent, 0.1234, "12.3 %"}, {Percent, 0.00123, "0.12 %"}, {Percent, 0, "0.0 %"}, {Percent, -0.5, "−50.0 %"},
		{Count, 999, "999"}, {Count, 1234567.4, "1\u202f234\u202f567"}, {Count, -1000, "−1\u202f000"},
		{PValue, 0.00001, "< 0.0001"}, {PValue, 0.0321, "0.0321"},
		{Code, 2023, "2023"}, {Code, 2023.5, "2023.5"}, {Code, 1e15, "1.00e+15"},
		{Fixed2, math.NaN(), "–"}, {Count, math.Inf(1), "–"}, {Percent, math.Inf(-1), "–"},
	} {
		if got := tc.f.Print(tc.x); got != tc.want {
			t.Errorf("%v in format %q is printed %q, want %q", tc.x, tc.f, got, tc.want)
		}
	}
}

// TestNoNegativeZero: what rounds to zero has no sign, in any format.
func TestNoNegativeZero(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{Plain, Fixed1, Fixed2, Fixed3, Fixed4, Percent, Count, Signed3, Code} {
		for _, x := range []float64{math.Copysign(0, -1), 0} {
			if got := f.Print(x); strings.ContainsAny(got, "-−+") {
				t.Errorf("zero in format %q is %q", f, got)
			}
		}
	}
}

func TestNumberInJSON(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		x    float64
		want string
	}{{0.1, "0.1"}, {-3, "-3"}, {1e21, "1e+21"}, {math.NaN(), "null"}, {math.Inf(1), "null"}, {math.Inf(-1), "null"},
		{math.Nextafter(1, 2), "1.0000000000000002"}} {
		got, err := json.Marshal(Number(tc.x))
		if err != nil || string(got) != tc.want {
			t.Errorf("%v is %s in JSON (%v), want %s", tc.x, got, err, tc.want)
		}
	}
	if got, err := json.Marshal(struct{ A, B *Number }{A: Pointer(2)}); string(got) != `{"A":2,"B":null}` {
		t.Errorf("%s, %v", got, err)
	}
	if NaN().Defined() || !Number(0).Defined() {
		t.Error("zero is defined, NaN is not")
	}
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "1": "1", "123": "123", "1234": "1 234", "-123456": "-123 456"} {
		if got := strings.ReplaceAll(Thousands(in), "\u202f", " "); got != want {
			t.Errorf("%q in groups is %q, want %q", in, got, want)
		}
	}
}

func ExampleFormat_Print() {
	fmt.Println(Percent.Print(0.0421), Fixed3.Print(-0.5), Fixed3.Print(math.NaN()))
	// Output: 4.2 % −0.500 –
}
