// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/benchmarks/internal/world"
	"github.com/assayrisk/assay/models/gbdt"
	"github.com/assayrisk/assay/serving/assayclient"
)

const (
	columns       = 20
	askAgainEvery = 20 // one request in 20 is asked again
	replyBuffer   = 1 << 16
)

// hammer scores, disturbs and verifies for as long as asked, then waits until the
// disturbances have ended and verifies what is left.
func hammer(ctx context.Context, o options, dep *deployment, t *tally) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	scoring, stopScoring := context.WithTimeout(ctx, o.length)
	defer stopScoring()
	replies := make(chan reply, replyBuffer)
	var callers, others sync.WaitGroup
	rows := world.Table(world.Shape{Rows: 4096, Columns: columns}, o.seed+1)
	pace := newPace(scoring, o.rate)
	for i := range o.callers {
		callers.Go(func() {
			if err := runCaller(ctx, scoring, i, dep, t, rows, pace, replies); err != nil {
				cancel(err)
			}
		})
	}
	if !o.calm {
		others.Go(func() {
			if err := disturb(ctx, scoring, o, dep, t); err != nil {
				cancel(err)
			}
		})
	}
	checked := make(chan error, 1)
	go func() { checked <- verify(ctx, dep, t, replies) }()
	callers.Wait()
	others.Wait()
	close(replies)
	err := <-checked
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// newPace sends a token for each decision that a caller should ask for.
func newPace(ctx context.Context, rate float64) <-chan struct{} {
	c := make(chan struct{}, 64)
	go func() {
		tick := time.NewTicker(max(time.Duration(float64(time.Second)/rate), time.Microsecond))
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				select {
				case c <- struct{}{}:
				default: // the callers are behind
				}
			}
		}
	}()
	return c
}

// runCaller is one caller. It tries a request with the same id until it is
// answered, even if the time is up meanwhile, so that every request that was sent
// has a known outcome.
func runCaller(ctx, scoring context.Context, i int, dep *deployment, t *tally, rows *gbdt.Dataset, pace <-chan struct{},
	to chan<- reply) error {
	c, err := assayclient.Dial(dep.address, assayclient.Config{LogKey: dep.trust.LogKey, Attempts: 1})
	if err != nil {
		return err
	}
	defer c.Close()
	r := rand.New(rand.NewPCG(uint64(i), 1))
	for k := 0; ; k++ {
		select {
		case <-scoring.Done():
			return nil
		case <-pace:
		}
		id := fmt.Sprintf("hammer-%d-%d", i, k)
		e := world.Event(rows, r.IntN(rows.Rows()), id)
		ask := func() (*assayclient.Decision, error) {
			return untilAnswered(ctx, t, id, func(ctx context.Context) (*assayclient.Decision, error) {
				return c.Score(ctx, id, &e)
			})
		}
		d, err := ask()
		if err != nil {
			return err
		}
		if d == nil {
			continue // a violation, counted
		}
		t.acknowledged.Add(1)
		if !dep.activated.allows(&d.Decision) {
			t.violate("decision %d names model %s and policy %s, of which one was never activated", d.Decision.Sequence,
				d.Score.Model.Short(), d.Policy.Short())
		}
		if r.IntN(askAgainEvery) == 0 {
			again, err := ask()
			if err != nil {
				return err
			}
			if again != nil && (!bytes.Equal(again.Canonical, d.Canonical) || !again.Repeated) {
				t.violate("request %s was asked twice and decided twice", id)
			}
			t.repeated.Add(1)
		}
		select {
		case to <- reply{id, d.Decision.Sequence, d.Canonical, d.Promise, time.Now()}:
		case <-ctx.Done():
			return nil
		}
	}
}

// untilAnswered repeats a call while it fails with a code with which a healthy
// request may be refused. Any other code, and a proof that does not verify, are
// violations, and it returns nil. name is that of the call in violations.
func untilAnswered[T any](ctx context.Context, t *tally, name string,
	call func(context.Context) (*T, error)) (*T, error) {
	patience := time.Now().Add(90 * time.Second)
	for {
		one, cancel := context.WithTimeout(ctx, 5*time.Second)
		x, err := call(one)
		cancel()
		switch {
		case err == nil:
			return x, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, assayclient.ErrBadProof):
			t.violate("%s: %v", name, err)
			return nil, nil
		}
		switch status.Code(err) {
		case codes.Unavailable, codes.ResourceExhausted, codes.DeadlineExceeded, codes.FailedPrecondition:
		default:
			t.violate("%s: failed with %s, a code that the status table does not promise: %v",
				name, status.Code(err), err)
			return nil, nil
		}
		if time.Now().After(patience) {
			t.violate("%s: no answer in 90 s: %v", name, err)
			return nil, nil
		}
		t.retried.Add(1)
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(30 * time.Millisecond):
		}
	}
}
