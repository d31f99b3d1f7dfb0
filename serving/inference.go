// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	v2 "github.com/assayrisk/assay/serving/inferencev2"
)

// inference implements the Open Inference Protocol, version 2: it scores vectors of
// features, decides nothing and records nothing.
//
// Input, one of:
//
//	features  [n, k]         all features in plan order, as numbers of any datatype
//	NAME ...  [n] or [n, 1]  one input for each feature; features that are not sent are missing
//
// Outputs: those that the request names, or margin and pd if it names none:
//
//	margin         FP64 [n]       log-odds of the bad event
//	pd             FP64 [n]       calibrated probability
//	contributions  FP64 [n, k+1]  exact TreeSHAP, the last is the expected margin
//
// NaN is a missing value. A category is its dictionary code; as an input of its own
// it may also be BYTES, the texts of its field in any spelling. A feature that has a
// value for every event that the plan accepts must have one here.
type inference struct {
	v2.UnimplementedGRPCInferenceServiceServer
	*Server
	admin *admin // loads and unloads models
}

// ServerLive implements v2.GRPCInferenceServiceServer.
func (s *inference) ServerLive(context.Context, *v2.ServerLiveRequest) (*v2.ServerLiveResponse, error) {
	return &v2.ServerLiveResponse{Live: true}, nil
}

// ServerReady implements v2.GRPCInferenceServiceServer.
func (s *inference) ServerReady(context.Context, *v2.ServerReadyRequest) (*v2.ServerReadyResponse, error) {
	return &v2.ServerReadyResponse{Ready: s.ready() == nil}, nil
}

// ModelReady implements v2.GRPCInferenceServiceServer.
func (s *inference) ModelReady(_ context.Context, req *v2.ModelReadyRequest) (*v2.ModelReadyResponse, error) {
	_, err := s.inferenceModel(req.Name, req.Version)
	return &v2.ModelReadyResponse{Ready: err == nil}, nil
}

// ServerMetadata implements v2.GRPCInferenceServiceServer.
func (s *inference) ServerMetadata(context.Context, *v2.ServerMetadataRequest) (*v2.ServerMetadataResponse, error) {
	return &v2.ServerMetadataResponse{Name: "assay", Version: s.cfg.Version,
		Extensions: []string{"model_repository", "binary_tensor_data"}}, nil
}

// inferenceModel returns the model of that name ("" is the active one) and
// version ("" is any).
func (s *Server) inferenceModel(name, version string) (*engine.Model, error) {
	r := s.engine.Models()
	m, err := r.Pick(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("no model of that name is loaded%s: %w", r.NearestHint(name), assay.ErrNotFound)
	case version != "" && version != versionOf(m):
		return nil, fmt.Errorf("the model's version is %q, another was asked for: %w", versionOf(m), assay.ErrNotFound)
	}
	return m, nil
}

// versionOf is the model's version, or else the start of its digest.
func versionOf(m *engine.Model) string {
	if m.Version != "" {
		return m.Version
	}
	return m.Bundle.Digest.Short()
}

// ModelMetadata implements v2.GRPCInferenceServiceServer.
func (s *inference) ModelMetadata(_ context.Context, req *v2.ModelMetadataRequest) (*v2.ModelMetadataResponse, error) {
	m, err := s.inferenceModel(req.Name, req.Version)
	if err != nil {
		return nil, err
	}
	k := int64(m.Forest.Features())
	type tensor = v2.ModelMetadataResponse_TensorMetadata
	return &v2.ModelMetadataResponse{
		Name: m.Name, Versions: []string{versionOf(m)}, Platform: "assay_gbdt",
		Inputs: []*tensor{{Name: inferenceInput, Datatype: "FP64", Shape: []int64{-1, k}}},
		Outputs: []*tensor{
			{Name: "margin", Datatype: "FP64", Shape: []int64{-1}},
			{Name: "pd", Datatype: "FP64", Shape: []int64{-1}},
			{Name: "contributions", Datatype: "FP64", Shape: []int64{-1, k + 1}},
		},
	}, nil
}

// ModelInfer implements v2.GRPCInferenceServiceServer.
func (s *inference) ModelInfer(ctx context.Context, req *v2.ModelInferRequest) (*v2.ModelInferResponse, error) {
	m, err := s.inferenceModel(req.ModelName, req.ModelVersion)
	if err != nil {
		return nil, err
	}
	rows, n, err := s.readTensors(m, req)
	if err != nil {
		return nil, err
	}
	if err := s.engine.Admit(callerOf(ctx).Name, n); err != nil {
		return nil, err
	}
	defer s.engine.Done(n)
	want := []string{"margin", "pd"}
	if len(req.Outputs) > 0 {
		want = want[:0]
		for _, o := range req.Outputs {
			// Each output is as large as the rows, so none may be named twice. The
			// first unknown name ends the loop, however long the list is.
			name := o.GetName()
			if name != "margin" && name != "pd" && name != "contributions" {
				return nil, &assay.FieldError{Field: "outputs", Problem: "want margin, pd or contributions"}
			}
			if slices.Contains(want, name) {
				return nil, &assay.FieldError{Field: "outputs", Problem: "an output is named twice"}
			}
			want = append(want, name)
		}
	}
	s.countTensors(m, req, rows)
	resp := &v2.ModelInferResponse{ModelName: m.Name, ModelVersion: versionOf(m), Id: req.Id}
	margins := make([]float64, n)
	m.Forest.Margins(margins, rows)
	for _, name := range want {
		shape, values := []int64{int64(n)}, margins
		switch name {
		case "margin":
		case "pd":
			values = make([]float64, n)
			for i, x := range margins {
				values[i] = m.Bundle.Calibration.Apply(x)
			}
		case "contributions":
			if err := ctx.Err(); err != nil { // this is the costliest part: not when nobody waits for it
				return nil, err
			}
			k := m.Forest.Features()
			shape = append(shape, int64(k+1))
			values = make([]float64, n*(k+1))
			m.Forest.ContributionsAll(values, rows)
		}
		writeTensor(resp, name, shape, values, len(req.RawInputContents) > 0)
	}
	return resp, nil
}

// RepositoryIndex implements v2.GRPCInferenceServiceServer.
func (s *inference) RepositoryIndex(context.Context, *v2.RepositoryIndexRequest) (*v2.RepositoryIndexResponse, error) {
	r := s.engine.Models()
	resp := &v2.RepositoryIndexResponse{}
	for _, m := range r.All() {
		resp.Models = append(resp.Models,
			&v2.RepositoryIndexResponse_ModelIndex{Name: m.Name, Version: versionOf(m), State: "READY"})
	}
	return resp, nil
}

// RepositoryModelLoad implements v2.GRPCInferenceServiceServer: it loads a
// bundle of the model directory without activating it. With four eyes the first
// admin's call fails with FAILED_PRECONDITION, and the second's loads.
func (s *inference) RepositoryModelLoad(ctx context.Context,
	req *v2.RepositoryModelLoadRequest) (*v2.RepositoryModelLoadResponse, error) {
	resp, err := s.admin.ActivateModel(ctx,
		&pb.ActivateModelRequest{RequestId: newRequestID(), Bundle: req.ModelName, LoadOnly: true})
	if err == nil && resp.Approval == pb.Approval_APPROVAL_PENDING {
		// The protocol has no reply for that, and an empty one would mean that it is done.
		err = fmt.Errorf("the model is not loaded yet: with four eyes a second admin must ask for the same: %w",
			assay.ErrPrecondition)
	}
	return &v2.RepositoryModelLoadResponse{}, err
}

// RepositoryModelUnload implements v2.GRPCInferenceServiceServer.
func (s *inference) RepositoryModelUnload(ctx context.Context,
	req *v2.RepositoryModelUnloadRequest) (*v2.RepositoryModelUnloadResponse, error) {
	return &v2.RepositoryModelUnloadResponse{}, s.admin.unload(ctx, req.ModelName)
}

// newRequestID makes an id for an act that comes without one.
func newRequestID() string { return "v2-" + rand.Text() }

// countTensors counts the unseen categories of rows that came as features: texts as
// those of an event, and codes that stand for no text of the dictionary.
func (s *Server) countTensors(m *engine.Model, req *v2.ModelInferRequest, rows []float64) {
	dictionaries, k := m.Dictionaries(), m.Forest.Features()
	texts := map[int]int{} // the inputs of texts, by their features
	for i, in := range req.Inputs {
		if in.Datatype == "BYTES" {
			texts[featureColumn(m, in.Name)] = i
		}
	}
	counts := make([]engine.UnseenCount, len(dictionaries))
	for column := range k {
		place, ok := m.Plan.CategoryField(column)
		i := slices.IndexFunc(dictionaries, func(d features.Dictionary) bool { return d.Place == place })
		if !ok || i < 0 || counts[i].Values > 0 { // a field counts once a row
			continue
		}
		count := func(value, unseen bool) {
			if value {
				counts[i].Values++
			}
			if unseen {
				counts[i].Unseen++
			}
		}
		if at, ok := texts[column]; ok {
			var raw []byte
			if len(req.RawInputContents) > 0 {
				raw = req.RawInputContents[at]
			}
			eachText(req.Inputs[at], raw, len(req.RawInputContents) > 0, func(text []byte) bool {
				_, x, _ := m.Plan.CategoryCode(column, string(text))
				count(x == x, dictionaries[i].Unseen(x))
				return true
			})
			continue
		}
		for r := column; r < len(rows); r += k {
			count(rows[r] == rows[r], m.Plan.UnseenCode(column, rows[r]))
		}
	}
	s.engine.CountUnseen(m, counts)
}
