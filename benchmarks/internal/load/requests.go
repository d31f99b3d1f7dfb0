// SPDX-License-Identifier: Apache-2.0

package load

import (
	"encoding/binary"
	"math"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/wire"
)

// The methods of the requests below.
const (
	ScoreMethod = "/assay.v1.Scoring/Score"
	InferMethod = "/inference.GRPCInferenceService/ModelInfer"
)

// ScoreRequest asks for a decision on an event. With ID as the event's id, a
// Template gives each message its own.
func ScoreRequest(e *assay.Event) *pb.ScoreRequest {
	return &pb.ScoreRequest{RequestId: ID, Event: wire.Event(e)}
}

// InferRequest encodes a row of features as the Open Inference Protocol has it,
// as raw bytes, for the model bench.
func InferRequest(row []float64) ([]byte, error) {
	raw := make([]byte, 0, 8*len(row))
	for _, v := range row {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
	}
	input := &v2.ModelInferRequest_InferInputTensor{Name: "features", Datatype: "FP64",
		Shape: []int64{1, int64(len(row))}}
	return (&v2.ModelInferRequest{ModelName: "bench", Inputs: []*v2.ModelInferRequest_InferInputTensor{input},
		RawInputContents: [][]byte{raw}}).MarshalVT()
}

// Templates makes a template of each encoded message.
func Templates(n int, encode func(i int) ([]byte, error)) ([]Template, error) {
	out := make([]Template, n)
	for i := range out {
		b, err := encode(i)
		if err != nil {
			return nil, err
		}
		out[i] = NewTemplate(b)
	}
	return out, nil
}
