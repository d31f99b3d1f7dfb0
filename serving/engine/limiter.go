// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/assayrisk/assay"
)

// maxBuckets bounds the callers that a rateLimiter remembers. With more, it
// forgets those whose buckets are full first: they lose nothing.
const maxBuckets = 65536

// rateLimiter holds a token bucket for each caller: one token a row.
type rateLimiter struct {
	perSecond, burst float64
	mu               struct {
		sync.Mutex
		buckets map[string]*bucket
	}
}

type bucket struct {
	tokens float64
	at     time.Time
}

// newRateLimiter returns nil when there is no limit.
func newRateLimiter(perSecond float64, burst int) *rateLimiter {
	if !(perSecond > 0) {
		return nil
	}
	l := &rateLimiter{perSecond: perSecond, burst: float64(burst)}
	if burst <= 0 {
		l.burst = math.Max(1, math.Ceil(perSecond))
	}
	l.mu.buckets = map[string]*bucket{}
	return l
}

// take takes n tokens of the caller, or says when there will be enough. A
// request for more than a full bucket could never pass, so it is invalid.
func (l *rateLimiter) take(caller string, n int, now time.Time) error {
	if l == nil {
		return nil
	}
	if float64(n) > l.burst {
		return &assay.FieldError{Field: "rows",
			Problem: fmt.Sprintf("%d rows are more than the %v that a caller may ask for at once (setting "+
				"rate-burst): "+
				"send smaller batches", n, l.burst)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.mu.buckets[caller]
	if b == nil {
		if len(l.mu.buckets) >= maxBuckets {
			l.evict(now)
		}
		b = &bucket{tokens: l.burst, at: now}
		l.mu.buckets[caller] = b
	}
	if d := now.Sub(b.at).Seconds(); d > 0 {
		b.tokens = math.Min(l.burst, b.tokens+d*l.perSecond)
		b.at = now
	}
	if b.tokens < float64(n) {
		after := time.Duration((float64(n) - b.tokens) / l.perSecond * float64(time.Second))
		return &RetryError{assay.ErrExhausted,
			fmt.Sprintf("the caller is over its rate of %v rows a second (setting rate)", l.perSecond),
			after + time.Millisecond}
	}
	b.tokens -= float64(n)
	return nil
}

// refund returns the tokens of a request that was refused for another reason.
func (l *rateLimiter) refund(caller string, n int) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.mu.buckets[caller]; b != nil {
		b.tokens = math.Min(l.burst, b.tokens+float64(n))
	}
}

// limit is how many of n separate rows may be taken in one call: no more than a
// full bucket holds, since take refuses more.
func (l *rateLimiter) limit(n int) int {
	if l == nil {
		return n
	}
	return max(1, min(n, int(l.burst)))
}

// evict drops full buckets, or all of them when every one is in use.
func (l *rateLimiter) evict(now time.Time) {
	for k, b := range l.mu.buckets {
		if b.tokens+now.Sub(b.at).Seconds()*l.perSecond >= l.burst {
			delete(l.mu.buckets, k)
		}
	}
	if len(l.mu.buckets) >= maxBuckets {
		clear(l.mu.buckets)
	}
}

// RetryError is an ErrExhausted or ErrUnavailable that says when to come again.
type RetryError struct {
	Kind  error
	Why   string
	After time.Duration
}

func (e *RetryError) Error() string { return e.Why }

func (e *RetryError) Unwrap() error { return e.Kind }
