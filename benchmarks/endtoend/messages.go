// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/daemon"
	"github.com/assayrisk/assay/benchmarks/internal/load"
	"github.com/assayrisk/assay/benchmarks/internal/world"
	"github.com/assayrisk/assay/models/gbdt"
	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
)

// protocol is one way to ask a gRPC server for the score of a row.
type protocol struct {
	method string
	encode func(rows *gbdt.Dataset, i int) ([]byte, error)
}

var (
	// decisionProtocol asks for a full decision.
	decisionProtocol = protocol{load.ScoreMethod, func(rows *gbdt.Dataset, i int) ([]byte, error) {
		e := world.Event(rows, i, load.ID)
		return load.ScoreRequest(&e).MarshalVT()
	}}
	// inferenceProtocol is the Open Inference Protocol, with raw numbers.
	inferenceProtocol = protocol{load.InferMethod, func(rows *gbdt.Dataset, i int) ([]byte, error) {
		return load.InferRequest(world.Row(rows, i))
	}}
)

// decode reads the probability of default from a reply.
func (p protocol) decode(reply []byte) (float64, error) {
	if p.method == load.ScoreMethod {
		m := new(pb.ScoreResponse)
		if err := m.UnmarshalVT(reply); err != nil {
			return 0, err
		}
		return m.GetPd(), nil
	}
	m := new(v2.ModelInferResponse)
	if err := m.UnmarshalVT(reply); err != nil {
		return 0, err
	}
	for i, t := range m.GetOutputs() {
		if t.GetName() != "pd" && t.GetName() != "predict" {
			continue
		}
		if c := t.GetContents().GetFp64Contents(); len(c) == 1 {
			return c[0], nil
		}
		if raw := m.GetRawOutputContents(); i < len(raw) && len(raw[i]) == 8 {
			return math.Float64frombits(binary.LittleEndian.Uint64(raw[i])), nil
		}
	}
	return 0, errors.New("the reply holds no score")
}

// httpClient keeps a connection for each caller.
var httpClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4096}, Timeout: 30 * time.Second}

// jsonRow is a row as the HTTP servers expect it.
func jsonRow(rows *gbdt.Dataset, i int) []byte {
	b, err := json.Marshal(map[string][][]float64{"rows": {world.Row(rows, i)}})
	if err != nil {
		panic(err) // finite numbers
	}
	return b
}

func postJSON(ctx context.Context, url string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := httpClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close()
	b, err := io.ReadAll(io.LimitReader(w.Body, 1<<20))
	if err == nil && w.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", w.Status, b)
	}
	return b, err
}

// modelReady asks MLServer whether it serves the model.
func modelReady(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/v2/models/bench/ready", nil)
		if err != nil {
			return err
		}
		w, err := httpClient.Do(r)
		if err != nil {
			return err
		}
		defer w.Body.Close()
		if w.StatusCode != http.StatusOK {
			return errors.New(w.Status)
		}
		return nil
	}
}

// newHTTPServer prepares the calls to an HTTP server.
func newHTTPServer(p *daemon.Process, url string, rows *gbdt.Dataset) *server {
	bodies := make([][]byte, rows.Rows())
	for i := range bodies {
		bodies[i] = jsonRow(rows, i)
	}
	return &server{process: p,
		call: func(ctx context.Context, caller, k int) error {
			_, err := postJSON(ctx, url, bodies[(caller*31+k)%len(bodies)])
			return err
		},
		score: func(ctx context.Context, x int) (float64, error) {
			b, err := postJSON(ctx, url, bodies[x])
			if err != nil {
				return 0, err
			}
			var named struct{ Scores []float64 }
			var bare []float64
			if json.Unmarshal(b, &named) != nil || len(named.Scores) != 1 {
				if err := json.Unmarshal(b, &bare); err != nil || len(bare) != 1 {
					return 0, fmt.Errorf("the reply %.100s holds no score", b)
				}
				return bare[0], nil
			}
			return named.Scores[0], nil
		},
	}
}
