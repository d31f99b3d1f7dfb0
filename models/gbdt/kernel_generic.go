// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 || purego

package gbdt

// The kernels where there is no assembly: their Go twins.

func addRows(h []cell, g *group, rows []uint32, packed []cell) { addRowsGo(h, g, rows, packed) }
