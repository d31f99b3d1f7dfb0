// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/serving/engine"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
)

// tensorWidths are the bytes of one raw value of each numeric datatype.
var tensorWidths = map[string]int{"FP64": 8, "FP32": 4, "INT64": 8, "INT32": 4, "INT16": 2, "INT8": 1, "UINT64": 8,
	"UINT32": 4, "UINT16": 2, "UINT8": 1, "BOOL": 1}

// tensorValues reads the values of one input: of the feature in a column, or, if
// that is -1, of whole rows. Texts are those of a category's field, and become
// its codes.
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
			problem = fmt.Sprintf("value %d is a text that the feature cannot be: BYTES are for the texts of one "+
				"field's category",
				len(values))
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

// eachText calls visit for each text of an input, until it returns false. It
// returns false where raw contents are cut short.
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

// countTensors counts the categories of rows that came as features: the texts as
// an event's, and the codes that stand for no value of the dictionary.
func (s *Server) countTensors(m *engine.Model, req *v2.ModelInferRequest, rows []float64) {
	dictionaries, k := m.Dictionaries(), m.Forest.Features()
	texts := map[int]int{} // the inputs of texts, by their features
	for i, in := range req.Inputs {
		if in.Datatype == "BYTES" {
			texts[featureColumn(m, in.Name)] = i
		}
	}
	counts := make([]engine.UnseenCount, len(dictionaries))
	for column := range k {
		place, ok := m.Plan.CategoryField(column)
		i := slices.IndexFunc(dictionaries, func(d features.Dictionary) bool { return d.Place == place })
		if !ok || i < 0 || counts[i].Values > 0 { // a field counts once a row
			continue
		}
		count := func(value, unseen bool) {
			if value {
				counts[i].Values++
			}
			if unseen {
				counts[i].Unseen++
			}
		}
		if at, ok := texts[column]; ok {
			var raw []byte
			if len(req.RawInputContents) > 0 {
				raw = req.RawInputContents[at]
			}
			eachText(req.Inputs[at], raw, len(req.RawInputContents) > 0, func(text []byte) bool {
				_, x, _ := m.Plan.CategoryCode(column, string(text))
				count(x == x, dictionaries[i].Unseen(x))
				return true
			})
			continue
		}
		for r := column; r < len(rows); r += k {
			count(rows[r] == rows[r], m.Plan.UnseenCode(column, rows[r]))
		}
	}
	s.engine.CountUnseen(m, counts)
}
