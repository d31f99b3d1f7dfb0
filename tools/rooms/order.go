// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// up returns how many arrows run against the best order of files that is found.
func up(arrows [][]bool) int {
	order := greedy(arrows)
	best := against(arrows, order)
	for moved := true; moved; {
		moved = false
		for at := range order {
			for to := range order {
				tried := slices.Insert(slices.Delete(slices.Clone(order), at, at+1), to, order[at])
				if n := against(arrows, tried); n < best {
					order, best, moved = tried, n, true
				}
			}
		}
	}
	return best
}

// greedy orders the files: one that nobody left leans on goes to the top, one that leans on nobody left to the bottom;
// where there is neither, the one that leans on the most others, less those that lean on it, goes to the top.
func greedy(arrows [][]bool) []int {
	left := make([]int, len(arrows))
	for i := range left {
		left[i] = i
	}
	var top, bottom []int
	for len(left) > 0 {
		pick, most, down := 0, -len(arrows), false
		for k, i := range left {
			out, in := 0, 0
			for _, j := range left {
				if arrows[i][j] {
					out++
				}
				if arrows[j][i] {
					in++
				}
			}
			if in == 0 || out == 0 {
				pick, down = k, in > 0
				break
			}
			if out-in > most {
				pick, most = k, out-in
			}
		}
		i := left[pick]
		left = slices.Delete(left, pick, pick+1)
		if down {
			bottom = append(bottom, i)
		} else {
			top = append(top, i)
		}
	}
	slices.Reverse(bottom)
	return append(top, bottom...)
}

// against counts the arrows that run up in an order of files.
func against(arrows [][]bool, order []int) (n int) {
	for k, i := range order {
		for _, j := range order[:k] {
			if arrows[i][j] {
				n++
			}
		}
	}
	return n
}
