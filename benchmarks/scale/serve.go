// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/daemon"
	"github.com/assayrisk/assay/benchmarks/internal/load"
	"github.com/assayrisk/assay/benchmarks/internal/world"
)

// measureCallers asks assayd for full decisions from more and more callers at
// once, 64 of them on one connection.
func measureCallers(ctx context.Context, short bool) error {
	dir, err := os.MkdirTemp("", "assay-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := world.Shape{Rows: 20_000, Columns: 40, Trees: 300, Leaves: 31}
	if short {
		s.Rows, s.Trees = 2000, 20
	}
	if err := world.WriteBundle(ctx, filepath.Join(dir, "bundle"), "1", s); err != nil {
		return err
	}
	p, address, err := daemon.StartAssayd(ctx, dir, "--bundle", filepath.Join(dir, "bundle"), "--dir",
		filepath.Join(dir, "node"))
	if err != nil {
		return err
	}
	defer p.Stop(20 * time.Second)
	rows := world.Table(world.Shape{Rows: 256, Columns: s.Columns}, 2)
	messages, err := load.Templates(rows.Rows(), func(i int) ([]byte, error) {
		e := world.Event(rows, i, load.ID)
		return load.ScoreRequest(&e).MarshalVT()
	})
	if err != nil {
		return err
	}
	for _, n := range sizesToRun(short, 1, 4, 16, 64, 256, 1024, 4096) {
		conns, err := load.Dial(address, (n+63)/64)
		if err != nil {
			return err
		}
		var rate []float64
		for range 3 {
			r, err := load.Closed(ctx, n, 1200*time.Millisecond, func(ctx context.Context, caller, k int) error {
				message := messages[(caller*31+k)%len(messages)].Next()
				return conns[caller%len(conns)].Invoke(ctx, load.ScoreMethod, message, nil)
			})
			if err != nil {
				load.Close(conns)
				return fmt.Errorf("%d callers: %w", n, err)
			}
			rate = append(rate, r.PerSecond)
		}
		load.Close(conns)
		printFigure("RATE", "serve_decisions", n, rate...)
	}
	return nil
}
