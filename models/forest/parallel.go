// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// processors is how many goroutines share the work of a compilation.
func processors() int { return min(runtime.GOMAXPROCS(0), 8) }

// inParallel divides [0, n) into parts, calls f with each of them in a goroutine,
// and returns when all are done.
func inParallel(n int, f func(from, to int)) {
	var wg sync.WaitGroup
	parts := min(processors(), n)
	for k := range parts {
		wg.Go(func() { f(n*k/parts, n*(k+1)/parts) })
	}
	wg.Wait()
}

// runAlongside calls first in one goroutine, while others work through [0, n) in
// small parts; when first is done, its goroutine takes parts, too. Each goroutine
// gets a function of its own from worker and calls it with part after part, in
// ascending order.
func runAlongside(first func(), n int, worker func() func(from, to int)) {
	part := min(16, max(1, n/(4*processors())))
	var wg sync.WaitGroup
	var next atomic.Int64
	for k := range processors() {
		wg.Go(func() {
			if k == 0 {
				first()
			}
			var f func(from, to int)
			for {
				from := int(next.Add(int64(part))) - part
				if from >= n {
					return
				}
				if f == nil {
					f = worker()
				}
				f(from, min(from+part, n))
			}
		})
	}
	wg.Wait()
}
