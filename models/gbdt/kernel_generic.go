// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package gbdt

// The kernels where there is no assembly: their Go twins.

func addRows(h []cell, g *group, rows []uint32, packed []cell) { addRowsGo(h, g, rows, packed) }

func addLists(h []cell, g *group, rows []uint32, packed []cell) { addListsGo(h, g, rows, packed) }

func countBelow(dst []uint8, src []float64, bounds *[256]float64) { countBelowGo(dst, src, bounds) }

func logisticPairs(score, label []float64, out []pair) { logisticPairsGo(score, label, out) }

func sumPairs(lanes *[8]float64, pairs []pair) { sumPairsGo(lanes, pairs) }

func roundPairs(dst []cell, src []pair, row, key uint32, gScale, hScale float64) cell {
	return roundPairsGo(dst, src, row, key, gScale, hScale)
}

func divide(rows, right []uint32, c column, r *router) int {
	return divideGo(rows, right, c, r)
}

func bestThreshold(left *[histogramBins + 4]cell, n int, s *thresholdScan, gain float64) (float64, int) {
	return bestThresholdGo(left, n, s, gain)
}
