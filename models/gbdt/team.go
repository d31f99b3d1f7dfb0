// SPDX-License-Identifier: Apache-2.0

package gbdt

import (
	"runtime"
	"sync/atomic"
)

// team is the fixed set of goroutines that one training run works with. Its
// size never changes a result.
//
// A tree is hundreds of jobs of some tens of microseconds each, which is what
// waking a sleeping goroutine takes. So members look out for the next job for
// a while before they sleep, and pieces of a job are not assigned but claimed:
// a member that wakes too late finds nothing left to do, and nobody waits for
// it.
type team struct {
	size   int
	polls  int // how often to look before sleeping
	job    atomic.Pointer[job]
	asleep atomic.Int32
	wake   chan struct{}
}

// job is a number of pieces of work, claimed in order.
type job struct {
	fn         func(i int)
	pieces     int32
	next, left atomic.Int32
	done       chan struct{} // closed when no piece is left
}

// newTeam starts size-1 goroutines; close ends them.
func newTeam(size int) *team {
	if size <= 0 {
		size = runtime.GOMAXPROCS(0)
	}
	t := &team{size: size, wake: make(chan struct{}, size)}
	if size <= runtime.GOMAXPROCS(0) {
		t.polls = 200000 // 0.1 to 0.2 ms
	}
	for range size - 1 {
		go t.member()
	}
	return t
}

// close ends the members; no job may be under way.
func (t *team) close() { close(t.wake) }

// member works on jobs until the team is closed.
func (t *team) member() {
	var last *job
	for open := true; open; {
		for polls := t.polls; polls >= 0; polls-- {
			if j := t.job.Load(); j != last {
				last = j
				j.work()
				polls = t.polls
			}
		}
		t.asleep.Add(1)
		if t.job.Load() == last { // else it may have come before the number of sleepers was seen
			_, open = <-t.wake
		}
		t.asleep.Add(-1)
	}
}

// work claims pieces and does them until there are no more.
func (j *job) work() {
	for {
		i := j.next.Add(1) - 1
		if i >= j.pieces {
			return
		}
		j.fn(int(i))
		if j.left.Add(-1) == 0 {
			close(j.done)
		}
	}
}

// run calls fn(0) to fn(k-1), side by side as far as members are free, and
// waits for them.
func (t *team) run(k int, fn func(i int)) {
	if k <= 1 || t.size == 1 {
		for i := range k {
			fn(i)
		}
		return
	}
	j := &job{fn: fn, pieces: int32(k), done: make(chan struct{})}
	j.left.Store(int32(k))
	t.job.Store(j)
	for range min(int(t.asleep.Load()), k-1) {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
	j.work()
	for range t.polls {
		if j.left.Load() == 0 {
			return
		}
	}
	<-j.done
}

// each calls fn for 0 to n-1, handing them out as members become free.
func (t *team) each(n int, fn func(i int)) { t.run(n, fn) }

// hand is each in which fn also learns in which of t.size places it may keep
// things that no two calls use at once.
func (t *team) hand(n int, fn func(place, i int)) {
	var next atomic.Int64
	t.run(min(t.size, n), func(place int) {
		for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
			fn(place, int(i))
		}
	})
}
