// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

// admitRead counts a read as one row of its caller's rate.
func (s *Server) admitRead(ctx context.Context) error {
	return s.engine.AdmitRead(callerOf(ctx).Name, 1)
}

// visibleRecord returns the record of seq if the caller may see it: its author or
// an auditor may. To others it does not exist, so that sequence numbers tell them
// nothing.
func (s *Server) visibleRecord(ctx context.Context, seq uint64) (*journal.Record, error) {
	rec, err := s.cfg.Journal.Get(seq)
	c := callerOf(ctx)
	closed := errors.Is(err, vault.ErrErased) || errors.Is(err, journal.ErrRetired) // its author is sealed as well
	if err != nil && !closed {
		return nil, err
	}
	if c.Roles&auth.Audit == 0 && (closed || rec.Caller != c.Name) {
		return nil, fmt.Errorf("decision %d: %w", seq, assay.ErrNotFound)
	}
	return rec, err
}

// GetDecision implements pb.ScoringServer.
func (s *scoringServer) GetDecision(ctx context.Context, req *pb.GetDecisionRequest) (*pb.GetDecisionResponse, error) {
	if err := s.admitRead(ctx); err != nil {
		return nil, err
	}
	var seq uint64
	switch k := req.Key.(type) {
	case *pb.GetDecisionRequest_Sequence:
		seq = k.Sequence
	case *pb.GetDecisionRequest_RequestId:
		n, _, ok, err := s.cfg.Journal.Lookup(callerOf(ctx).Name, k.RequestId)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
		}
		if !ok {
			return nil, fmt.Errorf("no decision under that request id: %w", assay.ErrNotFound)
		}
		seq = n
	default:
		return nil, &assay.FieldError{Field: "key", Problem: "name a sequence number or a request id"}
	}
	rec, err := s.visibleRecord(ctx, seq)
	if err != nil {
		return nil, err
	}
	m, err := decisionResponse(rec)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Journal.Promise(ctx, seq)
	if err != nil {
		return nil, err
	}
	m.Promise = p.AppendBinary(nil)
	resp := &pb.GetDecisionResponse{Decision: m}
	scores, at, err := engine.ShadowScores(s.cfg.Journal, seq)
	if err != nil {
		return nil, err
	}
	for i := range scores {
		x := &scores[i]
		resp.Shadows = append(resp.Shadows, &pb.ShadowScore{Model: x.Model, ModelDigest: x.Digest[:], Margin: x.Margin,
			Pd: x.PD, Sequence: at})
	}
	ev, err := engine.EventOf(rec)
	if err != nil {
		return nil, err
	}
	if ev != nil {
		resp.Event = wire.Event(ev)
	}
	return resp, nil
}

// decisionResponse is the decision of a record; an error if it has none.
func decisionResponse(rec *journal.Record) (*pb.ScoreResponse, error) {
	if !rec.CarriesDecision() {
		return nil, fmt.Errorf("that record is of kind %s, not a decision: %w", rec.Kind, assay.ErrNotFound)
	}
	d, err := assay.ParseDecision(rec.Decision)
	if err != nil {
		return nil, err
	}
	m := new(pb.ScoreResponse)
	wire.FillDecision(m, &d, rec.Decision)
	return m, nil
}

// GetReceipt implements pb.ScoringServer.
func (s *scoringServer) GetReceipt(ctx context.Context, req *pb.GetReceiptRequest) (*pb.GetReceiptResponse, error) {
	if err := s.admitRead(ctx); err != nil {
		return nil, err
	}
	if _, err := s.visibleRecord(ctx, req.Sequence); err != nil {
		return nil, err
	}
	if req.Wait {
		if err := s.cfg.Journal.WaitPublished(ctx, req.Sequence+1); err != nil {
			return nil, err
		}
	} else if _, size := s.cfg.Journal.Checkpoint(); size <= req.Sequence {
		return nil, fmt.Errorf("decision %d is durable and not yet published in the log; set wait: %w",
			req.Sequence, assay.ErrPrecondition)
	}
	r, err := s.cfg.Journal.Receipt(ctx, req.Sequence)
	if err != nil {
		return nil, err
	}
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return nil, err
	}
	return &pb.GetReceiptResponse{ReceiptJson: append(b, '\n')}, nil
}

// WatchCheckpoints implements pb.ScoringServer.
func (s *scoringServer) WatchCheckpoints(_ *pb.WatchCheckpointsRequest,
	stream pb.Scoring_WatchCheckpointsServer) error {
	ctx, cancel := s.untilDrain(stream.Context())
	defer cancel()
	note, size := s.cfg.Journal.Checkpoint()
	for {
		if len(note) > 0 {
			if err := stream.Send(&pb.WatchCheckpointsResponse{Checkpoint: note, Size: size}); err != nil {
				return err
			}
		}
		if err := s.cfg.Journal.WaitPublished(ctx, size+1); err != nil {
			if s.draining.Load() {
				return assay.ErrUnavailable
			}
			return err
		}
		note, size = s.cfg.Journal.Checkpoint()
	}
}

// Explain implements pb.ScoringServer.
func (s *scoringServer) Explain(ctx context.Context, req *pb.ExplainRequest) (*pb.ExplainResponse, error) {
	if err := s.engine.Admit(callerOf(ctx).Name, 1); err != nil {
		return nil, err
	}
	defer s.engine.Done(1)
	var m *engine.Model
	var v assay.Vector
	switch what := req.What.(type) {
	case *pb.ExplainRequest_Sequence:
		rec, err := s.visibleRecord(ctx, what.Sequence)
		if err != nil {
			return nil, err
		}
		if len(rec.Vector) == 0 {
			return nil, fmt.Errorf("record %d has no feature vector: %w", what.Sequence, assay.ErrNotFound)
		}
		if v, err = assay.ParseVector(rec.Vector); err != nil {
			return nil, err
		}
		if m = s.engine.Models().ByDigest(rec.Model); m == nil {
			return nil, fmt.Errorf("the model %s that made decision %d is not loaded: load it to explain by it: %w",
				rec.Model.Short(), what.Sequence, assay.ErrPrecondition)
		}
	case *pb.ExplainRequest_Event:
		var ev assay.Event
		if err := wire.ReadEvent(&ev, what.Event); err != nil {
			return nil, err
		}
		var err error
		if m, err = s.engine.Acquire(req.Model); err != nil {
			return nil, err
		}
		defer m.Release()
		if v, err = s.engine.Peek(m, &ev); err != nil {
			return nil, err
		}
	default:
		return nil, &assay.FieldError{Field: "what", Problem: "name a sequence number, or bring an event"}
	}
	return explain(m, &v)
}

// explain computes the exact contributions of a vector's features.
func explain(m *engine.Model, v *assay.Vector) (*pb.ExplainResponse, error) {
	infos := m.Plan.Features()
	if len(v.Values) != len(infos) || v.Plan != m.PlanDigest {
		return nil, fmt.Errorf("a vector of another plan: %w", assay.ErrPrecondition)
	}
	phi := make([]float64, len(infos)+1)
	m.Forest.Contributions(phi, v.Values)
	sc := m.Bundle.Score(m.Forest.Margin(v.Values))
	digest := v.Digest()
	resp := &pb.ExplainResponse{Margin: sc.Margin, ExpectedMargin: phi[len(infos)], Pd: sc.PD, ModelDigest: sc.Model[:],
		VectorDigest: digest[:]}
	for i, f := range infos {
		resp.Contributions = append(resp.Contributions,
			&pb.Contribution{Feature: f.Name, Value: wire.OptionalDouble(v.Values[i]),
				Contribution: phi[i], Group: f.Group})
	}
	resp.Reasons = wire.Reasons(m.Reasons(nil, v.Values))
	return resp, nil
}
