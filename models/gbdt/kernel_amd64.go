// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

package gbdt

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// The kernels in assembly compute what their Go twins compute, bit for bit, at
// each level of instructions; the tests in kernel_test.go compare them.

// level is a set of instructions that kernels are written for.
type level int

const (
	levelBase   level = iota // what every amd64 processor has
	levelAVX2                // with BMI2
	levelAVX512              // F, BW, DQ and VL, as from Skylake-X and Zen 4 on
)

// supportedLevel is the highest level that the processor has and that the
// operating system supports, by saving a thread's wide registers.
func supportedLevel() level {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasBMI2 || !x.HasPOPCNT:
		return levelBase
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return levelAVX2
	}
	return levelAVX512
}

// kernelLevel is the level that kernels run at. Only tests change it.
var kernelLevel = supportedLevel()

// add2 to add16 add the packed gradients of n rows to the cells of 2 to 16
// features, whose bins are next to each other in a record. They fetch the records
// and gradients of later rows ahead of their use. The record of row r is at
// records + r*2^s, with s = 1, 2, 3 or 4 for up to 2, 4, 8 or 16 features.
//
//go:noescape
func add2(h *cell, records *uint8, rows *uint32, n int, packed *cell)

//go:noescape
func add4(h *cell, records *uint8, rows *uint32, n int, packed *cell)

//go:noescape
func add6(h *cell, records *uint8, rows *uint32, n int, packed *cell)

//go:noescape
func add8(h *cell, records *uint8, rows *uint32, n int, packed *cell)

//go:noescape
func add10(h *cell, records *uint8, rows *uint32, n int, packed *cell)

//go:noescape
func add12(h *cell, records *uint8, rows *uint32, n int, packed *cell)

//go:noescape
func add14(h *cell, records *uint8, rows *uint32, n int, packed *cell)

//go:noescape
func add16(h *cell, records *uint8, rows *uint32, n int, packed *cell)

// addChunk bounds the time that a goroutine spends where it cannot be stopped
// for the garbage collector: about a millisecond.
const addChunk = 1 << 17

// addRows is addRowsGo in assembly.
func addRows(h []cell, g *group, rows []uint32, packed []cell) {
	h = h[: g.width*histogramBins : g.width*histogramBins]
	for len(rows) > 0 {
		n := min(len(rows), addChunk)
		hp, rp, ip, pp := &h[0], &g.records[0], &rows[0], &packed[0]
		switch g.width {
		case 2:
			add2(hp, rp, ip, n, pp)
		case 4:
			add4(hp, rp, ip, n, pp)
		case 6:
			add6(hp, rp, ip, n, pp)
		case 8:
			add8(hp, rp, ip, n, pp)
		case 10:
			add10(hp, rp, ip, n, pp)
		case 12:
			add12(hp, rp, ip, n, pp)
		case 14:
			add14(hp, rp, ip, n, pp)
		default:
			add16(hp, rp, ip, n, pp)
		}
		rows = rows[n:]
	}
}

//go:noescape
func addPlaces(h *cell, lists *uint16, places int, overflow *uint16, rows *uint32, n int, packed *cell)

// addLists is addListsGo in assembly.
func addLists(h []cell, g *group, rows []uint32, packed []cell) {
	for len(rows) > 0 {
		n := min(len(rows), addChunk)
		addPlaces(&h[0], &g.lists[0], g.places, unsafe.SliceData(g.overflow), &rows[0], n, &packed[0])
		rows = rows[n:]
	}
}

//go:noescape
func countBelow256(dst *uint8, src *float64, n int, bound *[256]float64, every16th *[16]float64)

//go:noescape
func countBelow512(dst *uint8, src *float64, n int, bound *[256]float64, every16th *[16]float64)

// countBelow is countBelowGo in assembly: for each value, first the run of sixteen
// bounds, then the place in the run.
func countBelow(dst []uint8, src []float64, bounds *[256]float64) {
	if kernelLevel < levelAVX2 || len(src) == 0 {
		countBelowGo(dst, src, bounds)
		return
	}
	var every16th [16]float64
	for i := range every16th {
		every16th[i] = bounds[16*i+15]
	}
	for len(src) > 0 {
		n := min(len(src), addChunk)
		if kernelLevel >= levelAVX512 {
			countBelow512(&dst[:n][0], &src[0], n, bounds, &every16th)
		} else {
			countBelow256(&dst[:n][0], &src[0], n, bounds, &every16th)
		}
		dst, src = dst[n:], src[n:]
	}
}

//go:noescape
func logistic8(score, label *float64, out *pair, n int)

//go:noescape
func logistic16(score, label *float64, out *pair, n int)

//go:noescape
func sum4(lanes *[8]float64, pairs *pair, n int)

//go:noescape
func round4(dst *cell, src *pair, n int, row, key uint32, gScale, hScale float64) cell

//go:noescape
func round8(dst *cell, src *pair, n int, row, key uint32, gScale, hScale float64) cell

// The kernels below work on four, eight or sixteen rows at a time. The rows that
// are left over go to a kernel of fewer rows, and the last ones to the Go twin.

func logisticPairs(score, label []float64, out []pair) {
	n := 0
	if m := len(score) &^ 15; kernelLevel >= levelAVX512 && m > 0 {
		logistic16(&score[0], &label[:m][0], &out[:m][0], m)
		n = m
	}
	if m := (len(score) - n) &^ 7; kernelLevel >= levelAVX2 && m > 0 {
		logistic8(&score[n], &label[n : n+m][0], &out[n : n+m][0], m)
		n += m
	}
	logisticPairsGo(score[n:], label[n:], out[n:])
}

func sumPairs(lanes *[8]float64, pairs []pair) {
	n := 0
	if kernelLevel >= levelAVX2 && len(pairs) >= 4 {
		n = len(pairs) &^ 3
		sum4(lanes, &pairs[0], n)
	}
	sumPairsGo(lanes, pairs[n:])
}

func roundPairs(dst []cell, src []pair, row, key uint32, gScale, hScale float64) cell {
	n := 0
	var c cell
	if kernelLevel >= levelAVX512 && len(src) >= 8 {
		n = len(src) &^ 7
		c = round8(&dst[:n][0], &src[0], n, row, key, gScale, hScale)
	}
	if m := (len(src) - n) &^ 3; kernelLevel >= levelAVX2 && m > 0 {
		c += round4(&dst[n : n+m][0], &src[n], m, row+uint32(n), key, gScale, hScale)
		n += m
	}
	return c + roundPairsGo(dst[n:], src[n:], row+uint32(n), key, gScale, hScale)
}

//go:noescape
func divideRows(rows, right *uint32, n int, column, router *uint8) int

//go:noescape
func divideRecords(rows, right *uint32, n int, column, router *uint8, shift int) int

//go:noescape
func divideRows16(rows, right *uint32, n int, column, router *uint8) int

//go:noescape
func divideRecords16(rows, right *uint32, n int, column, router *uint8, shift int) int

// divide is divideGo in assembly.
func divide(rows, right []uint32, c column, r *router) int {
	if len(rows) == 0 {
		return 0
	}
	right = right[:len(rows)]
	if kernelLevel < levelAVX512 || len(rows) < 16 {
		return divideFew(rows, right, c, r)
	}
	n, left := len(rows)&^15, 0
	if c.shift > 0 {
		left = divideRecords16(&rows[0], &right[0], n, &c.cells[0], &r[0], c.shift)
	} else {
		left = divideRows16(&rows[0], &right[0], n, &c.cells[0], &r[0])
	}
	return divideRest(rows, right, n, left, c, r)
}

// divideFew is divide without wide registers, for at least one row.
func divideFew(rows, right []uint32, c column, r *router) int {
	if c.shift > 0 {
		return divideRecords(&rows[0], &right[0], len(rows), &c.cells[0], &r[0], c.shift)
	}
	return divideRows(&rows[0], &right[0], len(rows), &c.cells[0], &r[0])
}

//go:noescape
func bestThreshold4(left *cell, n int, s *thresholdScan, gain, bin *[4]float64)

// bestThreshold is thresholdsGo, four thresholds at a time. The last ones are
// repeated up to a multiple of four. Of equal gains the lowest place wins, so
// that a repeated threshold never does.
func bestThreshold(left *[histogramBins + 4]cell, n int, s *thresholdScan, gain float64) (float64, int) {
	if kernelLevel < levelAVX2 || n < 8 {
		return bestThresholdGo(left, n, s, gain)
	}
	for k := n; k&3 != 0; k++ {
		left[k] = left[n-1]
	}
	gains, bins := [4]float64{gain, gain, gain, gain}, [4]float64{-1, -1, -1, -1}
	bestThreshold4(&left[0], (n+3)&^3, s, &gains, &bins)
	bin := -1.0
	for k, b := range bins {
		if b >= 0 && (gains[k] > gain || gains[k] == gain && (bin < 0 || b < bin)) {
			gain, bin = gains[k], b
		}
	}
	return gain, int(bin)
}
