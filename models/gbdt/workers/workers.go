// SPDX-License-Identifier: Apache-2.0

// Package workers runs short pieces of work on several processors. Training a tree
// is hundreds of jobs of some tens of microseconds each, which is about what
// waking a sleeping goroutine takes. So the members of a team look out for the
// next job for a while before they sleep, and pieces of a job are not assigned but
// claimed: a member that wakes too late finds nothing left to do, and nobody waits
// for it.
package workers

import (
	"runtime"
	"sync/atomic"
)

// Team is a fixed set of goroutines, the caller's own among them. One caller at
// a time gives it work; the size of a team never changes a result.
type Team struct {
	size   int
	polls  int // how often to look for a job before sleeping
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

// New starts a team of the size given, or of one member for each processor where
// it is 0 or less. Close ends its goroutines.
func New(size int) *Team {
	if size <= 0 {
		size = runtime.GOMAXPROCS(0)
	}
	t := &Team{size: size, wake: make(chan struct{}, size)}
	if size <= runtime.GOMAXPROCS(0) {
		t.polls = 200000 // 0.1 to 0.2 ms
	}
	for range size - 1 {
		go t.member()
	}
	return t
}

// Size is the number of members.
func (t *Team) Size() int { return t.size }

// Close ends the members. No job may be under way.
func (t *Team) Close() { close(t.wake) }

// member works on jobs until the team is closed.
func (t *Team) member() {
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
		if t.job.Load() == last { // a job may have come before its caller saw that this member sleeps
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

// Run calls fn(0) to fn(n-1), at the same time as far as members are free, and
// waits for them.
func (t *Team) Run(n int, fn func(i int)) {
	if n <= 1 || t.size == 1 {
		for i := range n {
			fn(i)
		}
		return
	}
	j := &job{fn: fn, pieces: int32(n), done: make(chan struct{})}
	j.left.Store(int32(n))
	t.job.Store(j)
	for range min(int(t.asleep.Load()), n-1) {
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

// RunInPlaces is Run in which fn also gets one of Size places: no two calls that
// run at the same time have the same one, so that fn can keep scratch memory there.
func (t *Team) RunInPlaces(n int, fn func(place, i int)) {
	var next atomic.Int64
	t.Run(min(t.size, n), func(place int) {
		for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
			fn(place, int(i))
		}
	})
}
