// SPDX-License-Identifier: Apache-2.0

// Package tsp asks a time-stamping authority over HTTP (RFC 3161, section 3.4)
// and keeps the tokens of a log's checkpoints. TestKeeper has the faults.
package tsp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/assayrisk/assay/internal/bounded"
	"github.com/assayrisk/assay/ledger/timestamp"
)

// HTTP holds the settings of requests to an authority. The zero value works.
type HTTP struct {
	Timeout time.Duration     // of one attempt; 0 = 10 s
	Retries int               // after the first attempt; 0 = 4, negative = none
	WaitMin time.Duration     // before the second attempt, doubled from there; 0 = 100 ms
	WaitMax time.Duration     // 0 = 2 s
	Base    http.RoundTripper // nil = http.DefaultTransport
}

// Client asks one authority.
type Client struct {
	url  string
	http *retryablehttp.Client
}

// NewClient makes a client for an authority's URL. It sends nothing yet.
func NewClient(rawURL string, cfg HTTP) (*Client, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("time-stamping authority: the URL must be of the form http://host/path or " +
			"https://host/path")
	}
	c := retryablehttp.NewClient()
	c.Logger = nil // it would log the URL, which may contain a key
	c.RetryMax = 4
	if cfg.Retries != 0 {
		c.RetryMax = max(cfg.Retries, 0)
	}
	c.RetryWaitMin, c.RetryWaitMax, c.HTTPClient.Timeout = 100*time.Millisecond, 2*time.Second, 10*time.Second
	for _, d := range []struct {
		from time.Duration
		to   *time.Duration
	}{{cfg.WaitMin, &c.RetryWaitMin}, {cfg.WaitMax, &c.RetryWaitMax}, {cfg.Timeout, &c.HTTPClient.Timeout}} {
		if d.from > 0 {
			*d.to = d.from
		}
	}
	if cfg.Base != nil {
		c.HTTPClient.Transport = cfg.Base
	}
	c.ErrorHandler = func(resp *http.Response, err error, attempts int) (*http.Response, error) {
		if resp != nil {
			resp.Body.Close()
			if err == nil {
				err = fmt.Errorf("status %d", resp.StatusCode)
			}
		}
		if err == nil {
			err = errors.New("no answer")
		}
		return nil, fmt.Errorf("%d attempts: %w", attempts, withoutURL(err))
	}
	return &Client{rawURL, c}, nil
}

// Stamp asks for a token of message. It returns the token if that answers the
// request.
func (c *Client) Stamp(ctx context.Context, message []byte) ([]byte, error) {
	nonce := make([]byte, 8)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	token, err := c.stamp(ctx, message, nonce)
	if err != nil {
		return nil, fmt.Errorf("time-stamping authority: %w", err)
	}
	return token, nil
}

func (c *Client) stamp(ctx context.Context, message, nonce []byte) ([]byte, error) {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, c.url, timestamp.Request(message, nonce))
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	if kind := resp.Header.Get("Content-Type"); kind != "application/timestamp-reply" {
		return nil, fmt.Errorf("the answer is of type %q, not application/timestamp-reply", kind)
	}
	body, err := bounded.ReadAll(resp.Body, timestamp.MaxResponseBytes)
	if err != nil {
		return nil, withoutURL(err)
	}
	return timestamp.ParseResponse(body, message, nonce)
}

// withoutURL drops the URL that net/http puts into its errors: it may contain a key.
func withoutURL(err error) error {
	var ue *url.Error
	for errors.As(err, &ue) {
		err = ue.Err
	}
	return err
}
