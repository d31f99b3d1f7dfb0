// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"

	v2 "github.com/assayrisk/assay/serving/inferencev2"
)

// TestUnseenInference: categories that come through the Open Inference Protocol
// are counted as an event's are: new texts, codes of no value, and whole rows.
func TestUnseenInference(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const rows = 100
	fill := func(x float64) []float64 { return slices.Repeat([]float64{x}, rows) }
	numbers := func(name string, x float64) *tensor {
		return &tensor{Name: name, Datatype: "FP64", Shape: []int64{rows},
			Contents: &v2.InferTensorContents{Fp64Contents: fill(x)}}
	}
	amounts, incomes := numbers("amount", 10), numbers("income", 600)
	sector := func(text string) *tensor {
		return &tensor{Name: "sector", Datatype: "BYTES", Shape: []int64{rows},
			Contents: &v2.InferTensorContents{BytesContents: slices.Repeat([][]byte{[]byte(text)}, rows)}}
	}
	codes := func(x float64) *tensor { return numbers("sector", x) }
	whole := func(code float64) *tensor {
		return &tensor{Name: "features", Datatype: "FP64", Shape: []int64{rows, 3},
			Contents: &v2.InferTensorContents{Fp64Contents: slices.Repeat([]float64{10, 600, code}, rows)}}
	}
	for name, c := range map[string]struct {
		inputs []*tensor
		share  string // "": not counted
	}{
		"a known text":         {[]*tensor{amounts, incomes, sector("steel")}, "0"},
		"a new text":           {[]*tensor{amounts, incomes, sector("STEEL")}, "1"},
		"no text":              {[]*tensor{amounts, incomes, sector("")}, ""},
		"a code":               {[]*tensor{amounts, incomes, codes(0)}, "0"},
		"the code of no value": {[]*tensor{amounts, incomes, codes(99)}, "1"},
		"half a code":          {[]*tensor{amounts, incomes, codes(0.5)}, "1"},
		"whole rows":           {[]*tensor{whole(0)}, "0"},
		"rows of no value":     {[]*tensor{whole(-1)}, "1"},
		"rows of nothing":      {[]*tensor{whole(math.NaN())}, ""},
	} {
		var log lockedBuffer
		n := start(t, t.TempDir(), Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		rpc := v2.NewGRPCInferenceServiceClient(n.client.Conn())
		if _, err := rpc.ModelInfer(t.Context(), &v2.ModelInferRequest{Inputs: c.inputs}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		n.stop()
		_, share, _ := strings.Cut(n.shown(), `assay_unseen_share{field="sector"} `)
		if share, _, _ = strings.Cut(share, "\n"); share != c.share {
			t.Errorf("%s: a share of %q, want %q", name, share, c.share)
		}
		said := strings.Count(log.String(), "nearly all values of a field are new")
		if said != strings.Count(c.share, "1") {
			t.Errorf("%s: %d lines: %s", name, said, log.String())
		}
	}
}
