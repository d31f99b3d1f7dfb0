// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"hash/maphash"
	"sync"
)

// requestKey is what idempotency goes by.
type requestKey struct{ caller, id string }

// inflight holds the requests under way by caller and request id, so that a
// second one with the same id waits for the first instead of being scored.
// Those that are done stand in the journal.
type inflight struct {
	seed   maphash.Seed
	shards [64]struct {
		mu struct {
			sync.Mutex
			m map[requestKey]*ticket
		}
	}
}

// ticket is the place of one request under way.
type ticket struct {
	done chan struct{} // made by the first that waits, closed by leave
}

func newInflight() *inflight {
	f := &inflight{seed: maphash.MakeSeed()}
	for i := range f.shards {
		f.shards[i].mu.m = map[requestKey]*ticket{}
	}
	return f
}

// enter claims the key with t. When another holds it, enter returns a channel
// that is closed when that one leaves.
func (f *inflight) enter(k requestKey, t *ticket) (busy <-chan struct{}) {
	s := &f.shards[f.shard(k)].mu
	s.Lock()
	defer s.Unlock()
	other, ok := s.m[k]
	if !ok {
		s.m[k] = t
		return nil
	}
	if other.done == nil {
		other.done = make(chan struct{})
	}
	return other.done
}

// leave gives the key up and wakes those who wait for it.
func (f *inflight) leave(k requestKey, t *ticket) {
	s := &f.shards[f.shard(k)].mu
	s.Lock()
	delete(s.m, k)
	done := t.done
	t.done = nil
	s.Unlock()
	if done != nil {
		close(done)
	}
}

func (f *inflight) shard(k requestKey) uint64 {
	return maphash.String(f.seed, k.id) % uint64(len(f.shards))
}
