// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package forest

// Without assembly there are no lanes.

func lanesTreeHalf(*laneOp, int, *uint8, *uint8)                 { panic("forest: no kernels") }
func lanesAddFours64(*[blockRows]float64, *float64, *uint8, int) { panic("forest: no kernels") }
func lanesAddFours32(*[blockRows]float32, *float32, *uint8, int) { panic("forest: no kernels") }
