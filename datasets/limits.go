// SPDX-License-Identifier: Apache-2.0

package datasets

import "github.com/assayrisk/assay/internal/arrowsafe"

// boundedBy allows buffers as large as decompression can reasonably make of a
// file of size bytes, and no larger than the whole table may be. Asking for
// more panics, and guard turns that into an error.
func boundedBy(size, limit int64) *arrowsafe.Budget {
	return &arrowsafe.Budget{Buffer: min(1<<20+maxRowsPerByte*size, limit)}
}
