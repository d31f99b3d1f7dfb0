// SPDX-License-Identifier: Apache-2.0

//go:build !race

package forest_test

const raceDetector = false
