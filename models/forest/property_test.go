// SPDX-License-Identifier: Apache-2.0

package forest_test

import (
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/assayrisk/assay/models/forest/foresttest"
)

// TestMarginManyRows compares the compiled forms with the naive walk on many
// random models and rows: 60,000 rows, or as many as ASSAY_ROWS says.
func TestMarginManyRows(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	left := 60000
	if s := os.Getenv("ASSAY_ROWS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		left = n
	}
	r := rand.New(rand.NewPCG(1, 2))
	for seed := uint64(0); left > 0; seed++ {
		shape := foresttest.Shape{
			Trees: 1 + r.IntN(40), Leaves: 1 + r.IntN(90), Features: 1 + r.IntN(140), Thresholds: 1 + r.IntN(600),
			Missing: r.Float64(), MixedMissing: r.IntN(4) == 0, Chain: r.IntN(8) == 0,
			Float32: r.IntN(4) == 0, Init: r.NormFloat64(),
		}
		if r.IntN(3) == 0 {
			shape.Categories, shape.Categorical = 1+r.IntN(400), r.Float64()
		}
		if r.IntN(8) == 0 {
			shape.Leaves *= 5
		}
		m := foresttest.Model(seed, shape)
		n := min(left, 500+r.IntN(200))
		checkMargins(t, m, foresttest.Rows(seed, m, n))
		if t.Failed() {
			t.Fatalf("seed %d, shape %+v", seed, shape)
		}
		left -= n
	}
}

// FuzzMargin lets the fuzzer choose the shape and the bits of a row.
func FuzzMargin(f *testing.F) {
	f.Add(uint64(1), uint8(9), uint8(31), uint8(20), uint8(40), uint8(0), uint64(0x7ff8000000000000), uint64(0))
	f.Add(uint64(2), uint8(4), uint8(70), uint8(3), uint8(255), uint8(7), uint64(1), math.Float64bits(1e-35))
	f.Add(uint64(3), uint8(40), uint8(8), uint8(100), uint8(3), uint8(24), math.Float64bits(math.Inf(1)),
		math.Float64bits(-1e-35))
	f.Fuzz(func(t *testing.T, seed uint64, trees, leaves, features, thresholds, flags uint8, a, b uint64) {
		shape := foresttest.Shape{
			Trees: int(trees) % 12, Leaves: 1 + int(leaves), Features: 1 + int(features),
			Thresholds: 1 + 2*int(thresholds),
			Missing:    float64(flags&1) / 2, MixedMissing: flags&2 != 0, Chain: flags&4 != 0, Float32: flags&32 != 0,
		}
		if flags&8 != 0 {
			shape.Categories, shape.Categorical = 1+int(flags), 0.4
		}
		m := foresttest.Model(seed, shape)
		rows := foresttest.Rows(seed, m, 20)
		for i := range rows {
			switch i % 5 {
			case 0:
				rows[i] = math.Float64frombits(a)
			case 2:
				rows[i] = math.Float64frombits(b + uint64(i%3))
			}
		}
		checkMargins(t, m, rows)
	})
}

// TestNoAllocation holds every call to no allocation in steady state.
func TestNoAllocation(t *testing.T) {
	if raceDetector {
		t.Skip("under the race detector a pool gives things up at random, so allocations say nothing")
	}
	for _, name := range []string{"plain31", "categories", "leaves300", "float32", "features200"} {
		m := foresttest.Model(1, shapes[name])
		f := compile(t, m)
		n := len(m.Features)
		rows := foresttest.Rows(1, m, 130)
		dst, phi := make([]float64, 130), make([]float64, n+1)
		for what, call := range map[string]func(){
			"Margin":        func() { f.Margin(rows[:n]) },
			"Margins":       func() { f.Margins(dst, rows) },
			"Contributions": func() { f.Contributions(phi, rows[:n]) },
		} {
			// A collection in between may empty the pool once.
			if a := testing.AllocsPerRun(200, call); a >= 1 {
				t.Errorf("%s: %s allocates %v times", name, what, a)
			}
		}
	}
}

// TestConcurrent scores from several goroutines at once.
func TestConcurrent(t *testing.T) {
	m := foresttest.Model(1, shapes["categories"])
	f := compile(t, m)
	n := len(m.Features)
	rows := foresttest.Rows(1, m, 300)
	want := make([]float64, 300)
	f.Margins(want, rows)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			dst, phi := make([]float64, 100), make([]float64, n+1)
			for round := range 20 {
				at := (g*37 + round*11) % 200
				f.Margins(dst, rows[at*n:(at+100)*n])
				f.Contributions(phi, rows[at*n:(at+1)*n])
				for i := range dst {
					if dst[i] != want[at+i] || f.Margin(rows[(at+i)*n:(at+i+1)*n]) != want[at+i] {
						t.Errorf("row %d changed under concurrent use", at+i)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
