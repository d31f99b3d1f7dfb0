// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestLimitsNameTheirSetting: a refusal for a limit says which setting moves it,
// or that it is fixed; a model that is not loaded is answered with the nearest.
func TestLimitsNameTheirSetting(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{MaxBatchRows: 3, RatePerSecond: 1e-6, RateBurst: 2})
	rpc := pb.NewScoringClient(n.client.Conn())
	name := n.server.engine.Models().Active.Name
	rows := func(k int) *pb.ScoreBatchRequest {
		return &pb.ScoreBatchRequest{Rows: make([]*pb.ScoreRequest, k)}
	}
	for _, c := range []struct {
		call func() error
		code codes.Code
		want string
	}{
		{func() error {
			_, err := rpc.ScoreBatch(t.Context(), rows(4))
			return err
		}, codes.InvalidArgument, "4 rows, want 1 to 3 (fixed in assayd)"},
		{func() error {
			_, err := rpc.ScoreBatch(t.Context(), rows(3))
			return err
		}, codes.InvalidArgument, "(setting rate-burst)"},
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
	r := n.server.engine.Models()
	if _, err := r.Pick(name + "x"); err == nil || !strings.Contains(err.Error(), `did you mean "`+name+`"?`) {
		t.Errorf("a model that is not loaded: %v", err)
	}
	if _, _, err := r.Without(name + "x"); err == nil || !strings.Contains(err.Error(), `did you mean "`+name+`"?`) {
		t.Errorf("a model to unload: %v", err)
	}
	n = start(t, t.TempDir(), Config{MaxInFlight: 8})
	defer n.fill(8)()
	if err := n.server.engine.Admit("x", 1); err == nil || !strings.Contains(err.Error(), "(setting max-in-flight)") {
		t.Errorf("a full server: %v", err)
	}
}

// TestLargeMessages: a message beyond the limit is refused by the setting's name,
// once, with a line in the log; one beyond gRPC's own limit is refused by gRPC,
// and the client adds the name.
func TestLargeMessages(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	var log lockedBuffer
	n := start(t, t.TempDir(), Config{MaxMessageBytes: limit, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	rpc := pb.NewScoringClient(n.client.Conn())
	batch := func(bytes int) *pb.ScoreBatchRequest {
		return &pb.ScoreBatchRequest{Arrow: &pb.ArrowBatch{RequestId: "b", Ipc: make([]byte, bytes)}}
	}
	for _, c := range []struct {
		bytes int
		code  codes.Code
		want  string
	}{
		{limit - 100, codes.InvalidArgument, "arrow.ipc"},
		{limit, codes.ResourceExhausted, "which is larger than max-message (65536): send smaller batches"},
		{2*limit - 100, codes.ResourceExhausted, "which is larger than max-message (65536): send smaller batches"},
		{2 * limit, codes.ResourceExhausted, "received message larger than max"},
	} {
		_, err := rpc.ScoreBatch(t.Context(), batch(c.bytes))
		if status.Code(err) != c.code || !strings.Contains(status.Convert(err).Message(), c.want) {
			t.Errorf("%d bytes: %v, want %v with %q", c.bytes, err, c.code, c.want)
		}
		stream, err := rpc.ScoreStream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if c.code == codes.ResourceExhausted {
			_ = stream.Send(&pb.ScoreRequest{RequestId: strings.Repeat("r", c.bytes)})
			_, err = stream.Recv()
			if status.Code(err) != c.code || !strings.Contains(status.Convert(err).Message(), c.want) {
				t.Errorf("%d bytes in a stream: %v, want %v with %q", c.bytes, err, c.code, c.want)
			}
		}
	}
	for _, bytes := range []int{limit, 3 * limit} {
		e := application("e", 10, 600)
		e.Fields[1].Value = assay.TextValue(strings.Repeat("s", bytes))
		_, err := n.client.Score(t.Context(), "large", e)
		if status.Code(err) != codes.ResourceExhausted || !strings.Contains(err.Error(), "max-message") {
			t.Errorf("the client's error is %v, want the setting's name", err)
		}
	}
	n.stop()
	const line = "method=/assay.v1.Scoring/Score caller=local code=ResourceExhausted"
	if got := strings.Count(log.String(), line); got != 2 {
		t.Errorf("%d lines on two calls, want one each: %s", got, log.String())
	}
}
