// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// fixed prints x with n digits after the point.
func fixed(x float64, n int) string { return strconv.FormatFloat(x, 'f', n, 64) }
