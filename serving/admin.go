// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/policy"
)

// admin implements the Admin service. One act is done at a time.
type admin struct {
	pb.UnimplementedAdminServer
	*Server
	mu struct {
		sync.Mutex
		pending map[assay.Digest]engine.Proposal // acts that wait for a second admin
	}
	preparing chan struct{} // one for each act that is being prepared
	turns     turns
}

// Bounds on proposals.
const (
	maxPending = 64
	pendingFor = 24 * time.Hour
)

// info describes a loaded model.
func (s *Server) info(m *engine.Model) *pb.ModelInfo {
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
		resp.Models = append(resp.Models, a.info(m))
	}
	for _, m := range a.engine.Shadows().Models() {
		if i := a.info(m); !i.Active {
			resp.Models = append(resp.Models, i)
		}
	}
	return resp, nil
}

// once answers for an act that the request id did before; ok reports that.
func (a *admin) once(ctx context.Context, id string, body assay.Digest) (seq uint64, ok bool, err error) {
	if err := engine.CheckRequestID(id); err != nil {
		return 0, false, err
	}
	seq, was, ok, err := a.cfg.Journal.Lookup(callerOf(ctx).Name, id)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", assay.ErrUnavailable, err)
	}
	if ok && was != body {
		return 0, false, fmt.Errorf("request_id: the id was used before with another body: %w", assay.ErrConflict)
	}
	return seq, ok, nil
}

// approve reports whether an act may be done now. With four eyes, the first
// admin's request opens a proposal, which stands in the journal, and waits for
// the same request from another admin, with the same outcome: the same model m
// by the same policy. Where a policy was set or a model activated meanwhile, so
// that the request comes to something else, it is a proposal of its own. Then
// act is completed with who was first.
func (a *admin) approve(ctx context.Context, act *engine.Act, m *engine.Model, asked assay.Digest,
	text string) (ok bool, err error) {
	if !a.cfg.FourEyes {
		return true, nil
	}
	by := m.Policy.Digest()
	open := assay.Sum(engine.BodyTag, []byte("proposal\n"), asked[:], m.Bundle.Digest[:], by[:])
	now := a.cfg.Now()
	for k, p := range a.mu.pending {
		if now.Sub(p.At) > pendingFor {
			delete(a.mu.pending, k)
		}
	}
	p, asked2 := a.mu.pending[open]
	switch {
	case asked2 && p.By != act.By:
		act.Second, act.Open = p.By, open[:]
		return true, nil
	case asked2: // the first admin again
		return false, nil
	case len(a.mu.pending) >= maxPending:
		return false, fmt.Errorf("%d acts wait for a second admin already, and no more may (fixed): %w",
			maxPending, assay.ErrExhausted)
	}
	_, err = a.engine.RecordAct(ctx, ledger.Activation, engine.Key{Caller: act.By}, assay.Digest{},
		&engine.Act{Version: 1, What: engine.ActPropose, By: act.By, Digest: act.Digest, Open: open[:], Text: text})
	if err != nil {
		return false, err
	}
	a.mu.pending[open] = engine.Proposal{By: act.By, Text: text, At: now}
	a.log.Info("an act waits for a second admin", "act", text, "by", act.By)
	return false, nil
}

// settled closes the proposal that an act has carried out.
func (a *admin) settled(act *engine.Act) {
	if len(act.Open) > 0 {
		delete(a.mu.pending, assay.Digest(act.Open))
	}
}

// ActivateModel implements pb.AdminServer.
func (a *admin) ActivateModel(ctx context.Context, req *pb.ActivateModelRequest) (*pb.ActivateModelResponse, error) {
	what := engine.ActActivate
	if req.LoadOnly {
		what = engine.ActLoad
	}
	if req.LoadOnly && req.WithPolicy {
		return nil, &assay.FieldError{Field: "with_policy",
			Problem: "a model that is loaded beside the active one has its bundle's policy anyway: leave it out"}
	}
	body := []byte(what + "\n" + req.Bundle + "\n")
	if req.WithPolicy {
		body = append(body, "with its policy\n"...)
	}
	act := assay.Sum(engine.BodyTag, body, req.ExpectedDigest)
	var m *engine.Model
	var done *engine.Act
	seq, before, unlock, err := a.prepare(ctx, req.RequestId, act, func() (err error) {
		m, done, err = a.toActivate(ctx, req, what)
		return err
	})
	if err != nil {
		return nil, err
	}
	if before {
		return &pb.ActivateModelResponse{Approval: pb.Approval_APPROVAL_DONE, Sequence: seq}, nil
	}
	defer unlock()
	c := callerOf(ctx)
	text := what + " " + req.Bundle
	if req.WithPolicy {
		text += " with its policy"
	}
	text += " (model " + m.Bundle.Digest.Short() + " by policy " + m.Policy.Digest().Short() + ")"
	ok, err := a.approve(ctx, done, m, act, text)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &pb.ActivateModelResponse{Approval: pb.Approval_APPROVAL_PENDING, Model: a.info(m)}, nil
	}
	next, err := a.engine.Models().With(m, !req.LoadOnly)
	if err != nil {
		return nil, err
	}
	seq, err = a.engine.Swap(ctx, next, ledger.Activation, engine.Key{Caller: c.Name, RequestID: req.RequestId}, act,
		done)
	if err != nil {
		return nil, err
	}
	a.settled(done)
	a.swapped(what, m, seq, done)
	return &pb.ActivateModelResponse{Approval: pb.Approval_APPROVAL_DONE, Model: a.info(m), Sequence: seq}, nil
}

// toActivate loads a bundle and makes its act. The model decides by the policy
// in force, unless its own is asked for, or it is loaded beside the active one.
func (a *admin) toActivate(ctx context.Context, req *pb.ActivateModelRequest, what string) (*engine.Model, *engine.Act,
	error) {
	var keep []byte
	if what == engine.ActActivate && !req.WithPolicy {
		keep = a.engine.Models().Active.Policy.YAML()
	}
	m, err := a.engine.Load(ctx, req.Bundle, req.ExpectedDigest, keep)
	if err != nil && keep != nil {
		if _, own := a.engine.Load(ctx, req.Bundle, req.ExpectedDigest, nil); own == nil {
			err = fmt.Errorf("the policy in force does not fit bundle %q: set one that does, or activate it "+
				"with_policy, its own: %v: %w", req.Bundle, err, assay.ErrPrecondition)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	act := &engine.Act{Version: 1, What: what, By: callerOf(ctx).Name, Bundles: []string{req.Bundle},
		Digest: m.Bundle.Digest, Windows: engine.WindowKernels(m)}
	if what == engine.ActActivate {
		act.Version = engine.ActKeepsPolicy
		if req.WithPolicy {
			act.Policy = m.Policy.YAML()
		}
	}
	return m, act, nil
}

// swapped brings what hangs on the active model in line, and tells the log.
func (a *admin) swapped(what string, m *engine.Model, seq uint64, act *engine.Act) {
	if a.engine.Models().Active == m && what != engine.ActLoad {
		a.engine.Drift().Watch(m)
		a.engine.Shadows().KeepPlan(m.PlanDigest)
	}
	a.log.Info("admin", "act", what, "by", act.By, "second", act.Second, "model", m.Name, "digest",
		m.Bundle.Digest.Short(),
		"policy", m.Policy.Digest().Short(), "with_policy", len(act.Policy) > 0, "sequence", seq)
}

// SetPolicy implements pb.AdminServer.
func (a *admin) SetPolicy(ctx context.Context, req *pb.SetPolicyRequest) (*pb.SetPolicyResponse, error) {
	body := assay.Sum(engine.BodyTag, []byte(engine.ActPolicy+"\n"), req.Yaml)
	var m *engine.Model
	seq, done, unlock, err := a.prepare(ctx, req.RequestId, body, func() (err error) {
		if len(req.Yaml) == 0 {
			return &assay.FieldError{Field: "yaml", Problem: "must not be empty"}
		}
		m, err = a.engine.Models().Active.WithPolicy(req.Yaml, a.cfg.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	if done {
		d := policy.DigestOf(req.Yaml) // of what was set then; another may stand now
		return &pb.SetPolicyResponse{Approval: pb.Approval_APPROVAL_DONE, PolicyDigest: d[:], Sequence: seq}, nil
	}
	defer unlock()
	digest := m.Policy.Digest()
	c := callerOf(ctx)
	act := &engine.Act{Version: 1, What: engine.ActPolicy, By: c.Name, Digest: digest, Policy: req.Yaml}
	ok, err := a.approve(ctx, act, m, body, "policy "+digest.Short()+" for model "+m.Bundle.Digest.Short())
	if err != nil {
		return nil, err
	}
	if !ok {
		return &pb.SetPolicyResponse{Approval: pb.Approval_APPROVAL_PENDING, PolicyDigest: digest[:]}, nil
	}
	next, err := a.engine.Models().With(m, true)
	if err != nil {
		return nil, err
	}
	seq, err = a.engine.Swap(ctx, next, ledger.Policy, engine.Key{Caller: c.Name, RequestID: req.RequestId}, body, act)
	if err != nil {
		return nil, err
	}
	a.settled(act)
	a.log.Info("admin", "act", engine.ActPolicy, "by", act.By, "second", act.Second, "policy",
		digest.Short(), "sequence", seq)
	return &pb.SetPolicyResponse{Approval: pb.Approval_APPROVAL_DONE, PolicyDigest: digest[:], Sequence: seq}, nil
}

// SetShadow implements pb.AdminServer.
func (a *admin) SetShadow(ctx context.Context, req *pb.SetShadowRequest) (*pb.SetShadowResponse, error) {
	body := assay.Sum(engine.BodyTag, []byte(engine.ActShadow+"\n"+fmt.Sprintf("%q", req.Bundles)))
	resp := &pb.SetShadowResponse{}
	var ms []*engine.Model
	seq, done, unlock, err := a.prepare(ctx, req.RequestId, body, func() (err error) {
		if len(req.Bundles) > engine.MaxModels {
			return &assay.FieldError{Field: "bundles", Problem: fmt.Sprintf("at most %d", engine.MaxModels)}
		}
		ms, err = a.engine.LoadShadows(ctx, req.Bundles, a.engine.Models().Active.PlanDigest)
		return err
	})
	if err != nil {
		return nil, err
	}
	if done {
		resp.Sequence = seq
		return resp, nil
	}
	defer unlock()
	c := callerOf(ctx)
	resp.Sequence, err = a.engine.Swap(ctx, a.engine.Models(), ledger.Activation,
		engine.Key{Caller: c.Name, RequestID: req.RequestId}, body,
		&engine.Act{Version: 1, What: engine.ActShadow, By: c.Name, Bundles: req.Bundles})
	if err != nil {
		return nil, err
	}
	a.engine.Shadows().Set(ms)
	for _, m := range ms {
		resp.Shadows = append(resp.Shadows, a.info(m))
	}
	a.log.Info("admin", "act", engine.ActShadow, "by", c.Name, "bundles", req.Bundles, "sequence", resp.Sequence)
	return resp, nil
}

// GetStatus implements pb.AdminServer.
func (a *admin) GetStatus(context.Context, *pb.GetStatusRequest) (*pb.GetStatusResponse, error) {
	st := a.cfg.Journal.Stats()
	resp := &pb.GetStatusResponse{
		Version: a.cfg.Version, Started: timestamppb.New(a.started), Ready: a.ready() == nil,
		Draining: a.draining.Load(),
		Active:   a.info(a.engine.Models().Active), NextSequence: st.Taken, CheckpointSize: st.Published,
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
	resp.Anchoring = a.anchoring()
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

// unload takes a model that was loaded beside the active one out of service.
func (a *admin) unload(ctx context.Context, name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	next, m, err := a.engine.Models().Without(name)
	if err != nil {
		return err
	}
	c := callerOf(ctx)
	seq, err := a.engine.Swap(ctx, next, ledger.Activation, engine.Key{Caller: c.Name, RequestID: newRequestID()},
		assay.Sum(engine.BodyTag, []byte(engine.ActUnload+"\n"+name)),
		&engine.Act{Version: 1, What: engine.ActUnload, By: c.Name, Bundles: []string{m.Folder},
			Digest: m.Bundle.Digest})
	if err == nil {
		a.log.Info("admin", "act", engine.ActUnload, "by", c.Name, "model", name, "sequence", seq)
	}
	return err
}
