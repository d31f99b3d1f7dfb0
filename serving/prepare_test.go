// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/models"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestAdminsDoNotWait: while one admin's bundle is read, which may take as long
// as a disk takes, others set policies and read the status.
func TestAdminsDoNotWait(t *testing.T) {
	second := bundle(t, planYAML, "second", 0.25)
	reading, proceed := make(chan struct{}), make(chan struct{})
	n := start(t, t.TempDir(), Config{Load: func(ctx context.Context, _ string) (*models.Bundle, error) {
		select {
		case reading <- struct{}{}:
		default:
		}
		select {
		case <-proceed:
			return second, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
	adm := pb.NewAdminClient(n.client.Conn())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	activated := make(chan error, 1)
	go func() {
		r, err := adm.ActivateModel(ctx, &pb.ActivateModelRequest{RequestId: "slow", Bundle: "second"})
		if err == nil && !r.Model.Active {
			err = status.Error(codes.Unknown, "not active")
		}
		activated <- err
	}()
	<-reading
	if _, err := adm.SetPolicy(ctx, &pb.SetPolicyRequest{RequestId: "p", Yaml: []byte("name: new\ncutoffs: {review_from: 0.2, decline_from: 0.8}\n")}); err != nil {
		t.Errorf("a policy meanwhile: %v", err)
	}
	if _, err := adm.GetStatus(ctx, &pb.GetStatusRequest{}); err != nil {
		t.Errorf("the status meanwhile: %v", err)
	}
	close(proceed)
	// The model was prepared with the policy that stood: it is made again with
	// the new one.
	if err := <-activated; err != nil {
		t.Fatal(err)
	}
	active := n.server.engine.routes.Load().active
	if active.bundle.Digest != second.Digest || active.policy.Name() != "new" {
		t.Errorf("active: %s by policy %s", active.name, active.policy.Name())
	}
}

// TestBombsAreRefused: an admin's text that is small and means much is refused
// with what it exceeds, by the server as by the reader.
func TestBombsAreRefused(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	adm := pb.NewAdminClient(n.client.Conn())
	for name, text := range map[string]string{
		"nested": "name: " + strings.Repeat("[", 100_000), "begin or end": "name: " + strings.Repeat(`"`, 100_000),
		"is in": "rules: &a\n- <<: *a\n", "empty lines": "name: |\n" + strings.Repeat(" \n", 100_000),
	} {
		_, err := adm.SetPolicy(t.Context(), &pb.SetPolicyRequest{RequestId: "p " + name, Yaml: []byte(text)})
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
	}
}
