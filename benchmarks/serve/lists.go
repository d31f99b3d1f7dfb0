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

const (
	listers    = 12  // callers that list decisions
	listsRate  = 200 // scores a second, alone and while they list
	listMethod = "/assay.v1.Scoring/ListDecisions"
	fillers    = 64 // callers that fill the journal
)

// measureLists fills a journal with decisions. Then it measures how long a score
// takes alone, and while callers list the decisions of one of a thousand sellers:
// for one page of them the server reads about one record in four.
func measureLists(ctx context.Context, o options) error {
	server, err := startServer(ctx, o, "assay")
	if err != nil {
		return err
	}
	defer server.stop()
	conns, err := load.Dial(server.addr, connections)
	if err != nil {
		return err
	}
	defer load.Close(conns)
	lag, err := server.logLag(ctx)
	if err == nil {
		err = fillJournal(ctx, conns, o.lists)
	}
	if err == nil {
		err = server.waitForLog(ctx, lag)
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
		go func() { errs <- runLister(ctx, conns[i%len(conns)], i, &pages, &stop) }()
	}
	began := time.Now()
	whileListing, err := openLoop(ctx, server.addr, "unary", listsRate, length)
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
		{"lists_score_p50_beside_lists", whileListing, 0.5}, {"lists_score_p99_beside_lists", whileListing, 0.99},
	} {
		fmt.Println(figure.One("MS", f.name, figure.Milliseconds(f.of.quantile(f.q))))
	}
	fmt.Fprintf(os.Stderr, "%d callers were answered %.0f pages a second\n", listers,
		float64(pages.Load())/took.Seconds())
	return nil
}

// fillJournal asks for n decisions, in batches.
func fillJournal(ctx context.Context, conns []*grpc.ClientConn, n int) error {
	var left atomic.Int64
	left.Store(int64(n+batchRows-1) / batchRows)
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

// runLister asks for the first page of one seller after another until it is told
// to stop. A refusal that asks to try again later does not count as a page.
func runLister(ctx context.Context, c *grpc.ClientConn, who int, pages *atomic.Int64, stop *atomic.Bool) error {
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
