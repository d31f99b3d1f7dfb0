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
	"github.com/assayrisk/assay/serving/wire"
)

const (
	scoreMethod = "/assay.v1.Scoring/Score"
	inferMethod = "/inference.GRPCInferenceService/ModelInfer"
)

// decisions encodes each row as a request for a decision.
func decisions(rows *gbdt.Dataset) (out []load.Template, method string, err error) {
	for i := range rows.Rows() {
		e := world.Event(rows, i, load.ID)
		b, err := (&pb.ScoreRequest{RequestId: load.ID, Event: wire.Event(&e)}).MarshalVT()
		if err != nil {
			return nil, "", err
		}
		out = append(out, load.NewTemplate(b))
	}
	return out, scoreMethod, nil
}

// inferences encodes each row as the Open Inference Protocol has it, raw.
func inferences(rows *gbdt.Dataset) (out []load.Template, method string, err error) {
	for i := range rows.Rows() {
		x := world.Row(rows, i)
		raw := make([]byte, 0, 8*len(x))
		for _, v := range x {
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
		}
		b, err := (&v2.ModelInferRequest{ModelName: "bench", Inputs: []*v2.ModelInferRequest_InferInputTensor{
			{Name: "features", Datatype: "FP64", Shape: []int64{1, int64(len(x))}}}, RawInputContents: [][]byte{raw}}).
			MarshalVT()
		if err != nil {
			return nil, "", err
		}
		out = append(out, load.NewTemplate(b))
	}
	return out, inferMethod, nil
}

// decode reads the probability out of a reply.
func decode(method string, reply []byte) (float64, error) {
	if method == scoreMethod {
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

// client keeps as many connections as there are callers.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4096}, Timeout: 30 * time.Second}

// jsonRow is a row as the HTTP servers take it.
func jsonRow(rows *gbdt.Dataset, i int) []byte {
	b, err := json.Marshal(map[string][][]float64{"rows": {world.Row(rows, i)}})
	if err != nil {
		panic(err) // finite numbers
	}
	return b
}

func post(ctx context.Context, url string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := client.Do(r)
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
		w, err := client.Do(r)
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

// askHTTP prepares the calls of an HTTP server.
func askHTTP(p *daemon.Process, url string, rows *gbdt.Dataset) *server {
	bodies := make([][]byte, rows.Rows())
	for i := range bodies {
		bodies[i] = jsonRow(rows, i)
	}
	return &server{process: p,
		call: func(ctx context.Context, caller, k int) error {
			_, err := post(ctx, url, bodies[(caller*31+k)%len(bodies)])
			return err
		},
		score: func(ctx context.Context, x int) (float64, error) {
			b, err := post(ctx, url, bodies[x])
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
