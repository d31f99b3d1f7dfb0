// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

package forest

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// level is a set of instructions that kernels are written for. Kernels of each
// give the same bits.
type level int

const (
	levelGo     level = iota // what every amd64 processor has: no kernels
	levelAVX2                // with BMI2
	levelAVX512              // F, BW, DQ, VL and VBMI, as from Ice Lake and Zen 4 on
)

// supportedLevel is the highest level that the processor has and that the
// operating system supports, by saving a thread's wide registers.
func supportedLevel() level {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasBMI2 || !x.HasPOPCNT:
		return levelGo
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL || !x.HasAVX512VBMI:
		return levelAVX2
	}
	return levelAVX512
}

// kernelLevel is the level that kernels run at. Only tests change it.
var kernelLevel = supportedLevel()

func rank(dst, missing []uint8, x unsafe.Pointer, xStep uintptr, s []rankTable, sStep, n int) {
	if n == 0 {
		return
	}
	if kernelLevel == levelGo {
		rankGeneric(dst, missing, x, xStep, s, sStep, n)
		return
	}
	_, _ = dst[n-1], missing[n-1]
	if kernelLevel >= levelAVX512 {
		rankAVX512(&dst[0], &missing[0], x, xStep, &s[0], uintptr(sStep)*unsafe.Sizeof(rankTable{}), n)
		return
	}
	rankAVX2(&dst[0], &missing[0], x, xStep, &s[0], uintptr(sStep)*unsafe.Sizeof(rankTable{}), n)
}

func rankUnmarked(dst []uint8, x unsafe.Pointer, s []rankTable) {
	if len(s) == 0 {
		return
	}
	_ = dst[len(s)-1]
	switch kernelLevel {
	case levelGo:
		rankUnmarkedGeneric(dst, x, s)
	case levelAVX2:
		rankUnmarkedAVX2(&dst[0], x, &s[0], len(s))
	default:
		rankUnmarkedAVX512(&dst[0], x, &s[0], len(s))
	}
}

func rankFew(dst []uint8, x unsafe.Pointer, s []rankTable) {
	if len(s) == 0 {
		return
	}
	_ = dst[len(s)-1]
	switch kernelLevel {
	case levelGo:
		rankUnmarkedGeneric(dst, x, s)
	case levelAVX2:
		rankFewAVX2(&dst[0], x, &s[0], len(s))
	default:
		rankFewAVX512(&dst[0], x, &s[0], len(s))
	}
}

// rankFewAVX2 is rankUnmarkedGeneric for sources of at most fewThresholds.
//
//go:noescape
func rankFewAVX2(dst *uint8, x unsafe.Pointer, s *rankTable, n int)

//go:noescape
func rankFewAVX512(dst *uint8, x unsafe.Pointer, s *rankTable, n int)

// rankColumn ranks the values of n vectors, xStep bytes apart, of a source that
// needs no mark of what is missing; missing is scratch of n bytes.
func rankColumn(dst, missing []uint8, x unsafe.Pointer, xStep uintptr, s *rankTable, n int) {
	if n == 0 {
		return
	}
	_ = dst[n-1]
	switch kernelLevel {
	case levelGo:
		rankGeneric(dst, missing, x, xStep, unsafe.Slice(s, 1), 0, n)
	case levelAVX2:
		rankColumnAVX2(&dst[0], x, xStep, s, n)
	default:
		rankColumnAVX512(&dst[0], x, xStep, s, n)
	}
}

//go:noescape
func rankColumnAVX2(dst *uint8, x unsafe.Pointer, xStep uintptr, s *rankTable, n int)

//go:noescape
func rankColumnAVX512(dst *uint8, x unsafe.Pointer, xStep uintptr, s *rankTable, n int)

// rankUnmarkedAVX2 is rankUnmarkedGeneric.
//
//go:noescape
func rankUnmarkedAVX2(dst *uint8, x unsafe.Pointer, s *rankTable, n int)

// rankAVX2 is rankGeneric, with sStep in bytes.
//
//go:noescape
func rankAVX2(dst, missing *uint8, x unsafe.Pointer, xStep uintptr, s *rankTable, sStep uintptr, n int)

//go:noescape
func rankUnmarkedAVX512(dst *uint8, x unsafe.Pointer, s *rankTable, n int)

//go:noescape
func rankAVX512(dst, missing *uint8, x unsafe.Pointer, xStep uintptr, s *rankTable, sStep uintptr, n int)

// walkEights walks n times eight trees, side by side, from their roots to their
// leaves, whose slots it writes to at.
//
//go:noescape
func walkEights(slots *slot, codes *uint8, roots, at *uint32, n int)

// lanesTree runs a tree's program of n operations over a block. The leaf of
// each lane ends in the first line of the arena.
func lanesTree(ops *laneOp, n int, arena, sets *uint8) {
	if kernelLevel >= levelAVX512 {
		lanesTreeAVX512(ops, n, arena, sets)
		return
	}
	lanesTreeAVX2(ops, n, arena, sets)
}

//go:noescape
func lanesTreeAVX2(ops *laneOp, n int, arena, sets *uint8)

//go:noescape
func lanesTreeAVX512(ops *laneOp, n int, arena, sets *uint8)

// lanesAdd64 adds leaf[index[i]] to sums[i] for each lane i of a block.
//
//go:noescape
func lanesAdd64(sums *[blockRows]float64, leaf *float64, index *uint8)

// lanesAdd32 is lanesAdd64 in float32.
//
//go:noescape
func lanesAdd32(sums *[blockRows]float32, leaf *float32, index *uint8)

// The block kernels add the leaves of the trees of a to sum, in float64 or
// float32. Those with Few in the name read the codes of up to 64 columns, the
// others of up to 128; those with Categories also read category answers.

func blocksFew64(a *blockArgs, sum float64) float64 {
	if kernelLevel >= levelAVX512 {
		return blocksFew64AVX512(a, sum)
	}
	return blocksFew64AVX2(a, sum)
}

func blocksMany64(a *blockArgs, sum float64) float64 {
	if kernelLevel >= levelAVX512 {
		return blocksMany64AVX512(a, sum)
	}
	return blocksMany64AVX2(a, sum)
}

func blocksFewCategories64(a *blockArgs, sum float64) float64 {
	if kernelLevel >= levelAVX512 {
		return blocksFewCategories64AVX512(a, sum)
	}
	return blocksFewCategories64AVX2(a, sum)
}

func blocksManyCategories64(a *blockArgs, sum float64) float64 {
	if kernelLevel >= levelAVX512 {
		return blocksManyCategories64AVX512(a, sum)
	}
	return blocksManyCategories64AVX2(a, sum)
}

func blocks32(a *blockArgs, sum float32) float32 {
	if kernelLevel >= levelAVX512 {
		return blocks32AVX512(a, sum)
	}
	return blocks32AVX2(a, sum)
}

func blocksCategories32(a *blockArgs, sum float32) float32 {
	if kernelLevel >= levelAVX512 {
		return blocksCategories32AVX512(a, sum)
	}
	return blocksCategories32AVX2(a, sum)
}

//go:noescape
func blocksFew64AVX2(a *blockArgs, sum float64) float64

//go:noescape
func blocksFew64AVX512(a *blockArgs, sum float64) float64

//go:noescape
func blocksMany64AVX2(a *blockArgs, sum float64) float64

//go:noescape
func blocksMany64AVX512(a *blockArgs, sum float64) float64

//go:noescape
func blocksFewCategories64AVX2(a *blockArgs, sum float64) float64

//go:noescape
func blocksFewCategories64AVX512(a *blockArgs, sum float64) float64

//go:noescape
func blocksManyCategories64AVX2(a *blockArgs, sum float64) float64

//go:noescape
func blocksManyCategories64AVX512(a *blockArgs, sum float64) float64

//go:noescape
func blocks32AVX2(a *blockArgs, sum float32) float32

//go:noescape
func blocks32AVX512(a *blockArgs, sum float32) float32

//go:noescape
func blocksCategories32AVX2(a *blockArgs, sum float32) float32

//go:noescape
func blocksCategories32AVX512(a *blockArgs, sum float32) float32

//go:noescape
func orBytesAVX2(dst, src *uint8, n int)

func orBytes(dst, src []uint8) { orBytesAVX2(&dst[0], &src[0], len(dst)) }

// shapArgs is what the explaining kernels read and write. They know its layout.
type shapArgs struct {
	nodes   *shapNode // 0
	inner   int       // 8
	leafy   int       // 16: nodes with two leaves
	f       *float64  // 24
	product *float64  // 32
	held    *uint32   // 40
	taken   *uint32   // 48
	shares  *float64  // 56
	codes   *uint8    // 64
	width   int       // 72: in bytes
}

// The explaining kernels are explainGeneric, for rules of 4, of 8, and of any
// multiple of 4 nodes.

//go:noescape
func shap4(a *shapArgs)

//go:noescape
func shap8(a *shapArgs)

//go:noescape
func shapMany(a *shapArgs)

func (r *rule) explain(t *shapTree, s *shapScratch, codes []uint8) {
	if kernelLevel == levelGo {
		r.explainGeneric(t, s, codes)
		return
	}
	a := shapArgs{&t.nodes[0], t.inner, len(t.nodes) - t.inner, &t.factors[0], &s.product[0], &s.held[0], &s.taken[0],
		&s.shares[0], &codes[0], 8 * r.width}
	switch r.width {
	case 4:
		shap4(&a)
	case 8:
		shap8(&a)
	default:
		shapMany(&a)
	}
}

// fitFactors is fitGeneric.
func fitFactors(f, z []float64, q *quadrature) {
	if kernelLevel == levelGo {
		fitFactorsGeneric(f, z, q)
		return
	}
	_ = f[len(z)*len(q.nodes)-1]
	fitFactorsAVX2(&f[0], &z[0], &q.nodes[0], &q.rests[0], len(z), 8*len(q.nodes))
}

//go:noescape
func fitFactorsAVX2(f, z, nodes, rests *float64, rows, width int)
