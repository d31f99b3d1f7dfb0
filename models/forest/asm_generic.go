// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package forest

import "unsafe"

type level int

const (
	levelGo level = iota
	levelAVX2
	levelAVX512
)

const kernelLevel = levelGo

func rank(dst, missing []uint8, x unsafe.Pointer, xStep uintptr, s []rankTable, sStep, n int) {
	rankGeneric(dst, missing, x, xStep, s, sStep, n)
}

func rankColumn(dst, missing []uint8, x unsafe.Pointer, xStep uintptr, s *rankTable, n int) {
	rankGeneric(dst, missing, x, xStep, unsafe.Slice(s, 1), 0, n)
}

func rankUnmarked(dst []uint8, x unsafe.Pointer, s []rankTable) { rankUnmarkedGeneric(dst, x, s) }
func rankFew(dst []uint8, x unsafe.Pointer, s []rankTable)      { rankUnmarkedGeneric(dst, x, s) }

func fitFactors(f, z []float64, q *quadrature) { fitFactorsGeneric(f, z, q) }

// Without kernels no model has lanes or blocks and no walk takes eight trees at a
// time, so that these are never called.

const noKernels = "forest: no kernels in this build"

func walkEights(*slot, *uint8, *uint32, *uint32, int)  { panic(noKernels) }
func lanesTree(*laneOp, int, *uint8, *uint8)           { panic(noKernels) }
func lanesAdd64(*[blockRows]float64, *float64, *uint8) { panic(noKernels) }
func lanesAdd32(*[blockRows]float32, *float32, *uint8) { panic(noKernels) }
func orBytes(dst, src []uint8)                         { panic(noKernels) }

func blocksFew64(*blockArgs, float64) float64            { panic(noKernels) }
func blocksMany64(*blockArgs, float64) float64           { panic(noKernels) }
func blocksFewCategories64(*blockArgs, float64) float64  { panic(noKernels) }
func blocksManyCategories64(*blockArgs, float64) float64 { panic(noKernels) }
func blocks32(*blockArgs, float32) float32               { panic(noKernels) }
func blocksCategories32(*blockArgs, float32) float32     { panic(noKernels) }

func (r *rule) explain(t *shapTree, s *shapScratch, codes []uint8) { r.explainGeneric(t, s, codes) }
