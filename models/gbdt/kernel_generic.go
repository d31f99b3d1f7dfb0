// SPDX-License-Identifier: Apache-2.0

package gbdt

func addRows(h []cell, g *group, rows []uint32, packed []cell) { addRowsGo(h, g, rows, packed) }
