// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// team is the fixed set of goroutines that one training run works with. Its
// size never changes a result.
type team struct {
	size  int
	calls []chan func(int)
	wg    sync.WaitGroup
}

// newTeam starts size-1 goroutines; close ends them.
func newTeam(size int) *team {
	if size <= 0 {
		size = runtime.GOMAXPROCS(0)
	}
	t := &team{size: size}
	for i := 1; i < size; i++ {
		c := make(chan func(int), 1)
		t.calls = append(t.calls, c)
		go func() {
			for fn := range c {
				fn(i)
				t.wg.Done()
			}
		}()
	}
	return t
}

func (t *team) close() {
	for _, c := range t.calls {
		close(c)
	}
}

// run calls fn(0) to fn(k-1) side by side, k <= size, and waits for them.
func (t *team) run(k int, fn func(i int)) {
	t.wg.Add(k - 1)
	for i := 1; i < k; i++ {
		t.calls[i-1] <- fn
	}
	fn(0)
	t.wg.Wait()
}

// each calls fn for 0 to n-1, handing them out as members become free.
func (t *team) each(n int, fn func(i int)) { t.hand(n, func(_, i int) { fn(i) }) }

// hand is each that also tells fn which member it runs on.
func (t *team) hand(n int, fn func(member, i int)) {
	if t.size == 1 || n <= 1 {
		for i := range n {
			fn(0, i)
		}
		return
	}
	var next atomic.Int64
	t.run(min(t.size, n), func(member int) {
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			fn(member, i)
		}
	})
}
