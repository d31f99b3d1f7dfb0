// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestReply: the bytes are those of the generated message.
func TestReply(t *testing.T) {
	t.Parallel()
	full := assay.Decision{Version: 1, Sequence: 1 << 40, RequestID: "r", EventID: "e", Micros: 1_700_000_000_123_456,
		Outcome: assay.Decline,
		Score:   assay.Score{Model: assay.Sum("m\n"), Margin: -1.5, PD: 0.25, Points: 612.3, Grade: "B"},
		Plan:    assay.Sum("p\n"), Policy: assay.Sum("q\n"), Vector: assay.Sum("v\n"),
		Rules:   []string{"pd.decline", ""},
		Reasons: []assay.Reason{{Code: "R01", Text: "The amount is high.", Contribution: 0.5}, {Code: "R02"}, {}}}
	for name, r := range map[string]Reply{
		"full": {Decision: &full, Canonical: []byte("canonical"), Promise: bytes.Repeat([]byte{7}, 300),
			ExpectedLoss: 12.5, Price: 0},
		"repeated": {Decision: &full, Canonical: []byte("c"), Promise: []byte("p"), Repeated: true,
			ExpectedLoss: math.NaN(), Price: math.NaN()},
		"late": {Decision: &full, Canonical: []byte("c"), ExpectedLoss: math.NaN(), Price: math.NaN(),
			LateBy: 12*time.Minute + 345*time.Microsecond, LateWindows: []string{"buyer_90d", ""}},
		"late, far": {Decision: &full, ExpectedLoss: math.NaN(), Price: math.NaN(), LateBy: math.MaxInt64,
			LateWindows: []string{strings.Repeat("w", 256)}},
		"zero":      {Decision: &assay.Decision{}, ExpectedLoss: math.NaN(), Price: math.NaN()},
		"zero cost": {Decision: &assay.Decision{Micros: 5}, ExpectedLoss: 0, Price: 0.5},
	} {
		m := new(pb.ScoreResponse)
		FillDecision(m, r.Decision, r.Canonical)
		m.Promise, m.RepeatedRequest, m.ExpectedLoss, m.Price = r.Promise, r.Repeated,
			OptionalDouble(r.ExpectedLoss), OptionalDouble(r.Price)
		if m.LateWindows = r.LateWindows; r.LateBy > 0 {
			m.LateBy = durationpb.New(r.LateBy)
		}
		want, err := m.MarshalVT()
		if err != nil {
			t.Fatal(err)
		}
		e := r.Encode()
		if got := e.data.Materialize(); !bytes.Equal(got, want) {
			t.Errorf("%s:\n%x\n%x", name, got, want)
		}
		if n := len(want); n > r.maxSize() {
			t.Errorf("%s: %d bytes, the bound is %d", name, n, r.maxSize())
		}
		e.data.Free()
	}
}
