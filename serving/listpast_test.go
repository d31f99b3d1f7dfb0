// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// TestListAfterAnotherPlan: decisions are found by the roles of the plan that
// they were made by, also when no loaded plan has such a role, and on every
// page; a role that nothing was found by is an error that names the nearest.
func TestListAfterAnotherPlan(t *testing.T) {
	t.Parallel()
	// The next version of the model, under its name, takes its place.
	sellers := bundle(t, strings.ReplaceAll(planYAML, "buyer", "seller"), "first", 0)
	n := start(t, t.TempDir(), Config{Load: loading([]*models.Bundle{sellers})})
	for i := range 3 {
		if _, err := n.client.Score(t.Context(), fmt.Sprint(i), application(fmt.Sprint(i), 10, 600)); err != nil {
			t.Fatal(err)
		}
	}
	adm := pb.NewAdminClient(n.client.Conn())
	// The configured policy may not fit the other plan: its own does.
	req := &pb.ActivateModelRequest{RequestId: "activate", Bundle: "first", WithPolicy: true}
	if _, err := adm.ActivateModel(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	sold := application("sold", 10, 600)
	sold.Entities = []assay.Entity{{Role: "seller", ID: "S-1"}}
	if _, err := n.client.Score(t.Context(), "sold", sold); err != nil {
		t.Fatal(err)
	}
	rpc := pb.NewScoringClient(n.client.Conn())
	list := func(role, id string, size int32) (ids []string, err error) {
		req := &pb.ListDecisionsRequest{Entity: &pb.Entity{Role: role, Id: id}, PageSize: size}
		for {
			resp, err := rpc.ListDecisions(t.Context(), req)
			if err != nil {
				return nil, err
			}
			for _, d := range resp.Decisions {
				ids = append(ids, d.RequestId)
			}
			if req.PageToken = resp.NextPageToken; req.PageToken == "" {
				return ids, nil
			}
		}
	}
	for _, size := range []int32{0, 1, 3} {
		if ids, err := list("buyer", "B-1", size); err != nil || fmt.Sprint(ids) != "[0 1 2]" {
			t.Errorf("by the role of a plan that is gone, %d a page: %v, %v, want its three decisions", size, ids, err)
		}
	}
	if ids, err := list("seller", "nobody", 0); err != nil || len(ids) != 0 {
		t.Errorf("an entity without decisions: %v, %v, want an empty list", ids, err)
	}
	_, err := list("seler", "S-1", 0)
	if status.Code(err) != codes.InvalidArgument || !has(err, "entity.role") || !has(err, `did you mean "seller"?`) {
		t.Errorf("a role that is misspelt: %v, want a hint", err)
	}
	if _, err := list("buyer", "nobody", 0); status.Code(err) != codes.InvalidArgument {
		t.Errorf("nobody by a role that no loaded plan has: %v, want a refusal", err)
	}
}

// TestListTypoOnLaterPage: pages without a decision before the last one do not
// make a misspelt role an empty list, and a page with one is no typo.
func TestListTypoOnLaterPage(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	rpc := pb.NewScoringClient(n.client.Conn())
	for _, c := range []struct {
		found bool
		want  codes.Code
	}{{false, codes.InvalidArgument}, {true, codes.OK}} {
		token := pageToken(begun, c.found)
		if next, found, err := readPageToken(token); next != begun || found != c.found || err != nil {
			t.Errorf("the token is read as %d, %t, %v", next, found, err)
		}
		req := &pb.ListDecisionsRequest{Entity: &pb.Entity{Role: "byuer", Id: "B-1"}, PageToken: token}
		if _, err := rpc.ListDecisions(t.Context(), req); status.Code(err) != c.want {
			t.Errorf("found before: %t: %v, want %s", c.found, err, c.want)
		}
	}
}
