// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// epoch is the time of the first training row.
var epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// windowYAML and windowFeatures are the plan's part that reads windows.
const (
	windowYAML     = ``
	windowFeatures = ``
)
