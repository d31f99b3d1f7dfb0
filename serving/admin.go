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
	"github.com/assayrisk/assay/serving/policy"
)

// admin implements the Admin service. One act is done at a time.
type admin struct {
	pb.UnimplementedAdminServer
	*Server
	mu struct {
		sync.Mutex
		pending map[assay.Digest]proposal // acts that wait for a second admin
	}
	preparing chan struct{} // one for each act that is being prepared
	turns     turns
}

// proposal is an act that one admin has asked for.
type proposal struct {
	by   string
	text string
	at   time.Time
}

// Bounds on proposals.
const (
	maxPending = 64
	pendingFor = 24 * time.Hour
)

// maxModels bounds the models that are loaded at once.
const maxModels = 32

// info describes a loaded model.
func (s *Server) info(m *live) *pb.ModelInfo {
	by := m.policy.Digest()
	i := &pb.ModelInfo{Name: m.name, Version: m.version, Digest: m.bundle.Digest[:], PlanDigest: m.digest[:], PolicyDigest: by[:],
		Trees: int32(len(m.bundle.Model.Trees)), Features: int32(m.forest.Features()), Loaded: timestamppb.New(m.loaded)}
	i.Active = s.engine.routes.Load().active == m
	i.Shadow = slices.Contains(*s.shadows.models.Load(), m)
	return i
}

// ListModels implements pb.AdminServer.
func (a *admin) ListModels(context.Context, *pb.ListModelsRequest) (*pb.ListModelsResponse, error) {
	resp := &pb.ListModelsResponse{}
	for _, m := range a.engine.routes.Load().all() {
		resp.Models = append(resp.Models, a.info(m))
	}
	for _, m := range *a.shadows.models.Load() {
		if i := a.info(m); !i.Active {
			resp.Models = append(resp.Models, i)
		}
	}
	return resp, nil
}

// once answers for an act that the request id did before; ok reports that.
func (a *admin) once(ctx context.Context, id string, body assay.Digest) (seq uint64, ok bool, err error) {
	if err := checkRequestID(id); err != nil {
		return 0, false, err
	}
	seq, was, ok, err := a.engine.journal.Lookup(callerOf(ctx).Name, id)
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
func (a *admin) approve(ctx context.Context, act *Act, m *live, asked assay.Digest, text string) (ok bool, err error) {
	if !a.cfg.FourEyes {
		return true, nil
	}
	by := m.policy.Digest()
	open := assay.Sum(bodyTag, []byte("proposal\n"), asked[:], m.bundle.Digest[:], by[:])
	now := a.cfg.Now()
	for k, p := range a.mu.pending {
		if now.Sub(p.at) > pendingFor {
			delete(a.mu.pending, k)
		}
	}
	p, asked2 := a.mu.pending[open]
	switch {
	case asked2 && p.by != act.By:
		act.Second, act.Open = p.by, open[:]
		return true, nil
	case asked2: // the first admin again
		return false, nil
	case len(a.mu.pending) >= maxPending:
		return false, fmt.Errorf("%d acts wait for a second admin already, and no more may (fixed): %w", maxPending, assay.ErrExhausted)
	}
	_, err = a.engine.note(ctx, ledger.Activation, requestKey{caller: act.By}, assay.Digest{}, &Act{Version: 1, What: actPropose, By: act.By, Digest: act.Digest, Open: open[:], Text: text})
	if err != nil {
		return false, err
	}
	a.mu.pending[open] = proposal{act.By, text, now}
	a.log.Info("an act waits for a second admin", "act", text, "by", act.By)
	return false, nil
}

// settled closes the proposal that an act has carried out.
func (a *admin) settled(act *Act) {
	if len(act.Open) > 0 {
		delete(a.mu.pending, assay.Digest(act.Open))
	}
}

// loadLive loads a bundle of the model directory and checks it.
func (s *Server) loadLive(ctx context.Context, name string, want []byte, policyYAML []byte) (*live, error) {
	return s.loadLiveBy(ctx, policy.Parse, name, want, policyYAML)
}

// loadLiveBy is loadLive with a policy that parse reads.
func (s *Server) loadLiveBy(ctx context.Context, parse parser, name string, want []byte, policyYAML []byte) (*live, error) {
	if err := checkText("bundle", name); err != nil {
		return nil, err
	}
	if s.cfg.Load == nil {
		return nil, fmt.Errorf("the server has no model directory: %w", assay.ErrPrecondition)
	}
	b, err := s.cfg.Load(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("bundle %q was refused: %w: %w", name, err, assay.ErrPrecondition)
	}
	if len(want) > 0 && string(want) != string(b.Digest[:]) {
		return nil, fmt.Errorf("bundle %q has the digest %s, another was expected: %w", name, b.Digest.Short(), assay.ErrPrecondition)
	}
	m, err := newLiveBy(parse, b, policyYAML, s.cfg.Now())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrPrecondition)
	}
	m.folder = name
	return m, nil
}

// ActivateModel implements pb.AdminServer.
func (a *admin) ActivateModel(ctx context.Context, req *pb.ActivateModelRequest) (*pb.ActivateModelResponse, error) {
	what := actActivate
	if req.LoadOnly {
		what = actLoad
	}
	if req.LoadOnly && req.WithPolicy {
		return nil, &assay.FieldError{Field: "with_policy", Problem: "a model that is loaded beside the active one has its bundle's policy anyway: leave it out"}
	}
	body := []byte(what + "\n" + req.Bundle + "\n")
	if req.WithPolicy {
		body = append(body, "with its policy\n"...)
	}
	act := assay.Sum(bodyTag, body, req.ExpectedDigest)
	var m *live
	var done *Act
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
	text += " (model " + m.bundle.Digest.Short() + " by policy " + m.policy.Digest().Short() + ")"
	ok, err := a.approve(ctx, done, m, act, text)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &pb.ActivateModelResponse{Approval: pb.Approval_APPROVAL_PENDING, Model: a.info(m)}, nil
	}
	next, err := a.engine.routes.Load().with(m, !req.LoadOnly)
	if err != nil {
		return nil, err
	}
	seq, err = a.engine.swap(ctx, next, ledger.Activation, requestKey{c.Name, req.RequestId}, act, done)
	if err != nil {
		return nil, err
	}
	a.settled(done)
	a.swapped(what, m, seq, done)
	return &pb.ActivateModelResponse{Approval: pb.Approval_APPROVAL_DONE, Model: a.info(m), Sequence: seq}, nil
}

// toActivate loads a bundle and makes its act. The model decides by the policy
// in force, unless its own is asked for, or it is loaded beside the active one.
func (a *admin) toActivate(ctx context.Context, req *pb.ActivateModelRequest, what string) (*live, *Act, error) {
	var keep []byte
	if what == actActivate && !req.WithPolicy {
		keep = a.engine.routes.Load().active.policy.YAML()
	}
	m, err := a.loadLive(ctx, req.Bundle, req.ExpectedDigest, keep)
	if err != nil && keep != nil {
		if _, own := a.loadLive(ctx, req.Bundle, req.ExpectedDigest, nil); own == nil {
			err = fmt.Errorf("the policy in force does not fit bundle %q: set one that does, or activate it with_policy, its own: %v: %w", req.Bundle, err, assay.ErrPrecondition)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	act := &Act{Version: 1, What: what, By: callerOf(ctx).Name, Bundles: []string{req.Bundle}, Digest: m.bundle.Digest, Windows: windowKernels(m)}
	if what == actActivate {
		act.Version = actKeepsPolicy
		if req.WithPolicy {
			act.Policy = m.policy.YAML()
		}
	}
	return m, act, nil
}

// swapped brings what hangs on the active model in line, and tells the log.
func (a *admin) swapped(what string, m *live, seq uint64, act *Act) {
	if a.engine.routes.Load().active == m && what != actLoad {
		a.drift.watch(m)
		a.shadows.keepPlan(m.digest)
	}
	a.log.Info("admin", "act", what, "by", act.By, "second", act.Second, "model", m.name, "digest", m.bundle.Digest.Short(),
		"policy", m.policy.Digest().Short(), "with_policy", len(act.Policy) > 0, "sequence", seq)
}

// SetPolicy implements pb.AdminServer.
func (a *admin) SetPolicy(ctx context.Context, req *pb.SetPolicyRequest) (*pb.SetPolicyResponse, error) {
	body := assay.Sum(bodyTag, []byte(actPolicy+"\n"), req.Yaml)
	var m *live
	seq, done, unlock, err := a.prepare(ctx, req.RequestId, body, func() (err error) {
		if len(req.Yaml) == 0 {
			return &assay.FieldError{Field: "yaml", Problem: "must not be empty"}
		}
		m, err = a.engine.routes.Load().active.withPolicy(req.Yaml, a.cfg.Now())
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
	digest := m.policy.Digest()
	c := callerOf(ctx)
	act := &Act{Version: 1, What: actPolicy, By: c.Name, Digest: digest, Policy: req.Yaml}
	ok, err := a.approve(ctx, act, m, body, "policy "+digest.Short()+" for model "+m.bundle.Digest.Short())
	if err != nil {
		return nil, err
	}
	if !ok {
		return &pb.SetPolicyResponse{Approval: pb.Approval_APPROVAL_PENDING, PolicyDigest: digest[:]}, nil
	}
	next, err := a.engine.routes.Load().with(m, true)
	if err != nil {
		return nil, err
	}
	seq, err = a.engine.swap(ctx, next, ledger.Policy, requestKey{c.Name, req.RequestId}, body, act)
	if err != nil {
		return nil, err
	}
	a.settled(act)
	a.log.Info("admin", "act", actPolicy, "by", act.By, "second", act.Second, "policy", digest.Short(), "sequence", seq)
	return &pb.SetPolicyResponse{Approval: pb.Approval_APPROVAL_DONE, PolicyDigest: digest[:], Sequence: seq}, nil
}

// SetShadow implements pb.AdminServer.
func (a *admin) SetShadow(ctx context.Context, req *pb.SetShadowRequest) (*pb.SetShadowResponse, error) {
	body := assay.Sum(bodyTag, []byte(actShadow+"\n"+fmt.Sprintf("%q", req.Bundles)))
	resp := &pb.SetShadowResponse{}
	var ms []*live
	seq, done, unlock, err := a.prepare(ctx, req.RequestId, body, func() (err error) {
		if len(req.Bundles) > maxModels {
			return &assay.FieldError{Field: "bundles", Problem: fmt.Sprintf("at most %d", maxModels)}
		}
		ms, err = a.loadShadows(ctx, req.Bundles, a.engine.routes.Load().active.digest)
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
	resp.Sequence, err = a.engine.swap(ctx, a.engine.routes.Load(), ledger.Activation, requestKey{c.Name, req.RequestId}, body,
		&Act{Version: 1, What: actShadow, By: c.Name, Bundles: req.Bundles})
	if err != nil {
		return nil, err
	}
	a.shadows.models.Store(&ms)
	for _, m := range ms {
		resp.Shadows = append(resp.Shadows, a.info(m))
	}
	a.log.Info("admin", "act", actShadow, "by", c.Name, "bundles", req.Bundles, "sequence", resp.Sequence)
	return resp, nil
}

// loadShadows loads challengers; they score the active plan's vectors.
func (s *Server) loadShadows(ctx context.Context, names []string, plan assay.Digest) ([]*live, error) {
	ms := make([]*live, 0, len(names))
	for _, n := range names {
		m, err := s.loadLive(ctx, n, nil, nil)
		if err != nil {
			return nil, err
		}
		if m.digest != plan {
			return nil, fmt.Errorf("bundle %q was trained on the plan %s, a shadow scores vectors of the active plan %s: %w", n, m.digest.Short(), plan.Short(), assay.ErrPrecondition)
		}
		ms = append(ms, m)
	}
	return ms, nil
}

// GetStatus implements pb.AdminServer.
func (a *admin) GetStatus(context.Context, *pb.GetStatusRequest) (*pb.GetStatusResponse, error) {
	st := a.engine.journal.Stats()
	resp := &pb.GetStatusResponse{
		Version: a.cfg.Version, Started: timestamppb.New(a.started), Ready: a.ready() == nil, Draining: a.draining.Load(),
		Active: a.info(a.engine.routes.Load().active), NextSequence: st.Taken, CheckpointSize: st.Published,
		InFlight: a.engine.load.Load(), ShadowQueue: int64(a.shadows.waiting()), ShadowDropped: a.shadows.dropped.Load(),
	}
	for _, v := range a.drift.values() {
		resp.Drift = append(resp.Drift, &pb.Drift{Name: v.name, Psi: v.psi, Rows: v.rows})
	}
	resp.Windows, resp.LateEvents = a.engine.windowStatus()
	resp.Anchoring = a.anchoring()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, k := range slices.SortedFunc(maps.Keys(a.mu.pending), func(x, y assay.Digest) int { return slices.Compare(x[:], y[:]) }) {
		p := a.mu.pending[k]
		resp.Pending = append(resp.Pending, p.text+", asked for by "+p.by)
	}
	return resp, nil
}

// unload takes a model that was loaded beside the active one out of service.
func (a *admin) unload(ctx context.Context, name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	next, m, err := a.engine.routes.Load().without(name)
	if err != nil {
		return err
	}
	c := callerOf(ctx)
	seq, err := a.engine.swap(ctx, next, ledger.Activation, requestKey{c.Name, newRequestID()}, assay.Sum(bodyTag, []byte(actUnload+"\n"+name)),
		&Act{Version: 1, What: actUnload, By: c.Name, Bundles: []string{m.folder}, Digest: m.bundle.Digest})
	if err == nil {
		a.log.Info("admin", "act", actUnload, "by", c.Name, "model", name, "sequence", seq)
	}
	return err
}
