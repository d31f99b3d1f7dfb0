// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/wire"
)

// TestRefusalsAreLogged: a refused call leaves one line with caller, method,
// code and field, and nothing that the caller made up; an admin's act names who.
func TestRefusalsAreLogged(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	n := start(t, t.TempDir(),
		Config{Auth: keys("ann:score", "adm:admin"), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ann := n.dial(assayclient.Config{APIKey: "ann-key"})
	bad := application("e", -1, 600)
	unknown := application("e", 1, 600)
	unknown.Fields[0].Name = "zaphod-beeblebrox"
	for i, c := range []struct {
		call func() error
		line string
	}{
		{func() error {
			_, err := ann.Score(t.Context(), "r", bad)
			return err
		}, "method=/assay.v1.Scoring/Score caller=ann code=InvalidArgument field=amount"},
		{func() error {
			_, err := ann.Score(t.Context(), "r", unknown)
			return err
		}, `method=/assay.v1.Scoring/Score caller=ann code=InvalidArgument field="(a name that the plan does not know)"`},
		{func() error {
			_, err := n.dial(assayclient.Config{APIKey: "zaphod"}).Score(t.Context(), "r", bad)
			return err
		},
			`method=/assay.v1.Scoring/Score caller="" code=Unauthenticated`},
		{func() error {
			_, err := n.as("ann").GetStatus(t.Context(), &pb.GetStatusRequest{})
			return err
		}, "method=/assay.v1.Admin/GetStatus caller=ann code=PermissionDenied"},
		{func() error {
			_, err := n.as("adm").SetPolicy(t.Context(), &pb.SetPolicyRequest{RequestId: "p"})
			return err
		}, "method=/assay.v1.Admin/SetPolicy caller=adm code=InvalidArgument field=yaml"},
	} {
		if err := c.call(); err == nil {
			t.Fatalf("call %d was not refused", i)
		}
		if !strings.Contains(log.String(), `msg="a call was refused" `+c.line+"\n") {
			t.Errorf("no line %q in\n%s", c.line, log.String())
		}
	}
	if strings.Contains(log.String(), "zaphod") {
		t.Error("the log repeats what a caller made up")
	}
	if _, err := n.as("adm").SetPolicy(t.Context(), &pb.SetPolicyRequest{RequestId: "q", Yaml: []byte(strict)}); err !=
		nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "msg=admin act=policy by=adm") {
		t.Errorf("the act does not name who:\n%s", log.String())
	}
}

// TestRefusalsAreBounded: however many calls are refused, few lines a second
// tell of them, and the next line says how many were not logged.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	now := start2026
	r := newRefusalLog(slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now })
	for range 1000 {
		r.logCall("m", "c", "InvalidArgument", "f")
	}
	if n := strings.Count(log.String(), "\n"); n != refusalsAtOnce {
		t.Errorf("%d lines of 1000 refusals, want %d", n, refusalsAtOnce)
	}
	log.Reset()
	now = now.Add(time.Second)
	for range 100 {
		r.logCall("m", "c", "InvalidArgument", "f")
	}
	if n := strings.Count(log.String(), "\n"); n != refusalsPerSecond ||
		!strings.Contains(log.String(), "not_logged_before=950") {
		t.Errorf("%d lines a second later, want %d: %s", n, refusalsPerSecond, log.String())
	}
}

// TestRefusedRowsAreLogged: rows that are refused in a batch, or in a stream, that
// is answered leave one line: how many, by code and field, and no value.
func TestRefusedRowsAreLogged(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	n := start(t, t.TempDir(), Config{Auth: keys("ann:score,record"), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	rpc := pb.NewScoringClient(n.dial(assayclient.Config{APIKey: "ann-key"}).Conn())
	events := map[string]*assay.Event{"good": application("good", 10, 600)}
	for _, id := range []string{"bad-1", "bad-2"} {
		events[id] = application(id, -1, 600)
	}
	odd := application("odd", 10, 600)
	odd.Fields[0].Name = "zaphod-beeblebrox"
	events["odd"] = odd
	var score []*pb.ScoreRequest
	var record []*pb.RecordRequest
	for _, id := range []string{"good", "bad-1", "bad-2", "odd"} {
		ev := events[id]
		score = append(score, &pb.ScoreRequest{RequestId: id, Event: wire.Event(ev)})
		record = append(record, &pb.RecordRequest{RequestId: "r-" + id, Event: wire.Event(ev)})
	}
	why := `caller=ann rows=4 refused=3 why="2 InvalidArgument amount, 1 InvalidArgument (a name that the plan does not know)"` + "\n"
	scored, err := rpc.ScoreBatch(t.Context(), &pb.ScoreBatchRequest{Rows: score})
	if err != nil || scored.Rows[0].Error != nil {
		t.Fatal(scored, err)
	}
	if _, err := rpc.RecordBatch(t.Context(), &pb.RecordBatchRequest{Rows: record}); err != nil {
		t.Fatal(err)
	}
	if _, err := rpc.ScoreBatch(t.Context(),
		&pb.ScoreBatchRequest{Arrow: &pb.ArrowBatch{RequestId: "a", Time: timestamppb.New(start2026),
			Ipc: ipcOf(t, amounts(t, -1, 10))}}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"method=/assay.v1.Scoring/ScoreBatch " + why,
		"method=/assay.v1.Scoring/RecordBatch " + why,
		`method=/assay.v1.Scoring/ScoreBatch caller=ann rows=2 refused=1 why="1 InvalidArgument amount"` + "\n"} {
		if !strings.Contains(log.String(), `msg="rows were refused" `+line) {
			t.Errorf("no line %q in\n%s", line, log.String())
		}
	}
	if got := strings.Count(log.String(), "rows were refused"); got != 3 || strings.Contains(log.String(), "zaphod") {
		t.Errorf("%d lines, want one a batch and nothing that a caller made up:\n%s", got, log.String())
	}
	log.Reset()
	stream, err := rpc.ScoreStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(score[1]); err != nil {
		t.Fatal(err)
	}
	if m, err := stream.Recv(); err != nil || m.Error == nil {
		t.Fatal(m, err)
	}
	if line := `method=/assay.v1.Scoring/ScoreStream caller=ann rows=1 refused=1 why="1 InvalidArgument amount"`; !strings.Contains(log.String(), line) {
		t.Errorf("no line %q in\n%s", line, log.String())
	}
}

// TestRefusedStrangersAreLogged: a stranger that finds no slot leaves a line, and
// however many there are, a known caller's refusal is still said.
func TestRefusedStrangersAreLogged(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	n := start(t, t.TempDir(), Config{Auth: keys("ann:score"), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	health := healthpb.NewHealthClient(n.client.Conn())
	for i := range strangerStreamsPerConnection + 1 {
		w, err := health.Watch(t.Context(), &healthpb.HealthCheckRequest{})
		if err == nil {
			_, err = w.Recv()
		}
		if last := i == strangerStreamsPerConnection; last != (status.Code(err) == codes.Unavailable) {
			t.Fatalf("watch %d: %v", i, err)
		}
	}
	if line := `msg="a call was refused" method=/grpc.health.v1.Health/Watch caller="" code=Unavailable` +
		"\n"; strings.Count(log.String(), line) != 1 {
		t.Errorf("not one line %q in\n%s", line, log.String())
	}
	for range 2 * refusalsAtOnce {
		n.server.refusals.logCall("m", "", "Unavailable", "")
	}
	log.Reset()
	n.server.refusals.logCall("m", "ann", "InvalidArgument", "")
	if !strings.Contains(log.String(), "caller=ann") {
		t.Error("strangers have used up the lines about callers that are known")
	}
}

// TestListRefuses: a role or range that nothing can match is an error, not an
// empty list.
func TestListRefuses(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	rpc := pb.NewScoringClient(n.client.Conn())
	at := timestamppb.New(start2026)
	for name, c := range map[string]struct {
		req   *pb.ListDecisionsRequest
		words string
	}{
		"role": {&pb.ListDecisionsRequest{Entity: &pb.Entity{Role: "byuer", Id: "B-1"}},
			`the roles are buyer; did you mean "buyer"?`},
		"another case": {&pb.ListDecisionsRequest{Entity: &pb.Entity{Role: "Buyer", Id: "B-1"}},
			`did you mean "buyer"?`},
		"no id":         {&pb.ListDecisionsRequest{Entity: &pb.Entity{Role: "buyer"}}, "entity.id"},
		"no role":       {&pb.ListDecisionsRequest{Entity: &pb.Entity{Id: "B-1"}}, "entity.role"},
		"range":         {&pb.ListDecisionsRequest{From: at, To: timestamppb.New(start2026.Add(-time.Hour))}, "from"},
		"empty range":   {&pb.ListDecisionsRequest{From: at, To: at}, "from"},
		"no such value": {&pb.ListDecisionsRequest{Outcome: 77}, "outcome"},
	} {
		if _, err := rpc.ListDecisions(t.Context(), c.req); status.Code(err) != codes.InvalidArgument ||
			!has(err, c.words) {
			t.Errorf("%s: %v, want %q", name, err, c.words)
		}
	}
	for _, req := range []*pb.ListDecisionsRequest{{}, {Entity: &pb.Entity{Role: "buyer", Id: "nobody"}},
		{From: at}, {To: at}} {
		if _, err := rpc.ListDecisions(t.Context(), req); err != nil {
			t.Error(err)
		}
	}
}
