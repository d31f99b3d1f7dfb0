// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/auth/authtest"
	"github.com/assayrisk/assay/serving/wire"
)

// Planted values: requests carry them, and they may be nowhere but in the sealed
// part of a record.
const (
	plantedID     = "PLANTED-PERSON-4711"
	plantedText   = "PLANTED-SECTOR"
	plantedNumber = 313372718281.25 // more digits than a time has, which would show them by chance
	plantedKey    = "PLANTED-API-KEY"
)

// lockedBuffer is a log that may be written from many goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lockedBuffer) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// leakTest sends requests with planted values and collects the errors that callers
// get.
type leakTest struct {
	*node
	client *assayclient.Client
	rpc    pb.ScoringClient
	admin  pb.AdminClient
	issuer *authtest.Issuer
	told   strings.Builder // the errors
}

// note keeps an error.
func (l *leakTest) note(err error) {
	if err == nil {
		return
	}
	st := status.Convert(err)
	fmt.Fprintln(&l.told, st.Message(), st.Details())
}

// plantedEvent is an event with planted values.
func plantedEvent() *assay.Event {
	e := application(plantedID, 10, 600)
	e.Entities[0].ID = plantedID
	e.Fields[1].Value = assay.TextValue(plantedText)
	return e
}

// TestNothingPersonalLeaks plants values in requests that succeed and that fail
// in every way, and looks for them in the log, the errors, the metrics, the
// traces and the public parts of the journal.
func TestNothingPersonalLeaks(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	issuer := authtest.NewIssuer(t)
	auths := keys("a:score,record,read,audit,admin")
	auths.Issuers = []auth.Issuer{{URL: issuer.URL, Audience: "assay"}}
	failing := "name: x\ncutoffs: {review_from: 0.1, decline_from: 0.2}\nrules:\n  - {name: div, when: '1 / " +
		"(event.amount > 31000.0 ? 0 : 1) == 1', outcome: review}\n"
	spans := tracetest.NewInMemoryExporter()
	n := start(t, t.TempDir(), Config{Policy: []byte(failing), Traces: trace.NewTracerProvider(trace.WithSyncer(spans)),
		Auth: auths, Logger: logger})
	client := n.dial(assayclient.Config{APIKey: "a-key", Attempts: 1})
	l := &leakTest{node: n, client: client, rpc: pb.NewScoringClient(client.Conn()),
		admin: pb.NewAdminClient(client.Conn()), issuer: issuer}
	l.sendEvents()
	l.namePerson()
	l.tryCredentials()

	ops := httptest.NewRecorder()
	n.server.Ops().ServeHTTP(ops, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	metrics, err := io.ReadAll(ops.Result().Body)
	if err != nil || !bytes.Contains(metrics, []byte(`assay_decisions_total{outcome="failed"} 3`)) {
		t.Errorf("metrics: %v; want three failed decisions counted: of a call, a batch and a stream", err)
	}
	var leaves bytes.Buffer
	for seq := range n.journal.Stats().Durable {
		leaf, err := n.journal.Leaf(seq)
		if err != nil {
			t.Fatal(err)
		}
		leaves.Write(leaf)
	}
	if l.told.Len() == 0 || log.String() == "" || leaves.Len() == 0 {
		t.Fatal("nothing to look at")
	}
	traces := fmt.Sprintf("%+v", spans.GetSpans())
	if !strings.Contains(traces, "assay.v1.Scoring/Score") || !strings.Contains(traces, "journal") {
		t.Errorf("the traces show no decision: %s", traces)
	}
	n.stop()
	for where, text := range map[string]string{"traces": traces, "errors": l.told.String(), "log": log.String(),
		"metrics": string(metrics), "leaves": leaves.String(), "files": filesBelow(t, n.dir)} {
		for _, p := range []string{"PLANTED", "313372718", "3.13372718"} {
			if i := strings.Index(text, p); i >= 0 {
				t.Errorf("the %s hold %s: ...%s...", where, p, text[max(0, i-80):min(len(text), i+80)])
			}
		}
	}
}

// filesBelow is the content of all files below a directory.
func filesBelow(t *testing.T, dir string) string {
	t.Helper()
	var files strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files.Write(b)
		return err
	})
	if err != nil || files.Len() == 0 {
		t.Fatalf("the server's directory: %v, %d bytes", err, files.Len())
	}
	return files.String()
}

// sendEvents sends planted events, good ones and bad ones, by every method that
// takes events.
func (l *leakTest) sendEvents() {
	l.t.Helper()
	ctx := l.t.Context()
	for i, change := range []func(*assay.Event){
		func(*assay.Event) {},
		func(e *assay.Event) { e.Fields[0].Value = assay.NumberValue(plantedNumber) }, // scoring fails
		func(e *assay.Event) { e.Fields[0].Value = assay.NumberValue(-plantedNumber) },
		func(e *assay.Event) { e.Fields[0].Value = assay.TextValue(plantedText) },
		func(e *assay.Event) { e.Fields[1].Value = assay.TextValue(plantedText + strings.Repeat("x", 5000)) },
		func(e *assay.Event) { e.Fields[1].Value = assay.TextValue(plantedText + "\xff") },
		func(e *assay.Event) { e.Fields = append(e.Fields, e.Fields[1]) },
		func(e *assay.Event) { e.Entities = append(e.Entities, e.Entities[0]) },
		func(e *assay.Event) { e.Entities[0].ID += strings.Repeat("x", 300) },
		func(e *assay.Event) { e.Time = e.Time.AddDate(100, 0, 0) },
	} {
		e := plantedEvent()
		change(e)
		mend := func() {}
		if i == 1 {
			mend = l.failScoring()
		}
		req := &pb.ScoreRequest{RequestId: fmt.Sprintf("r%d", i), Event: wire.Event(e)}
		_, err := l.rpc.Score(ctx, req)
		l.note(err)
		if i == 0 {
			req.Event.Fields[0].Value = &pb.Field_Number{Number: 11}
			_, err = l.rpc.Score(ctx, req) // another body
			l.note(err)
		}
		b, err := l.rpc.ScoreBatch(ctx,
			&pb.ScoreBatchRequest{Rows: []*pb.ScoreRequest{{RequestId: fmt.Sprintf("b%d", i), Event: req.Event}}})
		l.note(err)
		if err == nil && b.Rows[0].Error != nil {
			fmt.Fprintln(&l.told, b.Rows[0].Error)
		}
		_, err = l.rpc.Record(ctx, &pb.RecordRequest{RequestId: fmt.Sprintf("f%d", i), Event: req.Event})
		l.note(err)
		row := assayclient.Request{ID: fmt.Sprintf("s%d", i), Event: e}
		sent := false
		l.note(l.client.ScoreStream(ctx, func() (assayclient.Request, error) {
			if sent {
				return row, io.EOF
			}
			sent = true
			return row, nil
		}, func(_ string, r assayclient.Row) error { l.note(r.Err); return nil }))
		_, err = l.rpc.Explain(ctx, &pb.ExplainRequest{What: &pb.ExplainRequest_Event{Event: req.Event}})
		l.note(err)
		mend()
	}
}

// namePerson makes reads and acts that name the person.
func (l *leakTest) namePerson() {
	l.t.Helper()
	ctx := l.t.Context()
	person := &pb.Entity{Role: "buyer", Id: plantedID}
	_, err := l.rpc.ListDecisions(ctx, &pb.ListDecisionsRequest{Entity: person})
	l.note(err)
	_, err = l.rpc.ListDecisions(ctx, &pb.ListDecisionsRequest{Entity: person, PageToken: plantedText})
	l.note(err)
	_, err = l.rpc.GetDecision(ctx,
		&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_RequestId{RequestId: plantedID}})
	l.note(err)
	_, err = l.rpc.ScoreBatch(ctx,
		&pb.ScoreBatchRequest{Arrow: &pb.ArrowBatch{RequestId: "arrow", Ipc: []byte(plantedText)}})
	l.note(err)
	for i := range 2 { // the second finds nobody
		_, err = l.admin.EraseSubject(ctx,
			&pb.EraseSubjectRequest{RequestId: fmt.Sprintf("e%d", i), Role: person.Role, Id: person.Id})
		l.note(err)
	}
	_, err = l.rpc.Score(ctx, &pb.ScoreRequest{RequestId: "erased", Event: wire.Event(plantedEvent())})
	l.note(err)
}

// tryCredentials makes calls with credentials that are refused.
func (l *leakTest) tryCredentials() {
	l.t.Helper()
	for _, header := range []string{"x-api-key", "authorization"} {
		for _, value := range []string{plantedKey, "Bearer " + plantedKey, "Bearer PLANTED.PLANTED.PLANTED",
			"Bearer " + l.issuer.Token(l.t, map[string]any{"iss": l.issuer.URL, "aud": "assay", "sub": plantedID,
				"roles": []string{plantedText}, "exp": 1})} {
			ctx := metadata.AppendToOutgoingContext(l.t.Context(), header, value)
			_, err := pb.NewScoringClient(l.dial(assayclient.Config{}).Conn()).Score(ctx, &pb.ScoreRequest{})
			if err == nil {
				l.t.Errorf("%s: %s was accepted", header, value)
			}
			l.note(err)
		}
	}
}
