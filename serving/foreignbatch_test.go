// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestForeignBatches: batches of other libraries, of types that are newer than
// the server's Arrow (testdata/batches.py), are decided as the event is, or
// refused by the column's name and type.
func TestForeignBatches(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	rpc := pb.NewScoringClient(n.client.Conn())
	want, err := n.client.Score(t.Context(), "event", application("e", 1234.5, 600))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, refused string }{
		{"polars.arrows", ""}, {"decimals.arrows", ""},
		{"list.arrows", `field "amount": a column of type list cannot be read`},
		{"runs.arrows", `field "extra": the plan does not know this column`},
	} {
		b, err := os.ReadFile("testdata/" + c.file)
		if err != nil {
			t.Fatal(err)
		}
		batch := &pb.ArrowBatch{RequestId: c.file, Time: timestamppb.New(start2026), Ipc: b}
		resp, err := rpc.ScoreBatch(t.Context(), &pb.ScoreBatchRequest{Arrow: batch})
		if err != nil {
			if c.refused == "" || status.Code(err) != codes.InvalidArgument ||
				!strings.Contains(err.Error(), c.refused) {
				t.Errorf("%s: %v, want %q", c.file, err, c.refused)
			}
			continue
		}
		rec := recordOf(t, resp.ArrowIpc)
		pd, problem := rec.Column(2).(*array.Float64), rec.Column(8).(*array.String)
		switch {
		case c.refused != "":
			if problem.IsNull(0) || !strings.Contains(problem.Value(0), c.refused) {
				t.Errorf("%s: %v, want %q", c.file, rec, c.refused)
			}
		case !problem.IsNull(0) || pd.Value(0) != want.Decision.Score.PD:
			t.Errorf("%s: %v, want a PD of %v", c.file, rec, want.Decision.Score.PD)
		}
	}
}
