// SPDX-License-Identifier: Apache-2.0

//go:build race

package forest_test

// raceDetector: under it sync.Pool throws things away at random, so that
// counting allocations says nothing.
const raceDetector = true
