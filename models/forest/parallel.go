// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"runtime"
	"sync"
)

// inParallel calls f with parts that make up [0, n), and returns when all are
// done.
func inParallel(n int, f func(from, to int)) {
	var wg sync.WaitGroup
	parts := min(runtime.GOMAXPROCS(0), 8, n)
	for k := range parts {
		wg.Go(func() { f(n*k/parts, n*(k+1)/parts) })
	}
	wg.Wait()
}
