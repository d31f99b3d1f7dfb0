// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package forest

import "unsafe"

const hasAVX2 = false

func rank(dst, missing []uint8, x unsafe.Pointer, xStep uintptr, s []search, sStep, n int) {
	rankGeneric(dst, missing, x, xStep, s, sStep, n)
}

func lanesTree(*laneOp, int, *uint8, *uint8)           { panic("forest: no kernels in this build") }
func lanesAdd64(*[blockRows]float64, *float64, *uint8) { panic("forest: no kernels in this build") }
func lanesAdd32(*[blockRows]float32, *float32, *uint8) { panic("forest: no kernels in this build") }
