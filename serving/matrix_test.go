// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
)

// keys makes a configuration of API keys: "name:role,role". The key of each is
// its name with "-key" after it.
func keys(list ...string) (c auth.Config) {
	for _, s := range list {
		name, roles, _ := strings.Cut(s, ":")
		h := sha256.Sum256([]byte(name + "-key"))
		c.Keys = append(c.Keys, auth.Key{Name: name, SHA256: hex.EncodeToString(h[:]), Roles: strings.Split(roles, ",")})
	}
	return c
}

func (n *node) as(name string) pb.AdminClient {
	return pb.NewAdminClient(n.dial(assayclient.Config{APIKey: name + "-key"}).Conn())
}

// TestMatrix runs every method with every role, with no credential and with a
// wrong one. What the table allows may fail for other reasons (the request is
// empty), and never with one of the two codes that the table gives.
func TestMatrix(t *testing.T) {
	n := start(t, t.TempDir(), Config{Auth: keys("score:score", "record:record", "read:read", "audit:audit", "admin:admin")})
	conn := n.dial(assayclient.Config{}).Conn()
	roles := map[string]auth.Roles{"score": auth.Score, "record": auth.Record, "read": auth.Read, "audit": auth.Audit, "admin": auth.Admin}
	streams := map[string]bool{"ScoreStream": true, "WatchCheckpoints": true, "Watch": true, "ServerReflectionInfo": true}
	call := func(method, key string) codes.Code {
		ctx, cancel := context.WithTimeout(t.Context(), 300e6)
		defer cancel()
		if key != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "x-api-key", key)
		}
		var err error
		if streams[method[strings.LastIndex(method, "/")+1:]] {
			var st grpc.ClientStream
			st, err = conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
			if err == nil {
				st.SendMsg(&pb.WatchCheckpointsRequest{})
				st.CloseSend()
				err = st.RecvMsg(new(pb.WatchCheckpointsResponse))
			}
		} else {
			err = conn.Invoke(ctx, method, &pb.GetStatusRequest{}, new(pb.ListModelsResponse))
		}
		return status.Code(err)
	}
	for method, need := range auth.Methods() {
		for _, key := range []string{"", "wrong-key"} {
			got := call(method, key)
			if want := need != auth.Public; (got == codes.Unauthenticated) != want {
				t.Errorf("%s with key %q: %s, want unauthenticated %v", method, key, got, want)
			}
		}
		for name, role := range roles {
			got := call(method, name+"-key")
			allowed := need == auth.Public || need&role != 0
			if (got == codes.PermissionDenied) == allowed || got == codes.Unauthenticated {
				t.Errorf("%s with role %s: %s, want allowed %v", method, name, got, allowed)
			}
		}
	}
}

// TestEveryMethodIsInTheTable: a service method that is not in the table could
// not be called at all; one in the table that no service has is a mistake.
func TestEveryMethodIsInTheTable(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	table := auth.Methods()
	for service, info := range n.server.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			full := "/" + service + "/" + m.Name
			if _, ok := table[full]; !ok {
				t.Errorf("%s is not in the table of roles", full)
			}
			delete(table, full)
		}
	}
	for m := range table {
		t.Errorf("the table names %s, which the server does not have", m)
	}
}

// TestClosedByDefault: without credentials the server takes a loopback address
// alone.
func TestClosedByDefault(t *testing.T) {
	n := start(t, t.TempDir(), Config{})
	s, err := New(n.server.cfg)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), l); !has(err, "loopback") {
		t.Errorf("listening on %s without credentials: %v", l.Addr(), err)
	}
}

// TestOthersDecisionsAreNotThere: a caller sees its own decisions, an auditor
// all, and another caller cannot tell that there is one.
func TestOthersDecisionsAreNotThere(t *testing.T) {
	n := start(t, t.TempDir(), Config{Auth: keys("a:score", "b:score", "auditor:audit")})
	d, err := n.dial(assayclient.Config{APIKey: "a-key"}).Score(t.Context(), "r", application("e", 10, 600))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		caller string
		want   codes.Code
		listed int
	}{{"a", codes.OK, 1}, {"b", codes.NotFound, 0}, {"auditor", codes.OK, 1}} {
		rpc := pb.NewScoringClient(n.dial(assayclient.Config{APIKey: c.caller + "-key"}).Conn())
		if _, err := rpc.GetDecision(t.Context(), &pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: d.Sequence}}); status.Code(err) != c.want {
			t.Errorf("%s: GetDecision %v, want %s", c.caller, err, c.want)
		}
		if _, err := rpc.GetReceipt(t.Context(), &pb.GetReceiptRequest{Sequence: d.Sequence, Wait: true}); status.Code(err) != c.want {
			t.Errorf("%s: GetReceipt %v, want %s", c.caller, err, c.want)
		}
		if _, err := rpc.Explain(t.Context(), &pb.ExplainRequest{What: &pb.ExplainRequest_Sequence{Sequence: d.Sequence}}); status.Code(err) != c.want {
			t.Errorf("%s: Explain %v, want %s", c.caller, err, c.want)
		}
		l, err := rpc.ListDecisions(t.Context(), &pb.ListDecisionsRequest{})
		if err != nil || len(l.Decisions) != c.listed {
			t.Errorf("%s: %d decisions listed, %v, want %d", c.caller, len(l.GetDecisions()), err, c.listed)
		}
	}
}
