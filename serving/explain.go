// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/wire"
)

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
		rec, err := s.own(ctx, what.Sequence)
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

// explain gives the exact contributions of a vector.
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
			&pb.Contribution{Feature: f.Name, Value: wire.OptionalDouble(v.Values[i]), Contribution: phi[i], Group: f.Group})
	}
	resp.Reasons = wire.Reasons(m.Reasons(nil, v.Values))
	return resp, nil
}
