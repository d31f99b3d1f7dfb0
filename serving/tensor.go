// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/serving/engine"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/wire"
)

// readTensors returns the rows of a request, row-major in plan order. What is
// claimed by shapes is checked against the bytes that came before anything is
// allocated.
func (s *Server) readTensors(m *engine.Model, req *v2.ModelInferRequest) (rows []float64, n int, err error) {
	k := m.Forest.Features()
	raw := len(req.RawInputContents) > 0
	if len(req.Inputs) > wire.MaxInferParts {
		return nil, 0, &assay.FieldError{Field: "inputs",
			Problem: fmt.Sprintf("a request has more than %d inputs, outputs, parameters and texts",
				wire.MaxInferParts)}
	}
	if raw && len(req.RawInputContents) != len(req.Inputs) {
		return nil, 0, &assay.FieldError{Field: "raw_input_contents",
			Problem: fmt.Sprintf("%d entries for %d inputs", len(req.RawInputContents), len(req.Inputs))}
	}
	if len(req.Inputs) == 0 {
		return nil, 0, &assay.FieldError{Field: "inputs", Problem: "send the input features, or one input a feature"}
	}
	seen := map[string]bool{}
	for i, in := range req.Inputs {
		if in == nil {
			return nil, 0, &assay.FieldError{Field: "inputs", Problem: "has an empty entry"}
		}
		var bytes []byte
		if raw {
			bytes = req.RawInputContents[i]
		}
		bad := func(format string, args ...any) error {
			return &assay.FieldError{Field: "inputs." + in.Name, Problem: fmt.Sprintf(format, args...)}
		}
		if seen[in.Name] {
			return nil, 0, bad("is given twice")
		}
		seen[in.Name] = true
		width, column := k, -1
		if in.Name != inferenceInput || len(req.Inputs) > 1 {
			width = 1
			if column = featureColumn(m, in.Name); column < 0 {
				return nil, 0, bad("the model has no feature of that name%s", nearest.Hint(in.Name, featureNames(m)))
			}
		}
		values, problem := tensorValues(m, in, bytes, raw, column)
		if problem != "" {
			return nil, 0, bad("%s", problem)
		}
		count := len(values) / width
		switch {
		case len(in.Shape) == 0 || len(in.Shape) > 2 || len(values) != count*width || in.Shape[0] != int64(count) ||
			len(in.Shape) == 2 && in.Shape[1] != int64(width) || len(in.Shape) == 1 && width != 1:
			return nil, 0, bad("the shape must be [n, %d] and match the %d values that came", width, len(values))
		case count < 1 || count > s.cfg.MaxBatchRows:
			return nil, 0, bad("%d rows, want 1 to %d (fixed in assayd)", count, s.cfg.MaxBatchRows)
		case rows != nil && count != n:
			return nil, 0, bad("%d rows, the inputs before it have %d", count, n)
		}
		if width == k && in.Name == inferenceInput {
			return values, count, requiredValues(m, values, nil)
		}
		if rows == nil {
			n = count
			rows = make([]float64, n*k)
			for j := range rows {
				rows[j] = math.NaN()
			}
		}
		for r, x := range values {
			rows[r*k+column] = x
		}
	}
	return rows, n, requiredValues(m, rows, seen)
}

// requiredValues refuses rows without a value that the plan requires. sent are
// the inputs that came, one a feature; nil: whole rows came.
func requiredValues(m *engine.Model, rows []float64, sent map[string]bool) error {
	width := m.Forest.Features()
	for _, column := range m.RequiredFeatures {
		name := m.Bundle.Model.Features[column].Name
		if sent != nil && !sent[name] {
			return &assay.FieldError{Field: "inputs." + name,
				Problem: "is required: the plan has a value of it for every event"}
		}
		for r := column; r < len(rows); r += width {
			if rows[r] != rows[r] {
				return &assay.FieldError{Field: "inputs." + name,
					Problem: fmt.Sprintf("row %d has no value, and the plan requires one", r/width+1)}
			}
		}
	}
	return nil
}

func featureNames(m *engine.Model) []string {
	out := make([]string, len(m.Bundle.Model.Features))
	for i := range out {
		out[i] = m.Bundle.Model.Features[i].Name
	}
	return out
}

// featureColumn returns the column of a feature, or -1.
func featureColumn(m *engine.Model, name string) int {
	for i, f := range m.Bundle.Model.Features {
		if f.Name == name {
			return i
		}
	}
	return -1
}

// writeTensor adds an FP64 output in the form that the inputs came in.
func writeTensor(resp *v2.ModelInferResponse, name string, shape []int64, values []float64, raw bool) {
	out := &v2.ModelInferResponse_InferOutputTensor{Name: name, Datatype: "FP64", Shape: shape}
	if raw {
		b := make([]byte, 0, 8*len(values))
		for _, x := range values {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
		}
		resp.RawOutputContents = append(resp.RawOutputContents, b)
	} else {
		out.Contents = &v2.InferTensorContents{Fp64Contents: values}
	}
	resp.Outputs = append(resp.Outputs, out)
}
