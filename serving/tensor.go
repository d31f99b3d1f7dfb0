// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/assayrisk/assay"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/wire"
)

// readTensors returns the rows of a request, row-major in plan order. What is
// claimed by shapes is checked against the bytes that came before anything is
// allocated.
func (s *Server) readTensors(m *live, req *v2.ModelInferRequest) (rows []float64, n int, err error) {
	k := m.forest.Features()
	raw := len(req.RawInputContents) > 0
	if len(req.Inputs) > wire.MaxInferParts {
		return nil, 0, &assay.FieldError{Field: "inputs", Problem: fmt.Sprintf("a request has more than %d inputs, outputs, parameters and texts", wire.MaxInferParts)}
	}
	if raw && len(req.RawInputContents) != len(req.Inputs) {
		return nil, 0, &assay.FieldError{Field: "raw_input_contents", Problem: fmt.Sprintf("%d entries for %d inputs", len(req.RawInputContents), len(req.Inputs))}
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
		values, problem := tensorValues(in, bytes, raw)
		if problem != "" {
			return nil, 0, bad("%s", problem)
		}
		width, column := k, 0
		if in.Name != inferenceInput || len(req.Inputs) > 1 {
			width = 1
			if column = m.feature(in.Name); column < 0 {
				return nil, 0, bad("the model has no feature of that name")
			}
		}
		count := len(values) / width
		switch {
		case len(in.Shape) == 0 || len(in.Shape) > 2 || len(values) != count*width || in.Shape[0] != int64(count) || len(in.Shape) == 2 && in.Shape[1] != int64(width) || len(in.Shape) == 1 && width != 1:
			return nil, 0, bad("the shape must be [n, %d] and match the %d values that came", width, len(values))
		case count < 1 || count > s.cfg.MaxBatchRows:
			return nil, 0, bad("%d rows, want 1 to %d", count, s.cfg.MaxBatchRows)
		case rows != nil && count != n:
			return nil, 0, bad("%d rows, the inputs before it have %d", count, n)
		}
		if width == k && in.Name == inferenceInput {
			return values, count, nil
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
	return rows, n, nil
}

// feature returns the column of a feature, or -1.
func (m *live) feature(name string) int {
	for i, f := range m.bundle.Model.Features {
		if f.Name == name {
			return i
		}
	}
	return -1
}

// tensorValues reads the values of one input.
func tensorValues(in *v2.ModelInferRequest_InferInputTensor, raw []byte, isRaw bool) (values []float64, problem string) {
	width := map[string]int{"FP64": 8, "FP32": 4, "INT64": 8, "INT32": 4}[in.Datatype]
	if width == 0 {
		return nil, "the datatype must be FP64, FP32, INT64 or INT32"
	}
	if isRaw {
		if len(raw)%width != 0 {
			return nil, "the raw contents are cut short"
		}
		values = make([]float64, len(raw)/width)
		for i := range values {
			b := raw[i*width:]
			switch in.Datatype {
			case "FP64":
				values[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
			case "FP32":
				values[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
			case "INT64":
				values[i] = float64(int64(binary.LittleEndian.Uint64(b)))
			case "INT32":
				values[i] = float64(int32(binary.LittleEndian.Uint32(b)))
			}
		}
		return values, ""
	}
	c := in.GetContents()
	switch in.Datatype {
	case "FP64":
		return c.GetFp64Contents(), ""
	case "FP32":
		return widen(c.GetFp32Contents()), ""
	case "INT64":
		return widen(c.GetInt64Contents()), ""
	}
	return widen(c.GetIntContents()), ""
}

func widen[T float32 | int64 | int32](in []T) []float64 {
	out := make([]float64, len(in))
	for i, x := range in {
		out[i] = float64(x)
	}
	return out
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
