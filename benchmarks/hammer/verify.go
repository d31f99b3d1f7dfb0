// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/benchmarks/internal/load"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/serving/assayclient"
)

// verifiers is the number of goroutines that fetch receipts.
const verifiers = 4

// settleTime passes after a decision before its receipt is fetched; most are
// anchored by then.
const settleTime = 2500 * time.Millisecond

// verify takes every acknowledged decision, fetches its receipt from the server,
// however often that is killed meanwhile, and compares the two. Receipts that no
// anchor covers yet are fetched again at the end, when the chain is healthy: each
// must then be anchored.
func verify(ctx context.Context, d *deployment, t *tally, replies <-chan reply) error {
	c, err := assayclient.Dial(d.address, assayclient.Config{LogKey: d.trust.LogKey, Attempts: 1})
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
				load.Sleep(ctx, time.Until(r.at.Add(settleTime)))
				if ctx.Err() != nil {
					return
				}
				if good, anchored := verifyReceipt(ctx, c, d, t, r); good {
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
		good, anchored := verifyReceipt(ctx, c, d, t, open[0])
		switch {
		case anchored || !good:
			open = open[1:]
		case time.Now().After(patience):
			t.violate("%d decisions, among them number %d, have no anchor a minute after the chain is healthy",
				len(open), open[0].sequence)
			return nil
		default:
			load.Sleep(ctx, 100*time.Millisecond)
		}
	}
	return nil
}

func fetchReceipt(ctx context.Context, c *assayclient.Client, t *tally, r reply) (*assay.Receipt, error) {
	return untilAnswered(ctx, t, fmt.Sprintf("receipt of decision %d", r.sequence),
		func(ctx context.Context) (*assay.Receipt, error) {
			return c.Receipt(ctx, r.sequence)
		})
}

// verifyReceipt fetches and verifies the receipt of one decision, and says
// whether an anchor covers it.
func verifyReceipt(ctx context.Context, c *assayclient.Client, d *deployment, t *tally, r reply) (good, anchored bool) {
	receipt, err := fetchReceipt(ctx, c, t, r)
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
	v, err := judge(receipt, d.trust)
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

// judge is the verdict on a receipt, as any verifier would give it on the
// receipt's file.
func judge(r *assay.Receipt, t verdict.Trust) (verdict.Verdict, error) {
	b, err := ledger.MarshalReceipt(r)
	if err != nil {
		return verdict.Verdict{}, err
	}
	return verdict.Verify(b, t), nil
}

// samePromise says whether two promises are about the same record and leaf. They
// may have been signed in different groups.
func samePromise(a, b []byte) bool {
	p, err := ledger.ParsePromise(a)
	if err != nil {
		return false
	}
	q, err := ledger.ParsePromise(b)
	return err == nil && p.Sequence == q.Sequence && p.LeafHash == q.LeafHash
}
