// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
)

// modelInfo describes a loaded model.
func (s *Server) modelInfo(m *engine.Model) *pb.ModelInfo {
	by := m.Policy.Digest()
	i := &pb.ModelInfo{Name: m.Name, Version: m.Version, Digest: m.Bundle.Digest[:],
		PlanDigest: m.PlanDigest[:], PolicyDigest: by[:],
		Trees: int32(len(m.Bundle.Model.Trees)), Features: int32(m.Forest.Features()),
		Loaded: timestamppb.New(m.Loaded)}
	i.Active = s.engine.Models().Active == m
	i.Shadow = slices.Contains(s.engine.Shadows().Models(), m)
	return i
}

// ListModels implements pb.AdminServer.
func (a *admin) ListModels(context.Context, *pb.ListModelsRequest) (*pb.ListModelsResponse, error) {
	resp := &pb.ListModelsResponse{}
	for _, m := range a.engine.Models().All() {
		resp.Models = append(resp.Models, a.modelInfo(m))
	}
	for _, m := range a.engine.Shadows().Models() {
		if i := a.modelInfo(m); !i.Active {
			resp.Models = append(resp.Models, i)
		}
	}
	return resp, nil
}

// GetStatus implements pb.AdminServer.
func (a *admin) GetStatus(context.Context, *pb.GetStatusRequest) (*pb.GetStatusResponse, error) {
	st := a.cfg.Journal.Stats()
	resp := &pb.GetStatusResponse{
		Version: a.cfg.Version, Started: timestamppb.New(a.started), Ready: a.ready() == nil,
		Draining: a.draining.Load(),
		Active:   a.modelInfo(a.engine.Models().Active), NextSequence: st.Taken, CheckpointSize: st.Published,
		InFlight: a.engine.InFlight(), ShadowQueue: int64(a.engine.Shadows().Waiting()),
		ShadowDropped: a.engine.Shadows().Dropped(),
	}
	for _, v := range a.engine.Drift().Values() {
		resp.Drift = append(resp.Drift, &pb.Drift{Name: v.Name, Psi: v.PSI, Rows: v.Rows})
	}
	feeds, late := a.engine.WindowFeeds()
	resp.LateEvents = late
	for _, f := range feeds {
		resp.Windows = append(resp.Windows, &pb.WindowStatus{Window: f.Window, Kind: f.Kind, Fed: f.Fed, Late: f.Late,
			WithoutKey: f.WithoutKey, WithoutValue: f.WithoutValue})
	}
	resp.Anchoring = a.anchoringStatus()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range slices.SortedFunc(maps.Keys(a.mu.pending), func(x, y assay.Digest) int {
		return slices.Compare(x[:], y[:])
	}) {
		p := a.mu.pending[k]
		resp.Pending = append(resp.Pending, p.Text+", asked for by "+p.By)
	}
	return resp, nil
}

// anchoringStatus is the part of GetStatus about the chain, nil without one.
func (s *Server) anchoringStatus() *pb.Anchoring {
	if s.cfg.Anchoring == nil {
		return nil
	}
	a := s.cfg.Anchoring()
	out := &pb.Anchoring{State: a.State, Problem: a.Problem, Size: a.Size, Pending: a.Pending, Raised: a.Raised,
		Renewed: a.Renewed}
	if !a.Time.IsZero() {
		out.Time = timestamppb.New(a.Time)
	}
	return out
}
