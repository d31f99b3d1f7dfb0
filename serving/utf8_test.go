// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"context"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay/models"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestBadUTF8: the generated decoders take any bytes for a string, and records
// and replies hold none but UTF-8. What is not is refused before it has a
// number, in every method that writes a record, and the journal stays one that
// an audit and the next start can read.
func TestBadUTF8(t *testing.T) {
	t.Parallel()
	const bad = "a\xffb"
	second := bundle(t, planYAML, "second", 1)
	dir, cfg := t.TempDir(), Config{Load: func(context.Context, string) (*models.Bundle, error) { return second, nil }}
	n := start(t, dir, cfg)
	rpc, adm := pb.NewScoringClient(n.client.Conn()), pb.NewAdminClient(n.client.Conn())
	event := scoreRequest("x", application("x", 10, 600)).Event
	for name, call := range map[string]func() error{
		"Score": func() error {
			_, err := rpc.Score(t.Context(), &pb.ScoreRequest{RequestId: bad, Event: event})
			return err
		},
		"Record": func() error {
			_, err := rpc.Record(t.Context(), &pb.RecordRequest{RequestId: bad, Event: event})
			return err
		},
		"ActivateModel": func() error {
			_, err := adm.ActivateModel(t.Context(), &pb.ActivateModelRequest{RequestId: bad, Bundle: "second"})
			return err
		},
		"ActivateModel's bundle": func() error {
			_, err := adm.ActivateModel(t.Context(),
				&pb.ActivateModelRequest{RequestId: "activate", Bundle: bad, LoadOnly: true})
			return err
		},
		"SetShadow": func() error {
			_, err := adm.SetShadow(t.Context(), &pb.SetShadowRequest{RequestId: bad})
			return err
		},
		"SetPolicy": func() error {
			_, err := adm.SetPolicy(t.Context(),
				&pb.SetPolicyRequest{RequestId: bad,
					Yaml: []byte("name: p\ncutoffs: {review_from: 0.1, decline_from: 0.2}\n")})
			return err
		},
		"RecordReport": func() error {
			_, err := adm.RecordReport(t.Context(),
				&pb.RecordReportRequest{RequestId: bad, ReportDigest: bytes.Repeat([]byte{1}, 32), Rows: 1, Name: "r"})
			return err
		},
		"RecordReport's name": func() error {
			_, err := adm.RecordReport(t.Context(),
				&pb.RecordReportRequest{RequestId: "report", ReportDigest: bytes.Repeat([]byte{1}, 32), Rows: 1,
					Name: bad})
			return err
		},
		"EraseSubject": func() error {
			_, err := adm.EraseSubject(t.Context(), &pb.EraseSubjectRequest{RequestId: bad, Role: "buyer", Id: "B-1"})
			return err
		},
	} {
		if err := call(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, want INVALID_ARGUMENT", name, err)
		}
		if taken := n.journal.Stats().Taken; taken != begun {
			t.Errorf("%s: %d records", name, taken-begun)
		}
	}
	resp, err := rpc.ScoreBatch(t.Context(),
		&pb.ScoreBatchRequest{Rows: []*pb.ScoreRequest{{RequestId: bad, Event: event},
			{RequestId: "good", Event: event}}})
	if err != nil {
		t.Fatal(err)
	}
	if e := resp.Rows[0].Error; codes.Code(e.GetCode()) != codes.InvalidArgument || e.Field != "request_id" ||
		resp.Rows[1].Error != nil {
		t.Errorf("a batch with one bad row: %v", resp.Rows)
	}
	n.stop()
	again := start(t, dir, cfg)
	if l, err := pb.NewScoringClient(again.client.Conn()).ListDecisions(t.Context(), &pb.ListDecisionsRequest{}); err !=
		nil || len(l.Decisions) != 1 {
		t.Errorf("after a restart: %v, %v", l, err)
	}
}

// TestBadUTF8Answers: no answer to a request with such bytes holds them, so that
// clients whose decoders are strict can read it.
func TestBadUTF8Answers(t *testing.T) {
	t.Parallel()
	const bad = "a\xffb"
	n := start(t, t.TempDir(), Config{})
	rpc := pb.NewScoringClient(n.client.Conn())
	at := scoreRequest("r", application("e", 10, 600))
	at.Event.Fields = append(at.Event.Fields,
		&pb.Field{Name: bad, Value: &pb.Field_Time{Time: &timestamppb.Timestamp{Nanos: -1}}})
	unknown := scoreRequest("r", application("e", 10, 600))
	unknown.Event.Fields = append(unknown.Event.Fields, &pb.Field{Name: bad})
	role := scoreRequest("r", application("e", 10, 600))
	role.Event.Entities[0].Role = bad
	rows := []*pb.ScoreRequest{{RequestId: bad, Event: at.Event}, {RequestId: "r", Model: bad, Event: at.Event}, at,
		unknown, role}
	resp, err := rpc.ScoreBatch(t.Context(), &pb.ScoreBatchRequest{Rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := proto.Marshal(resp); err != nil { // it checks, unlike the generated encoder
		t.Errorf("a strict decoder cannot read the answers: %v (%d bytes)", err, len(b))
	}
	for i, r := range resp.Rows {
		if codes.Code(r.Error.GetCode()) != codes.InvalidArgument {
			t.Errorf("row %d: %v, want INVALID_ARGUMENT", i, r)
		}
		_, err := rpc.Score(t.Context(), rows[i])
		if status.Code(err) != codes.InvalidArgument || len(status.Convert(err).Details()) != 1 ||
			!utf8.ValidString(status.Convert(err).Message()) {
			t.Errorf("row %d alone: %v with details %v", i, err, status.Convert(err).Details())
		}
	}
}
