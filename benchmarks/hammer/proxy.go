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
	noFault       fault = iota
	refuseAll           // 503
	dropAnswers         // the node takes the request, the answer is lost
	answerErrors        // an error inside a 200
	wrongChain          // another chain's id
	answerNothing       // no answer
	faultCount          // how many there are
)

var faultNames = [faultCount]string{"none", "503", "dropped after acceptance", "error in a 200",
	"wrong chain id", "no answer"}

// proxy forwards the server's requests to the chain's node, and makes faults.
type proxy struct {
	fault    atomic.Int32
	node     string
	http     http.Server
	listener net.Listener
}

// newProxy listens on loopback and forwards to the node.
func newProxy(node string) (*proxy, error) {
	p := &proxy{node: node}
	var err error
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	p.http = http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second}
	go p.http.Serve(p.listener)
	return p, nil
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }

func (p *proxy) set(f fault) { p.fault.Store(int32(f)) }

func (p *proxy) close() { p.http.Close() }

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := fault(p.fault.Load())
	switch f {
	case refuseAll:
		http.Error(w, "no", http.StatusServiceUnavailable)
		return
	case answerNothing:
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
	if f == answerErrors {
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"jsonrpc":"2.0","id":` + requestID(in) +
			`,"error":{"code":-32000,"message":"the node is busy"}}`))
		return
	}
	out, err := p.forward(r.Context(), in)
	if err != nil || f == dropAnswers {
		panic(http.ErrAbortHandler)
	}
	if f == wrongChain && bytes.Contains(in, []byte("eth_chainId")) {
		out = []byte(`{"jsonrpc":"2.0","id":` + requestID(in) + `,"result":"0x2a"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(out)
}

// requestID is the id of a JSON-RPC request, as it is written there.
func requestID(body []byte) string {
	_, rest, ok := bytes.Cut(body, []byte(`"id":`))
	if !ok {
		return "null"
	}
	return string(rest[:bytes.IndexAny(append(rest, ','), ",}")])
}

func (p *proxy) forward(ctx context.Context, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.node, bytes.NewReader(body))
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
