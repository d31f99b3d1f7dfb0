// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

package forest

// The kernels of lanes for a block of at most 32 vectors: lanesTree on the first
// half of each line, and lanesAdd64 and lanesAdd32 for fours times four vectors.
// fours is at least 1.

//go:noescape
func lanesTreeHalf(ops *laneOp, n int, arena, sets *uint8)

//go:noescape
func lanesAddFours64(sums *[blockRows]float64, leaf *float64, index *uint8, fours int)

//go:noescape
func lanesAddFours32(sums *[blockRows]float32, leaf *float32, index *uint8, fours int)
