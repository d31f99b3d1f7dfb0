// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// fault is what the proxy does to requests.
type fault int32

const (
	none    fault = iota
	refuse        // 503
	drop          // the node takes the request, the answer is lost
	failing       // an error inside a 200
	wrong         // another chain's id
	silent        // no answer
	faults        // how many there are
)

var faultNames = [faults]string{"none", "503", "dropped after acceptance", "error in a 200",
	"wrong chain id", "no answer"}

// proxy stands between the server and the chain's node.
type proxy struct {
	now   atomic.Int32
	to    string
	http  http.Server
	local net.Listener
}

// newProxy listens on loopback and forwards to the node.
func newProxy(node string) (*proxy, error) {
	p := &proxy{to: node}
	var err error
	if p.local, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	p.http = http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second}
	go p.http.Serve(p.local)
	return p, nil
}

func (p *proxy) url() string { return "http://" + p.local.Addr().String() }

func (p *proxy) set(f fault) { p.now.Store(int32(f)) }

func (p *proxy) close() { p.http.Close() }

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := fault(p.now.Load())
	switch f {
	case refuse:
		http.Error(w, "no", http.StatusServiceUnavailable)
		return
	case silent:
		select {
		case <-r.Context().Done():
		case <-time.After(3 * time.Second):
		}
		panic(http.ErrAbortHandler)
	}
	in, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if f == failing {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"jsonrpc":"2.0","id":` + requestID(in) +
			`,"error":{"code":-32000,"message":"the node is busy"}}`))
		return
	}
	out, err := p.ask(r.Context(), in)
	if err != nil || f == drop {
		panic(http.ErrAbortHandler)
	}
	if f == wrong && bytes.Contains(in, []byte("eth_chainId")) {
		out = []byte(`{"jsonrpc":"2.0","id":` + requestID(in) + `,"result":"0x2a"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(out)
}

// requestID is the id of a JSON-RPC request, as it stands there.
func requestID(body []byte) string {
	_, rest, ok := bytes.Cut(body, []byte(`"id":`))
	if !ok {
		return "null"
	}
	return string(rest[:bytes.IndexAny(append(rest, ','), ",}")])
}

func (p *proxy) ask(ctx context.Context, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close()
	if w.StatusCode != http.StatusOK {
		return nil, errors.New(w.Status)
	}
	return io.ReadAll(io.LimitReader(w.Body, 64<<20))
}
