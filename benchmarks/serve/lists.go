// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/load"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// Callers that list, and requests that are scored a second, alone and beside
// them.
const (
	listers       = 12
	listsRate     = 200
	listMethod    = "/assay.v1.Scoring/ListDecisions"
	fillers       = 64
	fillBatchRows = batchRows
)

// lists fills a journal with so many decisions and measures what a score takes
// alone, and while callers look for one of a thousand sellers: a page of theirs
// reads about one record in four.
func lists(ctx context.Context, o options) error {
	server, err := spawn(ctx, o, "assay")
	if err != nil {
		return err
	}
	defer server.stop()
	conns, err := load.Dial(server.addr, connections)
	if err != nil {
		return err
	}
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	behind, err := server.behind(ctx)
	if err == nil {
		err = fill(ctx, conns, o.lists)
	}
	if err == nil {
		err = server.catchUp(ctx, behind)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d decisions\n", o.lists)
	length := time.Duration(o.seconds * float64(time.Second))
	alone, err := openLoop(ctx, server.addr, "unary", listsRate, length)
	if err != nil {
		return err
	}
	var stop atomic.Bool
	var pages atomic.Int64
	errs := make(chan error, listers)
	for i := range listers {
		go func() { errs <- list(ctx, conns[i%len(conns)], i, &pages, &stop) }()
	}
	began := time.Now()
	beside, err := openLoop(ctx, server.addr, "unary", listsRate, length)
	took := time.Since(began)
	stop.Store(true)
	for range listers {
		if e := <-errs; err == nil {
			err = e
		}
	}
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		of   latencies
		q    float64
	}{
		{"lists_score_p50_alone", alone, 0.5}, {"lists_score_p99_alone", alone, 0.99},
		{"lists_score_p50_beside_lists", beside, 0.5}, {"lists_score_p99_beside_lists", beside, 0.99},
	} {
		fmt.Println(figure.Of("MS", f.name, []float64{f.of.at(f.q).Seconds() * 1e3}))
	}
	fmt.Fprintf(os.Stderr, "%d callers were answered %.0f pages a second\n", listers,
		float64(pages.Load())/took.Seconds())
	return nil
}

// fill has n decisions made.
func fill(ctx context.Context, conns []*grpc.ClientConn, n int) error {
	var left atomic.Int64
	left.Store(int64(n+fillBatchRows-1) / fillBatchRows)
	errs := make([]error, fillers)
	var wg sync.WaitGroup
	for i := range fillers {
		wg.Go(func() {
			msgs, err := messages("batch", rand.New(rand.NewPCG(uint64(i), 11)))
			for k := 0; err == nil && left.Add(-1) >= 0; k++ {
				err = conns[i%len(conns)].Invoke(ctx, batchMethod, msgs[k%len(msgs)].Next(), nil)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("filling the journal: %w", err)
		}
	}
	return nil
}

// list asks for the first pages of one seller after another until it is told to
// stop. An answer that says to come again later is not a page.
func list(ctx context.Context, c *grpc.ClientConn, who int, pages *atomic.Int64, stop *atomic.Bool) error {
	r := rand.New(rand.NewPCG(uint64(who), 13))
	for !stop.Load() {
		seller := &pb.Entity{Role: "seller", Id: fmt.Sprintf("S-%05d", r.IntN(1_000))}
		b, err := (&pb.ListDecisionsRequest{PageSize: 1000, Entity: seller}).MarshalVT()
		if err != nil {
			return err
		}
		if err := c.Invoke(ctx, listMethod, b, nil); err == nil {
			pages.Add(1)
		} else if status.Code(err) != codes.ResourceExhausted {
			return fmt.Errorf("listing: %w", err)
		}
	}
	return nil
}
