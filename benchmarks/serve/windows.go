// SPDX-License-Identifier: Apache-2.0

package main

import "time"

// epoch is the time of the first training row.
var epoch = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// windowFeatures are the 16 features that read world.Windows.
const windowFeatures = `  - {name: b30_count, kernel: count, window: buyer30}
  - {name: b30_sum, kernel: window_sum, window: buyer30}
  - {name: b30_mean, kernel: mean, window: buyer30}
  - {name: b30_since, kernel: since_last, window: buyer30}
  - {name: b90_count, kernel: count, window: buyer90}
  - {name: b90_sum, kernel: window_sum, window: buyer90}
  - {name: b90_std, kernel: std, window: buyer90}
  - {name: b90_max, kernel: max, window: buyer90}
  - {name: b90_sellers, kernel: distinct, window: buyer90}
  - {name: b90_share, kernel: share, window: buyer90}
  - {name: b90_age, kernel: age, window: buyer90}
  - {name: s30_count, kernel: count, window: seller30}
  - {name: s30_sum, kernel: window_sum, window: seller30}
  - {name: s30_mean, kernel: mean, window: seller30}
  - {name: p90_count, kernel: count, window: pair90}
  - {name: p90_sum, kernel: window_sum, window: pair90}
`
