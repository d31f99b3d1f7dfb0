// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/assayrisk/assay"
	madeup "github.com/assayrisk/assay/benchmarks/internal/world"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// disturb does one thing after another until scoring ends, and leaves the
// server running and the chain healthy.
func disturb(ctx, scoring context.Context, o options, w *world, t *tally) error {
	defer w.proxy.set(none)
	r := rand.New(rand.NewPCG(o.seed, 2))
	// Every kind comes once in each round, so that a short run has them all.
	round := []func(n int) error{
		func(int) error { t.did("kills"); return w.kill(ctx) },
		func(n int) error { return w.swapModel(ctx, t, bundles[n%len(bundles)]) },
		func(n int) error { return w.swapPolicy(ctx, t, n) },
		func(n int) error {
			f := fault(1 + n%int(faults-1))
			w.proxy.set(f)
			t.did("chain faults")
			pause(scoring, time.Duration(500+r.IntN(2500))*time.Millisecond)
			w.proxy.set(none)
			return nil
		},
		func(n int) error { t.did("slow readers"); go slow(scoring, w, n); return nil },
	}
	for n := 0; scoring.Err() == nil; n++ {
		r.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		for _, do := range round {
			pause(scoring, time.Duration(100+r.IntN(900))*time.Millisecond)
			if scoring.Err() != nil {
				return nil
			}
			if err := do(n); err != nil {
				return err
			}
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// admin makes one administrator's call; one that a healthy server may refuse
// for the moment is left out.
func (w *world) admin(ctx context.Context, t *tally, kind string,
	call func(context.Context, pb.AdminClient) error) error {
	conn, err := grpc.NewClient(w.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := call(ctx, pb.NewAdminClient(conn)); err != nil {
		t.did(kind + " refused")
		fmt.Printf("%s refused: %v\n", kind, err)
		return nil
	}
	t.did(kind)
	return nil
}

func (w *world) swapModel(ctx context.Context, t *tally, bundle string) error {
	return w.admin(ctx, t, "model swaps", func(ctx context.Context, c pb.AdminClient) error {
		_, err := c.ActivateModel(ctx,
			&pb.ActivateModelRequest{RequestId: fmt.Sprintf("model-%d", time.Now().UnixNano()), Bundle: bundle})
		return err
	})
}

func (w *world) swapPolicy(ctx context.Context, t *tally, n int) error {
	yaml := fmt.Appendf(nil, "name: hammer-%d\ncutoffs: {review_from: 0.%02d, decline_from: 0.6}\n", n, 10+n%40)
	w.known.policy(policyDigest(yaml)) // it may decide from the moment that it is sent
	return w.admin(ctx, t, "policy swaps", func(ctx context.Context, c pb.AdminClient) error {
		_, err := c.SetPolicy(ctx,
			&pb.SetPolicyRequest{RequestId: fmt.Sprintf("policy-%d", time.Now().UnixNano()), Yaml: yaml})
		return err
	})
}

// policyDigest is the digest of a policy, as decisions name it.
func policyDigest(yaml []byte) assay.Digest { return assay.Sum("assay/policy/v1\n", yaml) }

// slow sends on a stream and reads nothing for a while.
func slow(ctx context.Context, w *world, n int) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	c, err := assayclient.Dial(w.address, assayclient.Config{})
	if err != nil {
		return
	}
	defer c.Close()
	rows := madeup.Table(madeup.Shape{Rows: 16, Columns: columns}, 3)
	sent := 0
	_ = c.ScoreStream(ctx, func() (assayclient.Request, error) {
		sent++
		e := madeup.Event(rows, sent%16, fmt.Sprintf("slow-%d-%d", n, sent))
		return assayclient.Request{ID: e.ID, Event: &e}, nil
	}, func(string, assayclient.Row) error { <-ctx.Done(); return ctx.Err() })
}
