// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestLimitsNameTheirSetting: a refusal for a limit says which setting moves it,
// or that it is fixed; a model that is not loaded is answered with the nearest.
func TestLimitsNameTheirSetting(t *testing.T) {
	n := start(t, t.TempDir(), Config{MaxBatchRows: 3, RatePerSecond: 1e-6, RateBurst: 2})
	rpc := pb.NewScoringClient(n.client.Conn())
	name := n.server.engine.routes.Load().active.name
	rows := func(k int) *pb.ScoreBatchRequest {
		return &pb.ScoreBatchRequest{Rows: make([]*pb.ScoreRequest, k)}
	}
	for _, c := range []struct {
		call func() error
		code codes.Code
		want string
	}{
		{func() error { _, err := rpc.ScoreBatch(t.Context(), rows(4)); return err }, codes.InvalidArgument, "4 rows, want 1 to 3 (fixed in assayd)"},
		{func() error { _, err := rpc.ScoreBatch(t.Context(), rows(3)); return err }, codes.InvalidArgument, "(setting rate-burst)"},
		{func() error {
			_, err := rpc.ListDecisions(t.Context(), &pb.ListDecisionsRequest{PageSize: -1})
			return err
		}, codes.InvalidArgument, "(fixed)"},
		{func() error {
			_, err := n.client.Score(t.Context(), "a", application("a", 10, 600))
			if err != nil {
				return err
			}
			_, err = rpc.Score(t.Context(), &pb.ScoreRequest{RequestId: "b", Model: name}, grpc.WaitForReady(false))
			return err
		}, codes.ResourceExhausted, "(setting rate)"},
	} {
		if err := c.call(); status.Code(err) != c.code || !strings.Contains(status.Convert(err).Message(), c.want) {
			t.Errorf("%v, want %v with %q", err, c.code, c.want)
		}
	}
	r := n.server.engine.routes.Load()
	if _, err := r.pick(name + "x"); err == nil || !strings.Contains(err.Error(), `did you mean "`+name+`"?`) {
		t.Errorf("a model that is not loaded: %v", err)
	}
	if _, _, err := r.without(name + "x"); err == nil || !strings.Contains(err.Error(), `did you mean "`+name+`"?`) {
		t.Errorf("a model to unload: %v", err)
	}
	n.server.engine.load.Store(n.server.engine.limit)
	defer n.server.engine.load.Store(0)
	n.server.engine.limiter = nil
	if err := n.server.engine.admit("x", 1); err == nil || !strings.Contains(err.Error(), "(setting max-in-flight)") {
		t.Errorf("a full server: %v", err)
	}
}
