// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/serving/assayclient"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestFaults: the proxy makes each fault as its constant says.
func TestFaults(t *testing.T) {
	asked := 0
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		io.WriteString(w, `{"jsonrpc":"2.0","id":7,"result":"0xbde31"}`)
	}))
	defer node.Close()
	p, err := newProxy(node.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	ask := func() (string, int, error) {
		r, err := http.Post(p.url(), "application/json",
			strings.NewReader(`{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}`))
		if err != nil {
			return "", 0, err
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		return string(b), r.StatusCode, err
	}
	for _, c := range []struct {
		fault  fault
		says   string
		code   int
		breaks bool
		asks   int
	}{
		{noFault, "0xbde31", 200, false, 1}, {refuseAll, "no", 503, false, 0}, {dropAnswers, "", 0, true, 1},
		{answerErrors, `"id":7,"error"`, 200, false, 0}, {wrongChain, `"id":7,"result":"0x2a"`, 200, false, 1},
		{answerNothing, "", 0, true, 0},
	} {
		p.set(c.fault)
		asked = 0
		body, code, err := ask()
		if (err != nil) != c.breaks || code != c.code || !strings.Contains(body, c.says) || c.fault != dropAnswers &&
			asked != c.asks || c.fault == dropAnswers && asked < 1 {
			t.Errorf("%s: %d %q %v, the node was asked %d times", faultNames[c.fault], code, body, err, asked)
		}
	}
}

// TestUntilAnswered: refusals that the status table promises are tried again,
// others are violations, and so is a proof that does not verify.
func TestUntilAnswered(t *testing.T) {
	for _, c := range []struct {
		fail       error
		violations int64
	}{
		{status.Error(codes.Unavailable, "draining"), 0}, {status.Error(codes.Internal, "oops"), 1},
		{status.Error(codes.InvalidArgument, "field"), 1}, {assayclient.ErrBadProof, 1},
	} {
		sum, calls := new(tally), 0
		x, err := untilAnswered(t.Context(), sum, "test", func(context.Context) (*int, error) {
			if calls++; calls < 3 {
				return nil, c.fail
			}
			return new(int), nil
		})
		if err != nil || sum.violations.Load() != c.violations || (x == nil) != (c.violations > 0) {
			t.Errorf("%v: %v, %v, %d violations", c.fail, x, err, sum.violations.Load())
		}
	}
}

func TestTally(t *testing.T) {
	sum := new(tally)
	for range 2 * maxPrinted {
		sum.violate("one")
	}
	sum.countDisturbance("kills")
	sum.countDisturbance("kills")
	if len(sum.firstViolations()) != maxPrinted || sum.violations.Load() != 2*maxPrinted ||
		sum.disturbances() != "2 kills" ||
		!strings.Contains(sum.String(), "40 violations") {
		t.Errorf("%s; %s; %d", sum, sum.disturbances(), len(sum.firstViolations()))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	pace, n := newPace(ctx, 100), 0
	for ctx.Err() == nil {
		select {
		case <-pace:
			n++
		case <-ctx.Done():
		}
	}
	if n < 3 || n > 25 {
		t.Errorf("%d tokens in a fifth of a second at 100 a second", n)
	}
}
