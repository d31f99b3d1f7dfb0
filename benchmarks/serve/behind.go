// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/load"
)

// logLag is how many durable records the server's log has not published yet; 0
// for the echo.
func (p *serverProcess) logLag(ctx context.Context) (int64, error) {
	if p.ops == "" {
		return 0, nil
	}
	m, err := p.metrics(ctx, "assay_journal_durable", "assay_journal_published")
	if err != nil {
		return 0, err
	}
	return int64(m[0] - m[1]), nil
}

// waitForLog waits until the log lags by no more than so many records.
func (p *serverProcess) waitForLog(ctx context.Context, lag int64) error {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		now, err := p.logLag(ctx)
		if err != nil || now <= lag {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the log lags by %d records, two minutes after the load ended", now)
		}
		load.Sleep(ctx, 200*time.Millisecond) // seldom: the server's work for it counts as processor time
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
