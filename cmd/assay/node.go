// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"

	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/devchain"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/assayclient"
)

// openNode opens a node with the embedded chain.
func openNode(ctx context.Context, dir string, b *models.Bundle, l net.Listener, every time.Duration,
	log *slog.Logger) (*node.Node, error) {
	return node.Open(ctx, node.Config{
		Dir: dir, Bundle: b, Listener: l, AnchorEvery: every, Logger: log,
		Chain: func(ctx context.Context, dir, origin string, source anchor.Source, cfg anchor.Config) (*node.Chain,
			error) {
			e, err := devchain.Start(ctx, dir, origin, source, devchain.Config{Logger: log}, cfg)
			if err != nil {
				return nil, err
			}
			return &node.Chain{Anchor: e.Anchor, Trust: e.Trust(), Close: e.Close}, nil
		},
	})
}

// scoreAll asks for all decisions with as many requests in flight as a busy
// platform would have.
func scoreAll(ctx context.Context, c *assayclient.Client, rows []assayclient.Request,
	progress func(done int)) ([]*assayclient.Decision, error) {
	const inFlight = 64
	out := make([]*assayclient.Decision, len(rows))
	var next, done atomic.Int64
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	for range inFlight {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(rows) {
					return nil
				}
				d, err := c.Score(ctx, rows[i].ID, rows[i].Event)
				if err != nil {
					return err
				}
				out[i] = d
				n := int(done.Add(1))
				mu.Lock()
				progress(n)
				mu.Unlock()
			}
		})
	}
	return out, g.Wait()
}

// newVerifierKey makes a fresh note verifier key of that name.
func newVerifierKey(origin string) string {
	_, v, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		panic(err) // rand.Reader does not fail
	}
	return v
}
