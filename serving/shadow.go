// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/assayrisk/assay"
)

// Bounds of the shadow's way: vectors that wait, and decisions whose shadow
// scores are kept.
const (
	shadowQueue = 4096
	shadowKept  = 65536
)

// shadowScore is what a challenger made of the vector of one decision.
type shadowScore struct {
	model string
	score assay.Score
}

// shadows scores challengers beside the active model, off the request's way:
// when the queue is full, the challengers miss the vector, never the caller.
type shadows struct {
	queue   chan shadowJob
	dropped atomic.Int64
	models  atomic.Pointer[[]*live]
	kept    struct {
		sync.Mutex
		ring [shadowKept]shadowKeptEntry
	}
}

type shadowKeptEntry struct {
	seq    uint64
	scores []shadowScore
}

type shadowJob struct {
	seq    uint64
	plan   assay.Digest
	values []float64
}

func newShadows() *shadows {
	s := &shadows{queue: make(chan shadowJob, shadowQueue)}
	s.models.Store(new([]*live))
	return s
}

func (s *shadows) waiting() int { return len(s.queue) }

// offer gives a vector to the challengers; it copies what it keeps.
func (s *shadows) offer(seq uint64, v *assay.Vector) {
	if len(*s.models.Load()) == 0 {
		return
	}
	select {
	case s.queue <- shadowJob{seq, v.Plan, append([]float64(nil), v.Values...)}:
	default:
		s.dropped.Add(1)
	}
}

// run scores until ctx ends.
func (s *shadows) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-s.queue:
			var scores []shadowScore
			for _, m := range *s.models.Load() {
				if m.digest == j.plan {
					scores = append(scores, shadowScore{m.name, m.bundle.Score(m.forest.Margin(j.values))})
				}
			}
			s.kept.Lock()
			s.kept.ring[j.seq%shadowKept] = shadowKeptEntry{j.seq, scores}
			s.kept.Unlock()
		}
	}
}

// keepPlan drops the challengers of other plans: they cannot score the vectors
// of this one.
func (s *shadows) keepPlan(plan assay.Digest) {
	var kept []*live
	for _, m := range *s.models.Load() {
		if m.digest == plan {
			kept = append(kept, m)
		}
	}
	s.models.Store(&kept)
}

// of returns the shadow scores of a decision, while they are kept.
func (s *shadows) of(seq uint64) []shadowScore {
	s.kept.Lock()
	defer s.kept.Unlock()
	if e := &s.kept.ring[seq%shadowKept]; e.seq == seq {
		return e.scores
	}
	return nil
}
