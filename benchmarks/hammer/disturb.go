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
	"github.com/assayrisk/assay/benchmarks/internal/load"
	"github.com/assayrisk/assay/benchmarks/internal/world"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// disturb makes one disturbance after another until scoring ends, and leaves the
// server running and the chain healthy.
func disturb(ctx, scoring context.Context, o options, d *deployment, t *tally) error {
	defer d.proxy.set(noFault)
	r := rand.New(rand.NewPCG(o.seed, 2))
	// Every kind comes once in each round, so that a short run has all of them.
	round := []func(n int) error{
		func(int) error { t.countDisturbance("kills"); return d.killAndRestart(ctx) },
		func(n int) error { return d.swapModel(ctx, t, bundles[n%len(bundles)]) },
		func(n int) error { return d.swapPolicy(ctx, t, n) },
		func(n int) error {
			f := fault(1 + n%int(faultCount-1))
			d.proxy.set(f)
			t.countDisturbance("chain faults")
			load.Sleep(scoring, time.Duration(500+r.IntN(2500))*time.Millisecond)
			d.proxy.set(noFault)
			return nil
		},
		func(n int) error { t.countDisturbance("slow readers"); go readSlowly(scoring, d, n); return nil },
	}
	for n := 0; scoring.Err() == nil; n++ {
		r.Shuffle(len(round), func(i, j int) { round[i], round[j] = round[j], round[i] })
		for _, do := range round {
			load.Sleep(scoring, time.Duration(100+r.IntN(900))*time.Millisecond)
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

// adminCall makes one call as an administrator. A call that the server refuses is
// counted and not tried again.
func (d *deployment) adminCall(ctx context.Context, t *tally, kind string,
	call func(context.Context, pb.AdminClient) error) error {
	conn, err := grpc.NewClient(d.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := call(ctx, pb.NewAdminClient(conn)); err != nil {
		t.countDisturbance(kind + " refused")
		fmt.Printf("%s refused: %v\n", kind, err)
		return nil
	}
	t.countDisturbance(kind)
	return nil
}

func (d *deployment) swapModel(ctx context.Context, t *tally, bundle string) error {
	return d.adminCall(ctx, t, "model swaps", func(ctx context.Context, c pb.AdminClient) error {
		_, err := c.ActivateModel(ctx,
			&pb.ActivateModelRequest{RequestId: fmt.Sprintf("model-%d", time.Now().UnixNano()), Bundle: bundle})
		return err
	})
}

func (d *deployment) swapPolicy(ctx context.Context, t *tally, n int) error {
	yaml := fmt.Appendf(nil, "name: hammer-%d\ncutoffs: {review_from: 0.%02d, decline_from: 0.6}\n", n, 10+n%40)
	d.activated.addPolicy(policyDigest(yaml)) // it may decide as soon as it is sent
	return d.adminCall(ctx, t, "policy swaps", func(ctx context.Context, c pb.AdminClient) error {
		_, err := c.SetPolicy(ctx,
			&pb.SetPolicyRequest{RequestId: fmt.Sprintf("policy-%d", time.Now().UnixNano()), Yaml: yaml})
		return err
	})
}

// policyDigest is the digest of a policy, as decisions name it.
func policyDigest(yaml []byte) assay.Digest { return assay.Sum("assay/policy/v1\n", yaml) }

// readSlowly sends on a stream and reads nothing until its time is up.
func readSlowly(ctx context.Context, d *deployment, n int) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	c, err := assayclient.Dial(d.address, assayclient.Config{})
	if err != nil {
		return
	}
	defer c.Close()
	rows := world.Table(world.Shape{Rows: 16, Columns: columns}, 3)
	sent := 0
	_ = c.ScoreStream(ctx, func() (assayclient.Request, error) {
		sent++
		e := world.Event(rows, sent%16, fmt.Sprintf("slow-%d-%d", n, sent))
		return assayclient.Request{ID: e.ID, Event: &e}, nil
	}, func(string, assayclient.Row) error { <-ctx.Done(); return ctx.Err() })
}
