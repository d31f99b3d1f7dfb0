// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// processors is how many goroutines the work of a compilation is shared by.
func processors() int { return min(runtime.GOMAXPROCS(0), 8) }

// inParallel calls f with parts that make up [0, n), and returns when all are
// done.
func inParallel(n int, f func(from, to int)) {
	var wg sync.WaitGroup
	parts := min(processors(), n)
	for k := range parts {
		wg.Go(func() { f(n*k/parts, n*(k+1)/parts) })
	}
	wg.Wait()
}

// beside calls first, and beside it what worker gives, again and again with small
// parts that make up [0, n): one worker a processor, so that whoever called first
// takes its share of the rest when that is done. Parts of a worker ascend.
func beside(first func(), n int, worker func() func(from, to int)) {
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
