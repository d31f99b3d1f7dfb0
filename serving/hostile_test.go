// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"testing"
	"time"

	v2 "github.com/assayrisk/assay/serving/inferencev2"

	"github.com/assayrisk/assay/serving/engine"
)

// FuzzTensors: what is read from any request is whole rows that fit the bytes
// which came.
func FuzzTensors(f *testing.F) {
	m, err := engine.NewModel(bundle(f, planYAML, "fuzz", 0), nil, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	s := &Server{cfg: Config{MaxBatchRows: 100}}
	k := m.Forest.Features()
	tensor := func(name, kind string, shape ...int64) *v2.ModelInferRequest_InferInputTensor {
		return &v2.ModelInferRequest_InferInputTensor{Name: name, Datatype: kind, Shape: shape}
	}
	whole := tensor("features", "FP64", 1, int64(k))
	whole.Contents = &v2.InferTensorContents{Fp64Contents: make([]float64, k)}
	for _, req := range []*v2.ModelInferRequest{
		{Inputs: []*v2.ModelInferRequest_InferInputTensor{whole}},
		{Inputs: []*v2.ModelInferRequest_InferInputTensor{tensor("features", "FP32", 2, int64(k))},
			RawInputContents: [][]byte{make([]byte, 8*k)}},
		{Inputs: []*v2.ModelInferRequest_InferInputTensor{tensor(m.Bundle.Model.Features[0].Name, "INT64", 1, 1)},
			RawInputContents: [][]byte{make([]byte, 8)}},
		{Inputs: []*v2.ModelInferRequest_InferInputTensor{tensor("features", "FP64", 1<<40, int64(k))},
			RawInputContents: [][]byte{make([]byte, 8)}},
		{Inputs: []*v2.ModelInferRequest_InferInputTensor{tensor("features", "FP64", -1)},
			RawInputContents: [][]byte{nil}},
	} {
		b, err := req.MarshalVT()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		req := new(v2.ModelInferRequest)
		if req.UnmarshalVT(b) != nil {
			return
		}
		rows, n, err := s.readTensors(m, req)
		if err != nil {
			return
		}
		if n < 1 || n > 100 || len(rows) != n*k {
			t.Errorf("%d rows of %d features in %d values", n, k, len(rows))
		}
		// Every value came in at least one byte, unless a whole feature was left out.
		if len(req.Inputs) == 1 && req.Inputs[0].Name == inferenceInput && len(rows) > len(b) {
			t.Errorf("%d values from %d bytes", len(rows), len(b))
		}
		m.Forest.Margins(make([]float64, n), rows)
	})
}

// FuzzFrames: whatever a connection sends after the preface, the server goes on
// answering others.
func FuzzFrames(f *testing.F) {
	n := start(f, f.TempDir(), Config{})
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for _, s := range []string{"", settings, "\xff\xff\xff\x00\x00\x00\x00\x00\x00",
		settings + "\x00\x00\x04\x01\x04\x00\x00\x00\x01\xff\xff\xff\xff",
		settings + "\x00\x00\x05\x00\x01\x00\x00\x00\x01\x00\xff\xff\xff\xff", settings +
			"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\xff\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := n.conn.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = c.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
		_, _ = c.Write(b)
		c.Close()
		if _, err := n.client.Score(t.Context(), "frames", application("frames", 10, 600)); err != nil {
			t.Errorf("after these bytes: %v", err)
		}
	})
}
