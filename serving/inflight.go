// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"sync"

	"github.com/assayrisk/assay/ledger/journal"
)

// requestKey is what idempotency goes by.
type requestKey struct{ caller, id string }

// inflight holds the requests under way by what stands for caller and request
// id in the journal, so that a second one with the same id waits for the first
// instead of being scored. Those that are done stand in the journal.
type inflight struct {
	shards [64]struct {
		mu struct {
			sync.Mutex
			m map[journal.Tag]*ticket
		}
	}
}

// ticket is the place of one request under way.
type ticket struct {
	done chan struct{} // made by the first that waits, closed by leave
}

func newInflight() *inflight {
	f := new(inflight)
	for i := range f.shards {
		f.shards[i].mu.m = map[journal.Tag]*ticket{}
	}
	return f
}

// enter claims the tag with t. When another holds it, enter returns a channel
// that is closed when that one leaves.
func (f *inflight) enter(tag journal.Tag, t *ticket) (busy <-chan struct{}) {
	s := &f.shards[shard(tag)].mu
	s.Lock()
	defer s.Unlock()
	other, ok := s.m[tag]
	if !ok {
		s.m[tag] = t
		return nil
	}
	if other.done == nil {
		other.done = make(chan struct{})
	}
	return other.done
}

// leave gives the tag up, if t holds it, and wakes those who wait for it.
func (f *inflight) leave(tag journal.Tag, t *ticket) {
	s := &f.shards[shard(tag)].mu
	s.Lock()
	if s.m[tag] == t {
		delete(s.m, tag)
	}
	done := t.done
	t.done = nil
	s.Unlock()
	if done != nil {
		close(done)
	}
}

// shard: a tag is a keyed hash, so that any of its bits will do.
func shard(tag journal.Tag) byte { return tag[0] % 64 }
