// SPDX-License-Identifier: Apache-2.0

//go:build !race

package features_test

const raceDetector = false
