// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
	"github.com/assayrisk/assay/serving/wire"
)

// promised are the codes of the status table in the order of docs/serving.md.
var promised = []codes.Code{codes.InvalidArgument, codes.AlreadyExists, codes.NotFound, codes.Unauthenticated,
	codes.PermissionDenied,
	codes.ResourceExhausted, codes.FailedPrecondition, codes.Unavailable, codes.DeadlineExceeded,
	codes.Canceled, codes.Internal}

// seen is which code came from which method.
type seen map[string]map[codes.Code]bool

// want provokes one failure and holds it to its code and to the detail that the
// table promises with it.
func (s seen) want(t *testing.T, method string, code codes.Code, why string, call func() error) {
	t.Helper()
	err := call()
	st := status.Convert(err)
	if st.Code() != code {
		t.Errorf("%s, %s: %v, want %s", method, why, err, code)
		return
	}
	var field, retry bool
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.BadRequest:
			field = len(d.FieldViolations) > 0 && d.FieldViolations[0].Field != ""
		case *errdetails.RetryInfo:
			retry = d.RetryDelay.AsDuration() > 0
		}
	}
	if code == codes.InvalidArgument && !field {
		t.Errorf("%s, %s: %v names no field", method, why, err)
	}
	if code == codes.ResourceExhausted && why != "too large" && !retry {
		t.Errorf("%s, %s: %v does not say when to come again", method, why, err)
	}
	full := "assay.v1." + method
	if strings.HasPrefix(method, "inference.") {
		full = method
	}
	if s[full] == nil {
		s[full] = map[codes.Code]bool{}
	}
	s[full][code] = true
}

// statusConfig lets one caller do everything, and loads what it is asked for.
func statusConfig(t *testing.T) Config {
	second, other := map[string]*models.Bundle{}, bundle(t, windowPlan, "other plan", 0)
	for i := range 3 {
		second[fmt.Sprintf("second-%d", i)] = bundle(t, planYAML, fmt.Sprintf("second-%d", i), 0.5)
	}
	return Config{Auth: keys("all:score,record,read,audit,admin", "reader:read", "recorder:record"),
		MaxMessageBytes: 1 << 16,
		Load: func(_ context.Context, name string) (*models.Bundle, error) {
			if b := second[name]; b != nil {
				return b, nil
			}
			if name == "other plan" {
				return other, nil
			}
			return nil, errors.New("no such bundle")
		}}
}

func (n *node) all(key string) *calls {
	return callsOf(n.dial(assayclient.Config{APIKey: key, Attempts: 1}))
}

// TestStatuses provokes every code that the status table promises, method by
// method: each call fails for the reason itself, none is told to. docs/serving.md
// shows which method answered with which code, as it came out; its table of
// codes must have those of status.go, no more and no fewer.
func TestStatuses(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	got := seen{}
	t.Run("requests", func(t *testing.T) { got.requests(t) })
	t.Run("one message", func(t *testing.T) { got.oneMessage(t) })
	t.Run("callers", func(t *testing.T) { got.callers(t) })
	t.Run("rates", func(t *testing.T) { got.rates(t) })
	t.Run("faults", func(t *testing.T) { got.faults(t) })
	t.Run("disk", func(t *testing.T) { got.disk(t) })
	if t.Failed() {
		return
	}
	have := map[codes.Code]bool{codes.Internal: true}
	for _, row := range statusTable {
		have[row.code] = true
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "serving.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| code | when | detail |")
	table, _, _ = strings.Cut(table, "\n\n")
	var documented []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllStringSubmatch(table, -1) {
		documented = append(documented, m[1])
	}
	var names []string
	for _, c := range promised {
		names = append(names, codeName(c))
		if !have[c] {
			t.Errorf("%s is promised, and status.go never answers it", c)
		}
		delete(have, c)
	}
	if len(have) > 0 || !slices.Equal(documented, names) {
		t.Errorf("docs/serving.md promises %v, the test walks %v, and status.go has %v besides",
			documented, names, have)
	}
	between(t, "statuses", got.table())
}

// codeName is a code as protocols write it.
func codeName(c codes.Code) string {
	if c == codes.Canceled {
		return "CANCELLED"
	}
	return strings.ToUpper(regexp.MustCompile("([a-z])([A-Z])").ReplaceAllString(c.String(), "${1}_$2"))
}

func (s seen) table() string {
	var b strings.Builder
	b.WriteString("\n| method | codes that a test provoked |\n|---|---|\n")
	for _, m := range slices.Sorted(maps.Keys(s)) {
		var list []string
		for _, c := range promised {
			if s[m][c] {
				list = append(list, "`"+codeName(c)+"`")
			}
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", m, strings.Join(list, ", "))
	}
	return b.String()
}

// requests: what is wrong with the request, or with the state it meets.
func (s seen) requests(t *testing.T) {
	n := start(t, t.TempDir(), statusConfig(t))
	c, ctx := n.all("all-key"), t.Context()
	const invalid, missing, exists, state = codes.InvalidArgument, codes.NotFound, codes.AlreadyExists,
		codes.FailedPrecondition
	for method, call := range c.byID(ctx, "", 0) {
		s.want(t, method, invalid, "no request id", call)
	}
	bySequence := func(seq uint64) *pb.GetDecisionRequest {
		return &pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: seq}}
	}
	explain := func(seq uint64) *pb.ExplainRequest {
		return &pb.ExplainRequest{What: &pb.ExplainRequest_Sequence{Sequence: seq}}
	}
	for method, call := range map[string]func() error{
		"Scoring/Explain": func() error {
			_, err := c.score.Explain(ctx, &pb.ExplainRequest{})
			return err
		},
		"Scoring/GetDecision": func() error {
			_, err := c.score.GetDecision(ctx, &pb.GetDecisionRequest{})
			return err
		},
		"Scoring/ListDecisions": func() error {
			_, err := c.score.ListDecisions(ctx, &pb.ListDecisionsRequest{PageSize: -1})
			return err
		},
		"inference.GRPCInferenceService/ModelInfer": func() error {
			_, err := c.infer.ModelInfer(ctx, &v2.ModelInferRequest{})
			return err
		},
	} {
		s.want(t, method, invalid, "a request that asks for nothing", call)
	}
	for method, call := range map[string]func() error{
		"Scoring/Explain": func() error {
			_, err := c.score.Explain(ctx, explain(999))
			return err
		},
		"Scoring/GetDecision": func() error {
			_, err := c.score.GetDecision(ctx, bySequence(999))
			return err
		},
		"Scoring/GetReceipt": func() error {
			_, err := c.score.GetReceipt(ctx, &pb.GetReceiptRequest{Sequence: 999})
			return err
		},
		"Admin/EraseSubject": c.byID(ctx, "nobody", 7)["Admin/EraseSubject"],
		"inference.GRPCInferenceService/ModelInfer": func() error {
			_, err := c.infer.ModelInfer(ctx, &v2.ModelInferRequest{ModelName: "none"})
			return err
		},
		"inference.GRPCInferenceService/ModelMetadata": func() error {
			_, err := c.infer.ModelMetadata(ctx, &v2.ModelMetadataRequest{Name: "none"})
			return err
		},
		"inference.GRPCInferenceService/RepositoryModelUnload": func() error {
			_, err := c.infer.RepositoryModelUnload(ctx, &v2.RepositoryModelUnloadRequest{ModelName: "none"})
			return err
		},
	} {
		s.want(t, method, missing, "nothing there", call)
	}
	// A record of each subject, so that it can be erased below.
	for i := range 3 {
		e := application(fmt.Sprintf("subject-%d", i), 10, 600)
		e.Entities[0].ID = fmt.Sprintf("B-%d", i)
		if _, err := c.score.Score(ctx, scoreRequest(e.ID, e)); err != nil {
			t.Fatal(err)
		}
	}
	for method := range c.byID(ctx, "", 0) {
		id := "id of " + method
		if err := c.byID(ctx, id, 1)[method](); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		s.want(t, method, exists, "one id, two bodies", c.byID(ctx, id, 2)[method])
	}
	bundleOf := func(name string) *pb.ActivateModelRequest {
		return &pb.ActivateModelRequest{RequestId: "b-" + name, Bundle: name}
	}
	s.want(t, "Admin/ActivateModel", state, "a bundle that is refused", func() error {
		_, err := c.admin.ActivateModel(ctx, bundleOf("none"))
		return err
	})
	s.want(t, "Admin/SetShadow", state, "a shadow of another plan", func() error {
		_, err := c.admin.SetShadow(ctx, &pb.SetShadowRequest{RequestId: "other", Bundles: []string{"other plan"}})
		return err
	})
	s.want(t, "inference.GRPCInferenceService/RepositoryModelLoad", state, "a bundle that is refused", func() error {
		_, err := c.infer.RepositoryModelLoad(ctx, &v2.RepositoryModelLoadRequest{ModelName: "none"})
		return err
	})
	active := n.server.engine.Models().Active.Name
	s.want(t, "inference.GRPCInferenceService/RepositoryModelUnload", state, "the active model", func() error {
		_, err := c.infer.RepositoryModelUnload(ctx, &v2.RepositoryModelUnloadRequest{ModelName: active})
		return err
	})
	// second-1 decides now
	s.want(t, "Scoring/Explain", state, "the model that decided is not loaded any more", func() error {
		if _, err := c.infer.RepositoryModelUnload(ctx, &v2.RepositoryModelUnloadRequest{ModelName: "first"}); err !=
			nil {
			return err
		}
		_, err := c.score.Explain(ctx, explain(begun))
		return err
	})
	// The subject B-1 was erased above.
	for method, call := range map[string]func() error{
		"Scoring/Score": func() error {
			e := application("subject-1", 10, 600)
			e.Entities[0].ID = "B-1"
			_, err := c.score.Score(ctx, scoreRequest(e.ID, e))
			return err
		},
		"Scoring/GetDecision": func() error { _, err := c.score.GetDecision(ctx, bySequence(begun+1)); return err },
		"Scoring/GetReceipt": func() error {
			_, err := c.score.GetReceipt(ctx, &pb.GetReceiptRequest{Sequence: begun + 1})
			return err
		},
	} {
		s.want(t, method, state, "an erased subject", call)
	}
	big := strings.Repeat("x", 1<<17)
	huge := application(big, 10, 600)
	for method, call := range map[string]func() error{
		"Scoring/Score": func() error { _, err := c.score.Score(ctx, scoreRequest("big", huge)); return err },
		"Scoring/ScoreBatch": func() error {
			return c.batch(ctx, &pb.ScoreBatchRequest{Rows: []*pb.ScoreRequest{scoreRequest("big", huge)}})
		},
		"Scoring/ScoreStream": func() error { return c.stream(ctx, scoreRequest("big", huge)) },
		"Scoring/Record": func() error {
			_, err := c.score.Record(ctx, &pb.RecordRequest{RequestId: "big", Event: wire.Event(huge)})
			return err
		},
		"Scoring/RecordBatch": func() error {
			return c.recordBatch(ctx,
				&pb.RecordBatchRequest{Rows: []*pb.RecordRequest{{RequestId: "big", Event: wire.Event(huge)}}})
		},
		"Admin/SetPolicy": func() error {
			_, err := c.admin.SetPolicy(ctx, &pb.SetPolicyRequest{RequestId: big})
			return err
		},
		"inference.GRPCInferenceService/ModelInfer": func() error {
			_, err := c.infer.ModelInfer(ctx, &v2.ModelInferRequest{ModelName: big})
			return err
		},
	} {
		s.want(t, method, codes.ResourceExhausted, "too large", call)
	}
}

// callers: who may not call, and who went away.
func (s seen) callers(t *testing.T) {
	n := start(t, t.TempDir(), statusConfig(t))
	table := auth.Methods()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for full, need := range table {
		method := strings.TrimPrefix(strings.TrimPrefix(full, "/"), "assay.v1.")
		if need == auth.Public || strings.HasPrefix(method, "grpc.") {
			continue
		}
		call := func(ctx context.Context, key string) func() error {
			conn := n.dial(assayclient.Config{APIKey: key}).Conn()
			return func() error {
				if code := callEmpty(ctx, conn, full); code != codes.OK {
					return status.Error(code, "")
				}
				return nil
			}
		}
		s.want(t, method, codes.Unauthenticated, "a wrong key", call(t.Context(), "wrong"))
		who := "reader-key"
		if need&auth.Read != 0 {
			who = "recorder-key"
		}
		s.want(t, method, codes.PermissionDenied, "another role", call(t.Context(), who))
		s.want(t, method, codes.Canceled, "the caller went away", call(gone, "all-key"))
	}
}

// rates: more than a caller may ask for, or than the server takes.
func (s seen) rates(t *testing.T) {
	cfg := statusConfig(t)
	cfg.RatePerSecond, cfg.RateBurst = 0.01, 1
	n := start(t, t.TempDir(), cfg)
	c, ctx := n.all("all-key"), t.Context()
	if _, err := c.score.Score(ctx, scoreRequest("one", application("one", 10, 600))); err != nil {
		t.Fatal(err)
	}
	limited := c.limited(ctx)
	reads := map[string]func() error{
		"Scoring/GetDecision": func() error {
			_, err := c.score.GetDecision(ctx,
				&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: begun}})
			return err
		},
		"Scoring/GetReceipt": func() error {
			_, err := c.score.GetReceipt(ctx, &pb.GetReceiptRequest{Sequence: begun})
			return err
		},
		"Scoring/ListDecisions": func() error {
			_, err := c.score.ListDecisions(ctx, &pb.ListDecisionsRequest{})
			return err
		},
	}
	for _, calls := range []map[string]func() error{limited, reads} {
		for method, call := range calls {
			s.want(t, method, codes.ResourceExhausted, "over the rate", call)
		}
	}
	cfg = statusConfig(t)
	cfg.MaxInFlight = 1
	n = start(t, t.TempDir(), cfg)
	defer n.fill(1)()
	for method, call := range n.all("all-key").limited(ctx) {
		s.want(t, method, codes.ResourceExhausted, "a full server", call)
	}
}

// limited are calls of the methods whose rows are counted.
func (c *calls) limited(ctx context.Context) map[string]func() error {
	rows := c.byID(ctx, "two", 0)
	event := wire.Event(application("look", 10, 600))
	return map[string]func() error{
		"Scoring/Score": rows["Scoring/Score"], "Scoring/ScoreBatch": rows["Scoring/ScoreBatch"],
		"Scoring/ScoreStream": rows["Scoring/ScoreStream"], "Scoring/Record": rows["Scoring/Record"],
		"Scoring/RecordBatch": rows["Scoring/RecordBatch"],
		"Scoring/Explain": func() error {
			_, err := c.score.Explain(ctx, &pb.ExplainRequest{What: &pb.ExplainRequest_Event{Event: event}})
			return err
		},
		"inference.GRPCInferenceService/ModelInfer": func() error {
			_, err := c.infer.ModelInfer(ctx,
				&v2.ModelInferRequest{Inputs: []*v2.ModelInferRequest_InferInputTensor{
					{Name: "amount", Datatype: "FP64", Shape: []int64{1},
						Contents: &v2.InferTensorContents{Fp64Contents: []float64{1}}}}})
			return err
		},
	}
}

// faults: scoring that fails, an unpublished record, deadlines, and draining.
func (s seen) faults(t *testing.T) {
	cfg := statusConfig(t)
	n := start(t, t.TempDir(), cfg)
	c, ctx := n.all("all-key"), t.Context()
	mend := n.failScoring()
	for _, method := range []string{"Scoring/Score", "Scoring/ScoreBatch", "Scoring/ScoreStream"} {
		s.want(t, method, codes.Internal, "scoring that fails", c.byID(ctx, method, 0)[method])
	}
	mend()
	// The id is held by a request under way: the others wait for it.
	release := n.server.engine.HoldSequencing()
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := c.score.Score(ctx, scoreRequest("held", application("held", 10, 600))); err != nil {
			t.Error(err)
		}
	})
	for n.server.engine.InFlight() == 0 {
		time.Sleep(time.Millisecond)
	}
	for _, method := range []string{"Scoring/Score", "Scoring/Record"} {
		s.want(t, method, codes.DeadlineExceeded, "an id that is under way", func() error {
			short, cancel := context.WithTimeout(ctx, time.Second) // long enough for a busy machine to begin the call
			defer cancel()
			return c.byID(short, "held", 0)[method]()
		})
	}
	s.want(t, "Scoring/WatchCheckpoints", codes.DeadlineExceeded, "no other checkpoint", func() error {
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		return c.watch(short)
	})
	// The server itself has to have ended them, not the client alone: it sees the
	// deadline, or that the client has left at it, whichever comes first.
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		w := httptest.NewRecorder()
		n.server.Ops().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		missing := ""
		for _, m := range []string{"Score", "Record", "WatchCheckpoints"} {
			if !regexp.MustCompile(
				`grpc_server_handled_total\{grpc_code="(?:DeadlineExceeded|Canceled)",grpc_method="` + m +
					`"[^}]*\} [1-9]`).Match(w.Body.Bytes()) {
				missing = m
			}
		}
		if missing == "" {
			break
		}
		if time.Now().After(end) {
			t.Errorf("the server did not end %s at its deadline", missing)
			break
		}
	}
	release()
	first.Wait()
	s.want(t, "Scoring/GetReceipt", codes.FailedPrecondition, "not published yet", func() error {
		for i := range 200 { // between a record and its publication there are 50 ms
			m, err := c.score.Record(ctx,
				&pb.RecordRequest{RequestId: fmt.Sprintf("fresh %d", i),
					Event: wire.Event(application("fresh", 10, 600))})
			if err != nil {
				return err
			}
			if _, err := c.score.GetReceipt(ctx, &pb.GetReceiptRequest{Sequence: m.Sequence}); err != nil {
				return err
			}
		}
		return nil
	})
	conn := n.dial(assayclient.Config{APIKey: "all-key"}).Conn()
	n.server.draining.Store(true) // what a drain begins with, while connections stand
	for full, need := range auth.Methods() {
		method := strings.TrimPrefix(strings.TrimPrefix(full, "/"), "assay.v1.")
		if need == auth.Public || strings.HasPrefix(method, "grpc.") {
			continue
		}
		s.want(t, method, codes.Unavailable, "draining", func() error {
			return status.Error(callEmpty(ctx, conn, full), "")
		})
	}
}

// disk: nothing can be made durable any more.
func (s seen) disk(t *testing.T) {
	var broken atomic.Bool
	inject := errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFileSync, errorfs.OpFileSyncData,
			errorfs.OpCreate, errorfs.OpRename:
			if broken.Load() {
				return syscall.ENOSPC
			}
		}
		return nil
	})
	n := startOn(t, t.TempDir(), errorfs.Wrap(vfs.NewCrashableMem(), inject), statusConfig(t), true)
	c, ctx := n.all("all-key"), t.Context()
	if _, err := c.score.Score(ctx, scoreRequest("known", application("known", 10, 600))); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	_, _ = c.score.Score(ctx, scoreRequest("finds out", application("finds out", 10, 600)))
	for method, call := range c.byID(ctx, "broken", 1) {
		s.want(t, method, codes.Unavailable, "a full disk", call)
	}
}
