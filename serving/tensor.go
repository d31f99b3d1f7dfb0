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

// readTensors returns the rows of a request, row-major in plan order. Shapes are
// checked against the bytes that came before anything is allocated.
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

// requiredValues refuses rows without a value that the plan requires. sent are the
// features that came as inputs; nil: whole rows came.
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

// writeTensor adds an FP64 output, raw if the inputs were.
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

// inferenceInput is the name of the one input that carries whole rows.
const inferenceInput = "features"

// tensorWidths is the size of one raw value of each numeric datatype.
var tensorWidths = map[string]int{"FP64": 8, "FP32": 4, "INT64": 8, "INT32": 4, "INT16": 2, "INT8": 1, "UINT64": 8,
	"UINT32": 4, "UINT16": 2, "UINT8": 1, "BOOL": 1}

// tensorValues reads the values of one input: of the feature in a column, or of
// whole rows if column is -1. Texts of a category become its codes.
func tensorValues(m *engine.Model, in *v2.ModelInferRequest_InferInputTensor, raw []byte, isRaw bool,
	column int) (values []float64, problem string) {
	if in.Datatype == "BYTES" {
		return textValues(m, in, raw, isRaw, column)
	}
	width := tensorWidths[in.Datatype]
	if width == 0 {
		return nil, "the datatype must be FP64, FP32, BOOL, a whole number (INT8 to INT64, UINT8 to UINT64), or " +
			"BYTES for the texts of a category"
	}
	if isRaw {
		if len(raw)%width != 0 {
			return nil, "the raw contents are cut short"
		}
		values = make([]float64, len(raw)/width)
		for i := range values {
			values[i] = rawValue(in.Datatype, raw[i*width:])
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
	case "UINT64":
		return widen(c.GetUint64Contents()), ""
	case "UINT32", "UINT16", "UINT8":
		return widen(c.GetUintContents()), ""
	case "BOOL":
		values = make([]float64, len(c.GetBoolContents()))
		for i, b := range c.GetBoolContents() {
			if b {
				values[i] = 1
			}
		}
		return values, ""
	}
	return widen(c.GetIntContents()), ""
}

// rawValue reads one value of a numeric datatype, little-endian.
func rawValue(datatype string, b []byte) float64 {
	switch datatype {
	case "FP64":
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case "FP32":
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case "INT64":
		return float64(int64(binary.LittleEndian.Uint64(b)))
	case "INT32":
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case "INT16":
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case "INT8":
		return float64(int8(b[0]))
	case "UINT64":
		return float64(binary.LittleEndian.Uint64(b))
	case "UINT32":
		return float64(binary.LittleEndian.Uint32(b))
	case "UINT16":
		return float64(binary.LittleEndian.Uint16(b))
	case "BOOL":
		if b[0] != 0 {
			return 1
		}
		return 0
	}
	return float64(b[0])
}

// textValues reads the texts of a category.
func textValues(m *engine.Model, in *v2.ModelInferRequest_InferInputTensor, raw []byte, isRaw bool,
	column int) (values []float64, problem string) {
	if column < 0 {
		return nil, "rows of features are numbers: send BYTES as the input of one category"
	}
	whole := eachText(in, raw, isRaw, func(text []byte) bool {
		code, _, ok := m.Plan.CategoryCode(column, string(text))
		values = append(values, code)
		if !ok {
			problem = fmt.Sprintf("value %d is a text that the feature cannot have: BYTES are for the texts of one "+
				"field's category", len(values))
		}
		return ok
	})
	switch {
	case problem != "":
		return nil, problem
	case !whole:
		return nil, "the raw contents are cut short"
	}
	return values, ""
}

// eachText calls visit for each text of an input, until visit returns false. It
// returns false if the raw contents are cut short.
func eachText(in *v2.ModelInferRequest_InferInputTensor, raw []byte, isRaw bool, visit func([]byte) bool) bool {
	if !isRaw {
		for _, text := range in.GetContents().GetBytesContents() {
			if !visit(text) {
				break
			}
		}
		return true
	}
	for len(raw) > 0 { // each has its length before it
		if len(raw) < 4 || uint64(binary.LittleEndian.Uint32(raw)) > uint64(len(raw)-4) {
			return false
		}
		n := 4 + int(binary.LittleEndian.Uint32(raw))
		if !visit(raw[4:n]) {
			break
		}
		raw = raw[n:]
	}
	return true
}

func widen[T float32 | int64 | int32 | uint64 | uint32](in []T) []float64 {
	out := make([]float64, len(in))
	for i, x := range in {
		out[i] = float64(x)
	}
	return out
}
