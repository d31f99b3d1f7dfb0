// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

package forest

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// hasAVX2 says whether this processor runs the kernels of this package.
var hasAVX2 = cpu.X86.HasAVX2 && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT

func rank(dst, missing []uint8, x unsafe.Pointer, xStep uintptr, s []search, sStep, n int) {
	if n == 0 {
		return
	}
	if !hasAVX2 {
		rankGeneric(dst, missing, x, xStep, s, sStep, n)
		return
	}
	_, _ = dst[n-1], missing[n-1]
	rankAVX2(&dst[0], &missing[0], x, xStep, &s[0], uintptr(sStep)*unsafe.Sizeof(search{}), n)
}

func rankUnmarked(dst []uint8, x unsafe.Pointer, s []search) {
	if len(s) == 0 {
		return
	}
	if !hasAVX2 {
		rankUnmarkedGeneric(dst, x, s)
		return
	}
	_ = dst[len(s)-1]
	rankUnmarkedAVX2(&dst[0], x, &s[0], len(s))
}

// rankUnmarkedAVX2 is rankUnmarkedGeneric.
//
//go:noescape
func rankUnmarkedAVX2(dst *uint8, x unsafe.Pointer, s *search, n int)

// rankAVX2 is rankGeneric, with sStep in bytes.
//
//go:noescape
func rankAVX2(dst, missing *uint8, x unsafe.Pointer, xStep uintptr, s *search, sStep uintptr, n int)

// lanesTree runs a tree's program of n operations over a block. The leaf of
// each lane ends in the first line of the arena.
//
//go:noescape
func lanesTree(ops *laneOp, n int, arena, sets *uint8)

// lanesAdd64 adds leaf[index[i]] to sums[i] for each lane i of a block.
//
//go:noescape
func lanesAdd64(sums *[blockRows]float64, leaf *float64, index *uint8)

// lanesAdd32 is lanesAdd64 in float32.
//
//go:noescape
func lanesAdd32(sums *[blockRows]float32, leaf *float32, index *uint8)

// The block kernels add the leaves of the trees of a to sum. codes has the codes
// of 64 columns, or of 128 where the name does not say 4.

//go:noescape
func blocks4x64(a *blockArgs, sum float64) float64

//go:noescape
func blocks8x64(a *blockArgs, sum float64) float64

//go:noescape
func blocks4Cat64(a *blockArgs, sum float64) float64

//go:noescape
func blocksCat64(a *blockArgs, sum float64) float64

//go:noescape
func blocks32(a *blockArgs, sum float32) float32

//go:noescape
func blocksCat32(a *blockArgs, sum float32) float32

//go:noescape
func orBytesAVX2(dst, src *uint8, n int)

func orBytes(dst, src []uint8) { orBytesAVX2(&dst[0], &src[0], len(dst)) }

// shapArgs is what the explaining kernels work on; they know the layout.
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
	if !hasAVX2 {
		r.explainGeneric(t, s, codes)
		return
	}
	a := shapArgs{&t.nodes[0], t.inner, len(t.nodes) - t.inner, &t.f[0], &s.product[0], &s.held[0], &s.taken[0], &s.shares[0], &codes[0], 8 * r.width}
	switch r.width {
	case 4:
		shap4(&a)
	case 8:
		shap8(&a)
	default:
		shapMany(&a)
	}
}
