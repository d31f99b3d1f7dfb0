// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/internal/testbound"
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
// with what it exceeds, by the server as by the reader, for no more than the
// memory that is stated.
func TestBombsAreRefused(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	adm := pb.NewAdminClient(n.client.Conn())
	merges := "x0: &x0 {a: 1}\n"
	for i := range 12 {
		merges += fmt.Sprintf("x%d: &x%d {<<: [*x%d%s]}\n", i+1, i+1, i, strings.Repeat(fmt.Sprintf(",*x%d", i), 7))
	}
	for says, text := range map[string]string{
		"nested": "name: " + strings.Repeat("[", 5_000), "begin or end": "name: " + strings.Repeat(`"`, 100_000),
		"is in": "rules: &a\n- <<: *a\n", "empty lines": "name: |\n" + strings.Repeat(" \n", 100_000),
		"stands for more": merges, "more than 200 lines": strings.Repeat("!a k: 1\n", 3_900),
	} {
		stop := testbound.Watch(t, says, testbound.Limits{Time: 20 * time.Second, Bytes: 64 << 20})
		_, err := adm.SetPolicy(t.Context(), &pb.SetPolicyRequest{RequestId: "p " + says, Yaml: []byte(text)})
		stop()
		if status.Code(err) != codes.InvalidArgument || !has(err, says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
