// SPDX-License-Identifier: Apache-2.0

package assayclient

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/wire"
)

// liar is a server that answers as a test tells it, which the real one, tested in
// package serving, would not.
type liar struct {
	pb.UnimplementedScoringServer
	score   func(n int, req *pb.ScoreRequest) (*pb.ScoreResponse, error)
	receipt string
	calls   int
}

func (l *liar) Score(_ context.Context, req *pb.ScoreRequest) (*pb.ScoreResponse, error) {
	l.calls++
	return l.score(l.calls, req)
}

func (l *liar) GetReceipt(context.Context, *pb.GetReceiptRequest) (*pb.GetReceiptResponse, error) {
	l.calls++
	return &pb.GetReceiptResponse{ReceiptJson: []byte(l.receipt)}, nil
}

func dial(t *testing.T, l *liar, cfg Config) *Client {
	t.Helper()
	conn := bufconn.Listen(1 << 16)
	s := grpc.NewServer()
	pb.RegisterScoringServer(s, l)
	go s.Serve(conn)
	t.Cleanup(s.Stop)
	cfg.DialOptions = []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return conn.DialContext(ctx)
	})}
	c, err := Dial("passthrough:///liar", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

var event = assay.Event{ID: "e", Kind: "application", Time: time.Unix(1, 0)}

// TestRetry: after UNAVAILABLE and RESOURCE_EXHAUSTED the client tries again, when
// the server asks it to; after other codes it does not.
func TestRetry(t *testing.T) {
	busy, err := status.New(codes.ResourceExhausted,
		"busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(50 * time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{score: func(n int, req *pb.ScoreRequest) (*pb.ScoreResponse, error) {
		if req.RequestId != "r" {
			t.Errorf("attempt %d has the request id %q", n, req.RequestId)
		}
		switch n {
		case 1:
			return nil, status.Error(codes.Unavailable, "drains")
		case 2:
			return nil, busy.Err()
		}
		return nil, status.Error(codes.InvalidArgument, "no")
	}}
	start := time.Now()
	if _, err := dial(t, l, Config{}).Score(t.Context(), "r", &event); status.Code(err) != codes.InvalidArgument ||
		l.calls != 3 {
		t.Errorf("%v after %d calls, want INVALID_ARGUMENT after 3", err, l.calls)
	}
	if d := time.Since(start); d < 50*time.Millisecond {
		t.Errorf("came again after %v, the server asked for 50 ms", d)
	}
	l = &liar{score: func(int, *pb.ScoreRequest) (*pb.ScoreResponse, error) {
		return nil, status.Error(codes.Unavailable, "gone")
	}}
	if _, err := dial(t, l, Config{Attempts: 3}).Score(t.Context(), "r", &event); status.Code(err) !=
		codes.Unavailable || l.calls != 3 {
		t.Errorf("%v after %d calls, want UNAVAILABLE after 3", err, l.calls)
	}
}

// TestBadProof: a reply that does not agree with its proof is an error, and the
// client does not ask again.
func TestBadProof(t *testing.T) {
	t.Parallel()
	d := assay.Decision{Version: 1, RequestID: "r", EventID: "e", Outcome: assay.Approve, Score: assay.Score{PD: 0.5}}
	other := make([]byte, 32)
	other[0] = 1
	for name, c := range map[string]struct {
		change func(*pb.ScoreResponse)
		says   string
	}{
		"no decision": {func(m *pb.ScoreResponse) { m.Decision = nil }, "decision"},
		"flipped bit": {func(m *pb.ScoreResponse) { m.Decision[len(m.Decision)-1] ^= 1 }, ""},
		"another request": {func(m *pb.ScoreResponse) {
			e := d
			e.RequestID = "s"
			m.Decision = e.AppendBinary(nil)
		}, "another request"},
		"another id":      {func(m *pb.ScoreResponse) { m.RequestId = "s" }, "request_id"},
		"another PD":      {func(m *pb.ScoreResponse) { m.Pd = 0.25 }, "pd"},
		"another margin":  {func(m *pb.ScoreResponse) { m.Margin = 1 }, "margin"},
		"other points":    {func(m *pb.ScoreResponse) { m.Points = 1 }, "points"},
		"another grade":   {func(m *pb.ScoreResponse) { m.Grade = "A" }, "grade"},
		"another outcome": {func(m *pb.ScoreResponse) { m.Outcome = pb.Outcome_OUTCOME_DECLINE }, "outcome"},
		"another number":  {func(m *pb.ScoreResponse) { m.Sequence = 1 }, "sequence"},
		"another model":   {func(m *pb.ScoreResponse) { m.ModelDigest = other }, "model_digest"},
		"another plan":    {func(m *pb.ScoreResponse) { m.PlanDigest = other }, "plan_digest"},
		"another policy":  {func(m *pb.ScoreResponse) { m.PolicyDigest = other }, "policy_digest"},
		"another vector":  {func(m *pb.ScoreResponse) { m.VectorDigest = other }, "vector_digest"},
		"a rule":          {func(m *pb.ScoreResponse) { m.Rules = []string{"x"} }, "rules"},
		"a reason":        {func(m *pb.ScoreResponse) { m.Reasons = []*pb.Reason{{Code: "x"}} }, "reasons"},
		"another time":    {func(m *pb.ScoreResponse) { m.Decided.Seconds++ }, "decided"},
		"no promise":      {func(*pb.ScoreResponse) {}, "promise"},
	} {
		l := &liar{score: func(int, *pb.ScoreRequest) (*pb.ScoreResponse, error) {
			m := new(pb.ScoreResponse)
			wire.FillDecision(m, &d, d.AppendBinary(nil))
			c.change(m)
			return m, nil
		}}
		if _, err := dial(t, l, Config{}).Score(t.Context(), "r", &event); !errors.Is(err, ErrBadProof) ||
			l.calls != 1 || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v after %d calls, want ErrBadProof that says %q after 1", name, err, l.calls, c.says)
		}
	}
}

// TestBadReceipt: receipts are verified as they arrive. The cases are the format's
// test vectors, honest ones and forged ones.
func TestBadReceipt(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/formats/testdata/receipts.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name    string `json:"name"`
		LogKey  string `json:"log_key"`
		File    string `json:"file"`
		Refused string `json:"refused"` // the step that must refuse it
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	held, refused := 0, 0
	for _, c := range cases {
		var r assay.Receipt
		whole := json.Unmarshal([]byte(c.File), &r) == nil
		l := &liar{receipt: c.File}
		client := dial(t, l, Config{LogKey: c.LogKey})
		_, err := client.Receipt(t.Context(), r.Index)
		switch ok := c.Refused == "" && c.Name != "promise alone"; {
		case ok != (err == nil):
			t.Errorf("%s: %v, want accepted %t", c.Name, err, ok)
		case ok:
			held++
			if _, err := client.Receipt(t.Context(), r.Index+1); !errors.Is(err, ErrBadProof) {
				t.Errorf("%s as that of another record: %v", c.Name, err)
			}
		case !errors.Is(err, ErrBadProof) || l.calls != 1:
			t.Errorf("%s: %v after %d calls, want ErrBadProof after 1", c.Name, err, l.calls)
		default:
			refused++
			if whole && c.Refused != "" && !strings.Contains(err.Error(), c.Refused) {
				t.Errorf("%s: %v, want the step %s named", c.Name, err, c.Refused)
			}
		}
	}
	if held < 10 || refused < 100 {
		t.Errorf("%d receipts held and %d refused of %d", held, refused, len(cases))
	}
}

func TestCredentialsStayOffPlainText(t *testing.T) {
	t.Parallel()
	for target, ok := range map[string]bool{"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "unix:/x": true,
		"dns:///127.0.0.1:1": true,
		"example.org:1":      false, "192.0.2.1:1": false, "dns:///example.org:1": false,
		"localhost.example.org:1": false} {
		if _, err := Dial(target, Config{APIKey: "k"}); (err == nil) != ok {
			t.Errorf("%s: %v, want accepted %v", target, err, ok)
		}
		if _, err := Dial(target, Config{APIKey: "k", TLS: &tls.Config{}}); err != nil {
			t.Errorf("%s with TLS: %v", target, err)
		}
		if _, err := Dial(target, Config{}); err != nil {
			t.Errorf("%s without a credential: %v", target, err)
		}
	}
}
