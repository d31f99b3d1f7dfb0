// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/engine"
)

// TestFourEyesSeeTheSame: what two admins agree to is a model by a policy. When
// either changes between the two requests, the second one is a proposal of its
// own, and nothing is put in force.
func TestFourEyesSeeTheSame(t *testing.T) {
	t.Parallel()
	second := bundle(t, planYAML, "second", 0.5)
	cfg := Config{FourEyes: true, Auth: keys("ann:admin", "bob:admin"), Load: loading([]*models.Bundle{second})}
	n := start(t, t.TempDir(), cfg)
	id := 0
	next := func() string { id++; return strings.Repeat("i", id) }
	activate := func(who, name string, want pb.Approval) {
		t.Helper()
		resp, err := n.as(who).ActivateModel(t.Context(), &pb.ActivateModelRequest{RequestId: next(), Bundle: name})
		if err != nil || resp.Approval != want {
			t.Fatalf("%s activates %s: %v, %v, want %s", who, name, resp, err, want)
		}
	}
	set := func(who, yaml string, want pb.Approval) {
		t.Helper()
		resp, err := n.as(who).SetPolicy(t.Context(), &pb.SetPolicyRequest{RequestId: next(), Yaml: []byte(yaml)})
		if err != nil || resp.Approval != want {
			t.Fatalf("%s sets a policy: %v, %v, want %s", who, resp, err, want)
		}
	}
	const waits, done = pb.Approval_APPROVAL_PENDING, pb.Approval_APPROVAL_DONE
	mild := strings.Replace(strict, "strict", "mild", 1)

	activate("ann", "second", waits) // by the policy that was configured
	set("ann", strict, waits)
	set("bob", strict, done)
	activate("bob", "second", waits) // by another
	st, err := n.as("ann").GetStatus(t.Context(), &pb.GetStatusRequest{})
	if err != nil || len(st.Pending) != 2 || st.Active.Name != "first" {
		t.Fatalf("%v, %v, want the first model, and two proposals", st, err)
	}
	for _, p := range st.Pending {
		if !strings.Contains(p, "second (model "+second.Digest.Short()+" by policy ") {
			t.Errorf("the proposal %q does not say what would decide", p)
		}
	}
	set("ann", mild, waits) // for the first model
	activate("ann", "second", done)
	set("bob", mild, waits) // for the second
	set("ann", mild, done)
}

// TestFourEyes: one admin cannot do alone what needs two.
func TestFourEyes(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{FourEyes: true, Auth: keys("ann:admin", "bob:admin")})
	ann, bob := n.as("ann"), n.as("bob")
	req := func(id string) *pb.SetPolicyRequest {
		return &pb.SetPolicyRequest{RequestId: id,
			Yaml: []byte("name: strict\ncutoffs: {review_from: 0, decline_from: 0}\n")}
	}
	for i, c := range []struct {
		adm  pb.AdminClient
		want pb.Approval
	}{{ann, pb.Approval_APPROVAL_PENDING}, {ann, pb.Approval_APPROVAL_PENDING}, {bob, pb.Approval_APPROVAL_DONE},
		{bob, pb.Approval_APPROVAL_PENDING}} {
		resp, err := c.adm.SetPolicy(t.Context(), req(fmt.Sprint(i)))
		if err != nil || resp.Approval != c.want {
			t.Errorf("step %d: %v, %v, want %s", i, resp, err, c.want)
		}
	}
	rec, err := n.journal.Get(begun + 1) // after ann's proposal
	if err != nil {
		t.Fatal(err)
	}
	var act engine.Act
	if err := assay.UnmarshalCBOR(rec.Decision, &act); err != nil || act.Kind != engine.ActPolicy ||
		act.By != "bob" || act.Second != "ann" {
		t.Errorf("the record says %+v, %v, want both names", act, err)
	}
}

// TestFourEyesOverRestarts: what one admin asked for waits in the journal, and
// what was carried out waits no more.
func TestFourEyesOverRestarts(t *testing.T) {
	t.Parallel()
	dir, cfg := t.TempDir(), Config{FourEyes: true, Auth: keys("ann:admin", "bob:admin")}
	set := func(n *node, who, name string) pb.Approval {
		resp, err := n.as(who).SetPolicy(t.Context(),
			&pb.SetPolicyRequest{RequestId: rand.Text(),
				Yaml: []byte("name: " + name + "\ncutoffs: {review_from: 0, decline_from: 0}\n")})
		if err != nil {
			t.Fatal(err)
		}
		return resp.Approval
	}
	n := start(t, dir, cfg)
	if a, b := set(n, "ann", "one"), set(n, "ann", "two"); a != pb.Approval_APPROVAL_PENDING || b != a {
		t.Fatalf("ann alone: %s, %s", a, b)
	}
	if a := set(n, "bob", "two"); a != pb.Approval_APPROVAL_DONE {
		t.Fatalf("both: %s", a)
	}
	n.stop()
	n = start(t, dir, cfg)
	st, err := n.as("ann").GetStatus(t.Context(), &pb.GetStatusRequest{})
	if err != nil || len(st.Pending) != 1 {
		t.Fatalf("pending after a restart: %q, %v, want one", st.GetPending(), err)
	}
	if a := set(n, "ann", "one"); a != pb.Approval_APPROVAL_PENDING {
		t.Errorf("ann again after a restart: %s", a)
	}
	if a := set(n, "bob", "one"); a != pb.Approval_APPROVAL_DONE {
		t.Errorf("bob after a restart: %s", a)
	}
}
