// SPDX-License-Identifier: Apache-2.0

package main

import "slices"

// fewestUp returns how many arrows run up in the best order of files that it finds.
func fewestUp(arrows [][]bool) int {
	order := greedyOrder(arrows)
	best := countUp(arrows, order)
	for moved := true; moved; {
		moved = false
		for at := range order {
			for to := range order {
				tried := slices.Insert(slices.Delete(slices.Clone(order), at, at+1), to, order[at])
				if n := countUp(arrows, tried); n < best {
					order, best, moved = tried, n, true
				}
			}
		}
	}
	return best
}

// greedyOrder orders the files. Of those that are left, one on which no other depends goes to the top, and one that
// depends on no other to the bottom. If there is neither, the one with the most arrows out, less its arrows in, goes to
// the top.
func greedyOrder(arrows [][]bool) []int {
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

// countUp counts the arrows that run up in an order of files.
func countUp(arrows [][]bool, order []int) (n int) {
	for k, i := range order {
		for _, j := range order[:k] {
			if arrows[i][j] {
				n++
			}
		}
	}
	return n
}
