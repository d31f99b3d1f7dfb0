// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
	"github.com/assayrisk/assay/serving/policy"
)

// ActivateModel implements pb.AdminServer.
func (a *admin) ActivateModel(ctx context.Context, req *pb.ActivateModelRequest) (*pb.ActivateModelResponse, error) {
	what := engine.ActActivate
	if req.LoadOnly {
		what = engine.ActLoad
	}
	if req.LoadOnly && req.WithPolicy {
		return nil, &assay.FieldError{Field: "with_policy",
			Problem: "a model that is loaded without being activated has its bundle's policy anyway: leave it out"}
	}
	body := []byte(what + "\n" + req.Bundle + "\n")
	if req.WithPolicy {
		body = append(body, "with its policy\n"...)
	}
	act := assay.Sum(engine.BodyTag, body, req.ExpectedDigest)
	var m *engine.Model
	var done *engine.Act
	seq, before, unlock, err := a.prepare(ctx, req.RequestId, act, func() (err error) {
		m, done, err = a.prepareActivation(ctx, req, what)
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
		return &pb.ActivateModelResponse{Approval: pb.Approval_APPROVAL_PENDING, Model: a.modelInfo(m)}, nil
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
	a.closeProposal(done)
	a.afterSwap(what, m, seq, done)
	return &pb.ActivateModelResponse{Approval: pb.Approval_APPROVAL_DONE, Model: a.modelInfo(m), Sequence: seq}, nil
}

// prepareActivation loads a bundle and makes its act. The model gets the policy in
// force, unless its own is asked for or it is loaded without being activated.
func (a *admin) prepareActivation(ctx context.Context, req *pb.ActivateModelRequest,
	what string) (*engine.Model, *engine.Act,
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
	act := &engine.Act{Version: 1, Kind: what, By: callerOf(ctx).Name, Bundles: []string{req.Bundle},
		Digest: m.Bundle.Digest, Windows: engine.WindowKernels(m)}
	if what == engine.ActActivate {
		act.Version = engine.ActKeepsPolicy
		if req.WithPolicy {
			act.Policy = m.Policy.YAML()
		}
	}
	return m, act, nil
}

// afterSwap makes drift and challengers follow the active model, and logs the act.
func (a *admin) afterSwap(what string, m *engine.Model, seq uint64, act *engine.Act) {
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
		d := policy.DigestOf(req.Yaml) // of the policy that was set then; another may be in force now
		return &pb.SetPolicyResponse{Approval: pb.Approval_APPROVAL_DONE, PolicyDigest: d[:], Sequence: seq}, nil
	}
	defer unlock()
	digest := m.Policy.Digest()
	c := callerOf(ctx)
	act := &engine.Act{Version: 1, Kind: engine.ActPolicy, By: c.Name, Digest: digest, Policy: req.Yaml}
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
	a.closeProposal(act)
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
		&engine.Act{Version: 1, Kind: engine.ActShadow, By: c.Name, Bundles: req.Bundles})
	if err != nil {
		return nil, err
	}
	a.engine.Shadows().Set(ms)
	for _, m := range ms {
		resp.Shadows = append(resp.Shadows, a.modelInfo(m))
	}
	a.log.Info("admin", "act", engine.ActShadow, "by", c.Name, "bundles", req.Bundles, "sequence", resp.Sequence)
	return resp, nil
}

// unload removes a model that is not the active one.
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
		&engine.Act{Version: 1, Kind: engine.ActUnload, By: c.Name, Bundles: []string{m.Folder},
			Digest: m.Bundle.Digest})
	if err == nil {
		a.log.Info("admin", "act", engine.ActUnload, "by", c.Name, "model", name, "sequence", seq)
	}
	return err
}
