// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/serving/assayclient"
)

// verifiers fetch receipts side by side.
const verifiers = 4

// settled is how long a decision is left alone before its receipt is asked for:
// most are anchored by then.
const settled = 2500 * time.Millisecond

// verify takes every acknowledged decision, fetches its receipt from the
// server, however often that is killed meanwhile, and holds the one to the
// other. Those that no anchor covered yet are fetched again at the end, when
// the chain is healthy: each must then be anchored.
func verify(ctx context.Context, w *world, t *tally, replies <-chan reply) error {
	c, err := assayclient.Dial(w.address, assayclient.Config{LogKey: w.trust.LogKey, Attempts: 1})
	if err != nil {
		return err
	}
	defer c.Close()
	var mu sync.Mutex
	var open []reply // verified, not anchored
	var wg sync.WaitGroup
	for range verifiers {
		wg.Go(func() {
			for r := range replies {
				pause(ctx, time.Until(r.at.Add(settled)))
				if ctx.Err() != nil {
					return
				}
				if good, anchored := one(ctx, c, w, t, r); good {
					t.verified.Add(1)
					if !anchored {
						mu.Lock()
						open = append(open, r)
						mu.Unlock()
					}
				}
			}
		})
	}
	wg.Wait()
	patience := time.Now().Add(time.Minute)
	for len(open) > 0 && ctx.Err() == nil {
		good, anchored := one(ctx, c, w, t, open[0])
		switch {
		case anchored || !good:
			open = open[1:]
		case time.Now().After(patience):
			t.violate("%d decisions, %d among them, have no anchor a minute after the chain is healthy",
				len(open), open[0].sequence)
			return nil
		default:
			pause(ctx, 100*time.Millisecond)
		}
	}
	return nil
}

func get(ctx context.Context, c *assayclient.Client, t *tally, r reply) (*assay.Receipt, error) {
	return untilAnswered(ctx, c, t, fmt.Sprintf("receipt of decision %d", r.sequence),
		func(ctx context.Context) (*assay.Receipt, error) {
			return c.Receipt(ctx, r.sequence)
		})
}

// one verifies one decision's receipt, and says whether an anchor covers it.
func one(ctx context.Context, c *assayclient.Client, w *world, t *tally, r reply) (good, anchored bool) {
	receipt, err := get(ctx, c, t, r)
	if err != nil || receipt == nil {
		return false, false
	}
	if receipt.Index != r.sequence || !bytes.Equal(receipt.Decision, r.canonical) {
		t.violate("the receipt of decision %d is not of the decision that the reply carried", r.sequence)
		return false, false
	}
	if !samePromise(receipt.Promise, r.promise) {
		t.violate("the receipt of decision %d carries a promise for another leaf than the reply's", r.sequence)
		return false, false
	}
	v, err := judge(receipt, w.trust)
	if err != nil || !v.OK {
		t.violate("the receipt of decision %d: %s, %v", r.sequence, v.Summary, err)
		return false, false
	}
	if len(receipt.Anchor) == 0 {
		return true, false
	}
	t.anchored.Add(1)
	return true, true
}

// judge is the verdict on a receipt, as any verifier would have it from the
// receipt's file.
func judge(r *assay.Receipt, t verdict.Trust) (verdict.Verdict, error) {
	b, err := ledger.MarshalReceipt(r)
	if err != nil {
		return verdict.Verdict{}, err
	}
	return verdict.Verify(b, t), nil
}

// samePromise compares what two promises promise: the record and its leaf. The
// groups that they were signed in may differ.
func samePromise(a, b []byte) bool {
	p, err := ledger.ParsePromise(a)
	if err != nil {
		return false
	}
	q, err := ledger.ParsePromise(b)
	return err == nil && p.Sequence == q.Sequence && p.LeafHash == q.LeafHash
}
