// SPDX-License-Identifier: Apache-2.0

package evm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ethereum/go-ethereum/rpc"
	"github.com/hashicorp/go-retryablehttp"
)

// maxResponse bounds an answer of the node.
const maxResponse = 16 << 20

// HTTP holds the settings of requests to a node. The zero value works.
type HTTP struct {
	Timeout time.Duration     // of one attempt; 0 = 10 s
	Retries int               // after the first attempt; 0 = 4, negative = none
	WaitMin time.Duration     // before the second attempt, doubled from there; 0 = 100 ms
	WaitMax time.Duration     // 0 = 2 s
	Header  http.Header       // sent with each request, for authentication
	Base    http.RoundTripper // nil = http.DefaultTransport
}

// dial opens a JSON-RPC client whose HTTP requests are retried. It sends
// nothing yet.
func dial(ctx context.Context, rawURL string, cfg HTTP) (*rpc.Client, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("chain node: the URL must be of the form http://host:port/ or https://host/")
	}
	rc := retryablehttp.NewClient()
	rc.Logger = nil // it would log URLs
	rc.RetryMax = 4
	switch {
	case cfg.Retries > 0:
		rc.RetryMax = cfg.Retries
	case cfg.Retries < 0:
		rc.RetryMax = 0
	}
	rc.RetryWaitMin, rc.RetryWaitMax = cfg.WaitMin, cfg.WaitMax
	if rc.RetryWaitMin <= 0 {
		rc.RetryWaitMin = 100 * time.Millisecond
	}
	if rc.RetryWaitMax <= 0 {
		rc.RetryWaitMax = 2 * time.Second
	}
	rc.HTTPClient.Timeout = cfg.Timeout
	if cfg.Timeout <= 0 {
		rc.HTTPClient.Timeout = 10 * time.Second
	}
	base := cfg.Base
	if base == nil {
		base = http.DefaultTransport
	}
	rc.HTTPClient.Transport = boundedTransport{base}
	rc.ErrorHandler = finalError
	opts := []rpc.ClientOption{rpc.WithHTTPClient(rc.StandardClient())}
	if cfg.Header != nil {
		opts = append(opts, rpc.WithHeaders(cfg.Header))
	}
	c, err := rpc.DialOptions(ctx, rawURL, opts...)
	if err != nil {
		return nil, withoutURL(err)
	}
	return c, nil
}

// finalError is the error after the last attempt, without the URL.
func finalError(resp *http.Response, err error, attempts int) (*http.Response, error) {
	if resp != nil {
		resp.Body.Close()
		if err == nil {
			err = fmt.Errorf("status %d", resp.StatusCode)
		}
	}
	if err == nil {
		err = errors.New("no answer")
	}
	return nil, fmt.Errorf("chain node: %d attempts: %w", attempts, withoutURL(err))
}

// withoutURL drops the URL that net/http puts into its errors: it may contain a key.
func withoutURL(err error) error {
	var ue *url.Error
	for errors.As(err, &ue) {
		err = ue.Err
	}
	return err
}

// boundedTransport refuses answers of more than maxResponse bytes.
type boundedTransport struct{ next http.RoundTripper }

func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		resp.Body = http.MaxBytesReader(nil, resp.Body, maxResponse)
	}
	return resp, err
}
