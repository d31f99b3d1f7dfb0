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

// planted are values that a request carries and that must stand nowhere but in
// the sealed part of its record.
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

// TestNothingPersonalLeaks plants values in requests that succeed and that fail
// in every way, and looks for them in the log, the errors, the metrics, the
// traces and the public parts of the journal.
func TestNothingPersonalLeaks(t *testing.T) {
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
	rpc, adm := pb.NewScoringClient(client.Conn()), pb.NewAdminClient(client.Conn())
	var told strings.Builder
	note := func(err error) {
		if err == nil {
			return
		}
		st := status.Convert(err)
		fmt.Fprintln(&told, st.Message(), st.Details())
	}
	planted := func(amount float64) *assay.Event {
		e := application(plantedID, amount, 600)
		e.Entities[0].ID = plantedID
		e.Fields[1].Value = assay.TextValue(plantedText)
		return e
	}
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
		e := planted(10)
		change(e)
		mend := func() {}
		if i == 1 {
			mend = n.failScoring()
		}
		req := &pb.ScoreRequest{RequestId: fmt.Sprintf("r%d", i), Event: wire.Event(e)}
		_, err := rpc.Score(t.Context(), req)
		note(err)
		if i == 0 {
			req.Event.Fields[0].Value = &pb.Field_Number{Number: 11}
			_, err = rpc.Score(t.Context(), req) // another body
			note(err)
		}
		b, err := rpc.ScoreBatch(t.Context(),
			&pb.ScoreBatchRequest{Rows: []*pb.ScoreRequest{{RequestId: fmt.Sprintf("b%d", i), Event: req.Event}}})
		note(err)
		if err == nil && b.Rows[0].Error != nil {
			fmt.Fprintln(&told, b.Rows[0].Error)
		}
		_, err = rpc.Record(t.Context(), &pb.RecordRequest{RequestId: fmt.Sprintf("f%d", i), Event: req.Event})
		note(err)
		row := assayclient.Request{ID: fmt.Sprintf("s%d", i), Event: e}
		sent := false
		note(client.ScoreStream(t.Context(), func() (assayclient.Request, error) {
			if sent {
				return row, io.EOF
			}
			sent = true
			return row, nil
		}, func(_ string, r assayclient.Row) error { note(r.Err); return nil }))
		_, err = rpc.Explain(t.Context(), &pb.ExplainRequest{What: &pb.ExplainRequest_Event{Event: req.Event}})
		note(err)
		mend()
	}
	// Reads and acts that name the person, and credentials that are refused.
	person := &pb.Entity{Role: "buyer", Id: plantedID}
	_, err := rpc.ListDecisions(t.Context(), &pb.ListDecisionsRequest{Entity: person})
	note(err)
	_, err = rpc.ListDecisions(t.Context(), &pb.ListDecisionsRequest{Entity: person, PageToken: plantedText})
	note(err)
	_, err = rpc.GetDecision(t.Context(),
		&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_RequestId{RequestId: plantedID}})
	note(err)
	_, err = rpc.ScoreBatch(t.Context(),
		&pb.ScoreBatchRequest{Arrow: &pb.ArrowBatch{RequestId: "arrow", Ipc: []byte(plantedText)}})
	note(err)
	for i := range 2 { // the second finds nobody
		_, err = adm.EraseSubject(t.Context(),
			&pb.EraseSubjectRequest{RequestId: fmt.Sprintf("e%d", i), Role: person.Role, Id: person.Id})
		note(err)
	}
	_, err = rpc.Score(t.Context(), &pb.ScoreRequest{RequestId: "erased", Event: wire.Event(planted(10))})
	note(err)
	for _, header := range []string{"x-api-key", "authorization"} {
		for _, value := range []string{plantedKey, "Bearer " + plantedKey, "Bearer PLANTED.PLANTED.PLANTED",
			"Bearer " + issuer.Token(t, map[string]any{"iss": issuer.URL, "aud": "assay", "sub": plantedID,
				"roles": []string{plantedText}, "exp": 1})} {
			ctx := metadata.AppendToOutgoingContext(t.Context(), header, value)
			_, err = pb.NewScoringClient(n.dial(assayclient.Config{}).Conn()).Score(ctx, &pb.ScoreRequest{})
			if err == nil {
				t.Errorf("%s: %s was let in", header, value)
			}
			note(err)
		}
	}
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
	if told.Len() == 0 || log.String() == "" || leaves.Len() == 0 {
		t.Fatal("nothing to look at")
	}
	traces := fmt.Sprintf("%+v", spans.GetSpans())
	if !strings.Contains(traces, "assay.v1.Scoring/Score") || !strings.Contains(traces, "journal") {
		t.Errorf("the traces show no decision: %s", traces)
	}
	n.stop()
	var files strings.Builder // what lies on the disk is sealed as well
	err = filepath.WalkDir(n.dir, func(path string, d fs.DirEntry, err error) error {
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
	for where, text := range map[string]string{"traces": traces, "errors": told.String(), "log": log.String(),
		"metrics": string(metrics), "leaves": leaves.String(), "files": files.String()} {
		for _, p := range []string{"PLANTED", "313372718", "3.13372718"} {
			if i := strings.Index(text, p); i >= 0 {
				t.Errorf("the %s hold %s: ...%s...", where, p, text[max(0, i-80):min(len(text), i+80)])
			}
		}
	}
}
