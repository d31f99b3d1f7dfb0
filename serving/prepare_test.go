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
	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestAdminsDoNotWait: while one admin's bundle is read, which may take as long
// as a disk takes, others set policies and read the status.
func TestAdminsDoNotWait(t *testing.T) {
	t.Parallel()
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
	if _, err := adm.SetPolicy(ctx,
		&pb.SetPolicyRequest{RequestId: "p",
			Yaml: []byte("name: new\ncutoffs: {review_from: 0.2, decline_from: 0.8}\n")}); err != nil {
		t.Errorf("a policy meanwhile: %v", err)
	}
	if _, err := adm.GetStatus(ctx, &pb.GetStatusRequest{}); err != nil {
		t.Errorf("the status meanwhile: %v", err)
	}
	close(proceed)
	// The model was prepared with the old policy: it is made again with the new one.
	if err := <-activated; err != nil {
		t.Fatal(err)
	}
	active := n.server.engine.Models().Active
	if active.Bundle.Digest != second.Digest || active.Policy.Name() != "new" {
		t.Errorf("active: %s by policy %s", active.Name, active.Policy.Name())
	}
}

// TestOneAdminHoldsNobodyUp: however many bundles one admin asks for that are slow to
// read, another admin can set a policy meanwhile.
func TestOneAdminHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	second := bundle(t, planYAML, "second", 0.25)
	proceed, reading := make(chan struct{}), make(chan struct{}, 100)
	n := start(t, t.TempDir(),
		Config{Auth: keys("a:admin", "b:admin"), Load: func(context.Context, string) (*models.Bundle, error) {
			reading <- struct{}{}
			<-proceed // as a disk that has stopped: the caller's deadline is nothing to it
			return second, nil
		}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	slow := pb.NewAdminClient(n.dial(assayclient.Config{APIKey: "a-key"}).Conn())
	const calls = 20
	activated := make(chan error, calls)
	for i := range calls {
		go func() {
			_, err := slow.ActivateModel(t.Context(),
				&pb.ActivateModelRequest{RequestId: fmt.Sprint("slow", i), Bundle: "second"})
			activated <- err
		}()
	}
	for range maxPreparingOfOne {
		<-reading
	}
	calm := &pb.SetPolicyRequest{RequestId: "p",
		Yaml: []byte("name: new\ncutoffs: {review_from: 0.2, decline_from: 0.8}\n")}
	other := pb.NewAdminClient(n.dial(assayclient.Config{APIKey: "b-key"}).Conn())
	if _, err := other.SetPolicy(ctx, calm); err != nil {
		t.Errorf("another admin's policy meanwhile: %v", err)
	}
	if n := len(reading); n > 0 {
		t.Errorf("%d more bundles of one admin are being read", n)
	}
	close(proceed)
	for range calls {
		// they change the model under one another
		if err := <-activated; err != nil && status.Code(err) != codes.Unavailable {
			t.Error(err)
		}
	}
}

// TestBombsAreRefused: a short text that expands to much is refused, with the bound
// that it exceeds, and reading it takes no more than the memory that is stated.
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
