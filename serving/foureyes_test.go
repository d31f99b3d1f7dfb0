// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"strings"
	"testing"

	"github.com/assayrisk/assay/models"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestFourEyesSeeTheSame: what two admins agree to is a model by a policy. When
// either changes between the two requests, the second one is a proposal of its
// own, and nothing is put in force.
func TestFourEyesSeeTheSame(t *testing.T) {
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
