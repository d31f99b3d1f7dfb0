// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"encoding/csv"
	"math"
	"math/big"
	"os"
	"strconv"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
)

// decimalColumns are the columns of testdata/decimals.parquet.
var decimalColumns = []string{"p9s2", "p18s2", "p38s0", "p38s10", "p38s18", "p38s37", "p76s20"}

// TestDecimals holds decimals of Parquet and Arrow files to what Python makes of
// them (testdata/decimals.py): as numbers the nearest double, to the last bit,
// as texts every digit.
func TestDecimals(t *testing.T) {
	f, err := os.Open("testdata/decimals.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"testdata/decimals.parquet", "testdata/decimals.arrow"} {
		numbers, err := Read(context.Background(), file, Options{Number: decimalColumns})
		if err != nil {
			t.Fatal(err)
		}
		texts, err := Read(context.Background(), file, Options{Text: decimalColumns})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want[1:] {
			row, _ := strconv.Atoi(w[1])
			column := numbers.Record.Schema().FieldIndices(w[0])[0]
			x, s := numbers.Record.Column(column).(*array.Float64), texts.Record.Column(column).(*array.String)
			if w[2] == "" {
				if !x.IsNull(row) || !s.IsNull(row) {
					t.Errorf("%s: %s, row %d has a value, want none", file, w[0], row)
				}
				continue
			}
			nearest, _ := strconv.ParseFloat(w[3], 64)
			if got := x.Value(row); math.Float64bits(got) != math.Float64bits(nearest) {
				t.Errorf("%s: %s, row %d is %v, the nearest double to %s is %v", file, w[0], row, got, w[2], nearest)
			}
			if got := s.Value(row); got != w[2] {
				t.Errorf("%s: %s, row %d reads %q, want %q", file, w[0], row, got, w[2])
			}
		}
	}
}

func TestDecimalText(t *testing.T) {
	for _, c := range []struct {
		unscaled int64
		scale    int32
		text     string
		number   float64
	}{
		{0, 5, "0", 0}, {1400, 2, "14", 14}, {1450, 2, "14.5", 14.5}, {-5, 3, "-0.005", -0.005}, {7, 0, "7", 7},
		{12, -3, "12000", 12000}, {-100, 2, "-1", -1},
	} {
		if got := decimalText(big.NewInt(c.unscaled), c.scale); got != c.text {
			t.Errorf("%d of scale %d reads %q, want %q", c.unscaled, c.scale, got, c.text)
		}
		if got := decimalNumber(big.NewInt(c.unscaled), c.scale); got != c.number {
			t.Errorf("%d of scale %d is %v, want %v", c.unscaled, c.scale, got, c.number)
		}
	}
}
