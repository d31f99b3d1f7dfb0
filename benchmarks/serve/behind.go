// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// behind is how many durable records the server's log has not published yet; 0
// for the echo.
func (p *process) behind(ctx context.Context) (int64, error) {
	if p.ops == "" {
		return 0, nil
	}
	durable, published := -1.0, -1.0
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.ops+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "assay_journal_durable":
			durable, err = strconv.ParseFloat(value, 64)
		case "assay_journal_published":
			published, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return 0, err
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	if durable < 0 || published < 0 {
		return 0, fmt.Errorf("%s/metrics does not say how far the log is", p.ops)
	}
	return int64(durable - published), nil
}

// catchUp waits until the log is no further behind than that.
func (p *process) catchUp(ctx context.Context, behind int64) error {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		now, err := p.behind(ctx)
		if err != nil || now <= behind {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the log is %d records behind, two minutes after the load ended", now)
		}
		wait(ctx, 200*time.Millisecond) // asking costs CPU, which counts
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
