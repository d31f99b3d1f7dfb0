// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// ReadEvent fills e from a message, and reuses its slices. The event is not yet
// validated, but a time that protobuf does not allow is refused here, since
// assay.Event cannot represent it.
func ReadEvent(e *assay.Event, m *pb.Event) error {
	e.Entities, e.Fields = e.Entities[:0], e.Fields[:0]
	if m == nil {
		return &assay.FieldError{Field: "event", Problem: "must be set"}
	}
	if len(m.Fields) > assay.MaxFields || len(m.Entities) > assay.MaxEntities {
		return errTooManyParts()
	}
	e.ID, e.Kind = m.Id, m.Kind
	at, err := ReadTime("time", m.Time)
	if err != nil {
		return err
	}
	e.Time = at
	for _, x := range m.Entities {
		if x == nil {
			return &assay.FieldError{Field: "entities", Problem: "has an empty entry"}
		}
		e.Entities = append(e.Entities, assay.Entity{Role: x.Role, ID: x.Id})
	}
	for _, f := range m.Fields {
		if f == nil {
			return &assay.FieldError{Field: "fields", Problem: "has an empty entry"}
		}
		var v assay.Value
		switch x := f.Value.(type) {
		case *pb.Field_Number:
			v = assay.NumberValue(x.Number)
		case *pb.Field_Text:
			v = assay.TextValue(x.Text)
		case *pb.Field_Flag:
			v = assay.FlagValue(x.Flag)
		case *pb.Field_Time:
			at, err := ReadTime(fieldName(f.Name), x.Time)
			if err != nil {
				return err
			}
			v = assay.InstantValue(at)
		}
		e.Fields = append(e.Fields, assay.Field{Name: f.Name, Value: v})
	}
	return nil
}

func errTooManyParts() error {
	return &assay.FieldError{Field: "event", Problem: "has too many fields or entities"}
}

// fieldName is the name of a field in errors: its own, if that is a valid one.
func fieldName(name string) string {
	if name == "" || len(name) > assay.MaxNameBytes || !utf8.ValidString(name) {
		return "fields"
	}
	return name
}

// ReadTime reads a timestamp to the microsecond. Its error names the field.
func ReadTime(field string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, &assay.FieldError{Field: field, Problem: "must be set"}
	}
	if !t.IsValid() {
		return time.Time{}, &assay.FieldError{Field: field, Problem: "is not a valid timestamp"}
	}
	return time.UnixMicro(t.AsTime().UnixMicro()).UTC(), nil
}

// Event is e as a message.
func Event(e *assay.Event) *pb.Event {
	m := &pb.Event{Id: e.ID, Kind: e.Kind, Time: timestamppb.New(e.Time)}
	for _, x := range e.Entities {
		m.Entities = append(m.Entities, &pb.Entity{Role: x.Role, Id: x.ID})
	}
	for _, f := range e.Fields {
		w := &pb.Field{Name: f.Name}
		switch f.Value.Kind {
		case assay.Number:
			w.Value = &pb.Field_Number{Number: f.Value.Number()}
		case assay.Text:
			w.Value = &pb.Field_Text{Text: f.Value.Text()}
		case assay.Flag:
			w.Value = &pb.Field_Flag{Flag: f.Value.Flag()}
		case assay.Instant:
			w.Value = &pb.Field_Time{Time: timestamppb.New(f.Value.Instant())}
		}
		m.Fields = append(m.Fields, w)
	}
	return m
}

// outcomes are the protocol's outcomes for those of package assay.
var outcomes = [...]pb.Outcome{
	assay.Failed:   pb.Outcome_OUTCOME_FAILED,
	assay.Approve:  pb.Outcome_OUTCOME_APPROVE,
	assay.Review:   pb.Outcome_OUTCOME_REVIEW,
	assay.Decline:  pb.Outcome_OUTCOME_DECLINE,
	assay.Recorded: pb.Outcome_OUTCOME_RECORDED,
}

// FillDecision fills m from a decision and its canonical bytes.
func FillDecision(m *pb.ScoreResponse, d *assay.Decision, canonical []byte) {
	m.RequestId = d.RequestID
	m.Sequence = d.Sequence
	m.Outcome = outcomes[d.Outcome]
	m.Pd, m.Margin, m.Points, m.Grade = d.Score.PD, d.Score.Margin, d.Score.Points, d.Score.Grade
	m.Rules = d.Rules
	m.Reasons = Reasons(d.Reasons)
	all := make([]byte, 0, 4*len(d.Vector)) // a copy: d's memory may be reused before m is sent
	all = append(append(append(append(all, d.Score.Model[:]...), d.Plan[:]...), d.Policy[:]...), d.Vector[:]...)
	m.ModelDigest, m.PlanDigest, m.PolicyDigest, m.VectorDigest = all[0:32:32], all[32:64:64],
		all[64:96:96], all[96:128:128]
	m.Decision = canonical
	m.Decided = &timestamppb.Timestamp{Seconds: d.Micros / 1e6, Nanos: int32(d.Micros%1e6) * 1000}
}

// Reasons are reasons as messages.
func Reasons(rs []assay.Reason) []*pb.Reason {
	if len(rs) == 0 {
		return nil
	}
	out := make([]*pb.Reason, len(rs))
	for i, r := range rs {
		out[i] = &pb.Reason{Code: r.Code, Text: r.Text, Contribution: r.Contribution}
	}
	return out
}

// OptionalDouble is an optional field: nil for NaN.
func OptionalDouble(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}

// Outcome returns the outcome of package assay for the protocol's, and false for
// unspecified and unknown ones.
func Outcome(o pb.Outcome) (assay.Outcome, bool) {
	for i, w := range outcomes {
		if w == o {
			return assay.Outcome(i), true
		}
	}
	return 0, false
}
