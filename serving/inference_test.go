// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"encoding/binary"
	"math"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/engine"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
)

func raw(x ...float64) (b []byte) {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

type tensor = v2.ModelInferRequest_InferInputTensor

func TestInference(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	rpc := v2.NewGRPCInferenceServiceClient(n.client.Conn())
	rows := []float64{10, 600, 0, 2000, 400, 1}
	for name, req := range map[string]*v2.ModelInferRequest{
		"contents": {ModelName: "first",
			Inputs: []*tensor{{Name: "features", Datatype: "FP64", Shape: []int64{2, 3},
				Contents: &v2.InferTensorContents{Fp64Contents: rows}}}},
		"raw": {Inputs: []*tensor{{Name: "features", Datatype: "FP64", Shape: []int64{2, 3}}},
			RawInputContents: [][]byte{raw(rows...)}},
		"columns": {Inputs: []*tensor{{Name: "income", Datatype: "FP64", Shape: []int64{2}},
			{Name: "amount", Datatype: "FP64", Shape: []int64{2, 1}}},
			RawInputContents: [][]byte{raw(600, 400), raw(10, 2000)}},
		"single columns": {Inputs: []*tensor{
			{Name: "income", Datatype: "INT32", Shape: []int64{2},
				Contents: &v2.InferTensorContents{IntContents: []int32{600, 400}}},
			{Name: "amount", Datatype: "FP32", Shape: []int64{2},
				Contents: &v2.InferTensorContents{Fp32Contents: []float32{10, 2000}}}}},
		"other types": {Inputs: []*tensor{{Name: "income", Datatype: "INT16", Shape: []int64{2}},
			{Name: "amount", Datatype: "UINT32", Shape: []int64{2}},
			{Name: "sector", Datatype: "BYTES", Shape: []int64{2}}},
			RawInputContents: [][]byte{{600 & 255, 600 >> 8, 400 & 255, 400 >> 8},
				{10, 0, 0, 0, 2000 & 255, 2000 >> 8, 0, 0}, []byte("\x05\x00\x00\x00steel\x00\x00\x00\x00")}},
		"texts": {Inputs: []*tensor{
			{Name: "sector", Datatype: "BYTES", Shape: []int64{2},
				Contents: &v2.InferTensorContents{BytesContents: [][]byte{[]byte("steel"), []byte("food")}}},
			{Name: "income", Datatype: "UINT64", Shape: []int64{2},
				Contents: &v2.InferTensorContents{Uint64Contents: []uint64{600, 400}}},
			{Name: "amount", Datatype: "INT64", Shape: []int64{2},
				Contents: &v2.InferTensorContents{Int64Contents: []int64{10, 2000}}}}},
	} {
		req.Outputs = []*v2.ModelInferRequest_InferRequestedOutputTensor{{Name: "margin"}, {Name: "pd"},
			{Name: "contributions"}}
		resp, err := rpc.ModelInfer(t.Context(), req)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := make([][]float64, 3)
		for i, o := range resp.Outputs {
			got[i] = o.GetContents().GetFp64Contents()
			if len(resp.RawOutputContents) > 0 {
				for b := resp.RawOutputContents[i]; len(b) > 0; b = b[8:] {
					got[i] = append(got[i], math.Float64frombits(binary.LittleEndian.Uint64(b)))
				}
			}
		}
		if got[0][0] != -3 || got[0][1] != 1.5 || math.Abs(got[1][1]-1/(1+math.Exp(-1.5))) > 1e-12 {
			t.Errorf("%s: margins %v and PDs %v", name, got[0], got[1])
		}
		if sum := got[2][4] + got[2][5] + got[2][6] + got[2][7]; math.Abs(sum-1.5) > 1e-9 {
			t.Errorf("%s: contributions add up to %v, want the margin", name, sum)
		}
	}
	if taken := n.journal.Stats().Taken - begun; taken != 0 {
		t.Errorf("%d records made by the model-only plane", taken)
	}
	meta, err := rpc.ModelMetadata(t.Context(), &v2.ModelMetadataRequest{Name: "first"})
	if err != nil || meta.Inputs[0].Shape[1] != 3 {
		t.Errorf("metadata: %v, %v", meta, err)
	}
	if r, err := rpc.ModelReady(t.Context(), &v2.ModelReadyRequest{Name: "nope"}); err != nil || r.Ready {
		t.Errorf("a model that is not there is ready: %v, %v", r, err)
	}
}

func TestInferenceRefuses(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	rpc := v2.NewGRPCInferenceServiceClient(n.client.Conn())
	for name, req := range map[string]*v2.ModelInferRequest{
		"no inputs": {},
		"shape lies": {Inputs: []*tensor{{Name: "features", Datatype: "FP64", Shape: []int64{1 << 40, 3}}},
			RawInputContents: [][]byte{raw(1, 2, 3)}},
		"negative shape": {Inputs: []*tensor{{Name: "features", Datatype: "FP64", Shape: []int64{-1, -3}}},
			RawInputContents: [][]byte{raw(1, 2, 3)}},
		"width": {Inputs: []*tensor{{Name: "features", Datatype: "FP64", Shape: []int64{1, 2}}},
			RawInputContents: [][]byte{raw(1, 2)}},
		"cut short": {Inputs: []*tensor{{Name: "features", Datatype: "FP64", Shape: []int64{1, 3}}},
			RawInputContents: [][]byte{raw(1, 2, 3)[:23]}},
		"datatype": {Inputs: []*tensor{{Name: "features", Datatype: "BYTES", Shape: []int64{1, 3}}}},
		"unknown feature": {Inputs: []*tensor{{Name: "x", Datatype: "FP64", Shape: []int64{1}}},
			RawInputContents: [][]byte{raw(1)}},
		"twice": {Inputs: []*tensor{{Name: "amount", Datatype: "FP64", Shape: []int64{1}},
			{Name: "amount", Datatype: "FP64", Shape: []int64{1}}}, RawInputContents: [][]byte{raw(1), raw(1)}},
		"different counts": {Inputs: []*tensor{{Name: "amount", Datatype: "FP64", Shape: []int64{1}},
			{Name: "income", Datatype: "FP64", Shape: []int64{2}}}, RawInputContents: [][]byte{raw(1), raw(1, 2)}},
		"raw for some": {Inputs: []*tensor{{Name: "amount", Datatype: "FP64", Shape: []int64{1}},
			{Name: "income", Datatype: "FP64", Shape: []int64{1}}}, RawInputContents: [][]byte{raw(1)}},
		"unknown output": {Inputs: []*tensor{{Name: "amount", Datatype: "FP64", Shape: []int64{1}}},
			RawInputContents: [][]byte{raw(1)},
			Outputs:          []*v2.ModelInferRequest_InferRequestedOutputTensor{{Name: "x"}}},
		"required left out": {Inputs: []*tensor{{Name: "income", Datatype: "FP64", Shape: []int64{1}}},
			RawInputContents: [][]byte{raw(1)}},
		"required missing": {Inputs: []*tensor{{Name: "features", Datatype: "FP64", Shape: []int64{1, 3}}},
			RawInputContents: [][]byte{raw(math.NaN(), 2, 0)}},
		"text of a number": {Inputs: []*tensor{{Name: "amount", Datatype: "BYTES", Shape: []int64{1},
			Contents: &v2.InferTensorContents{BytesContents: [][]byte{[]byte("1")}}}}},
		"text cut short": {Inputs: []*tensor{{Name: "amount", Datatype: "FP64", Shape: []int64{1}},
			{Name: "sector", Datatype: "BYTES", Shape: []int64{1}}},
			RawInputContents: [][]byte{raw(1), {200, 0, 0, 0, 65}}},
		"empty tensor": {Inputs: []*tensor{{Name: "features", Datatype: "FP64", Shape: []int64{0, 3}}}},
	} {
		if _, err := rpc.ModelInfer(t.Context(), req); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, want INVALID_ARGUMENT", name, err)
		}
	}
	if _, err := rpc.ModelInfer(t.Context(), &v2.ModelInferRequest{ModelName: "nope"}); status.Code(err) !=
		codes.NotFound {
		t.Errorf("an unknown model: %v, want NOT_FOUND", err)
	}
}

// TestInferenceCategories: a category's texts, in any spelling of its field, and
// flags score as the event that states them.
func TestInferenceCategories(t *testing.T) {
	t.Parallel()
	plan := `
version: 1
entities: [buyer]
fields: [{name: amount}, {name: income}, {name: sector, kind: text}, {name: insured, kind: flag}]
features: [{name: amount}, {name: income}, {name: sector, min_count: 1}, {name: insured}]
`
	b := bundle(t, plan, "first", 0)
	m, err := engine.NewModel(b, nil, start2026)
	if err != nil {
		t.Fatal(err)
	}
	req := &v2.ModelInferRequest{Inputs: []*tensor{
		{Name: "sector", Datatype: "BYTES", Shape: []int64{4},
			Contents: &v2.InferTensorContents{BytesContents: [][]byte{[]byte("food"), []byte("steel"),
				[]byte("glass"), nil}}},
		{Name: "insured", Datatype: "BOOL", Shape: []int64{4},
			Contents: &v2.InferTensorContents{BoolContents: []bool{true, false, true, false}}}}}
	s := &Server{cfg: Config{MaxBatchRows: 10}}
	rows, _, err := s.readTensors(m, req)
	if err != nil {
		t.Fatal(err)
	}
	for i, sector := range []string{"food", "steel", "glass", ""} {
		ev := assay.Event{ID: "e", Kind: "application", Time: start2026, Fields: []assay.Field{
			{Name: "sector", Value: assay.TextValue(sector)}, {Name: "insured", Value: assay.FlagValue(i%2 == 0)}}}
		fields, err := m.Plan.Read(nil, &ev)
		if err != nil {
			t.Fatal(err)
		}
		v, err := m.Plan.VectorOf(nil, fields, &ev, nil)
		if err != nil {
			t.Fatal(err)
		}
		for c, x := range v.Values {
			if math.Float64bits(x) != math.Float64bits(rows[4*i+c]) {
				t.Errorf("%q: feature %d is %v in the tensor and %v in the event", sector, c, rows[4*i+c], x)
			}
		}
	}
}
