// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/auth/authtest"
)

// keys makes a configuration of API keys: "name:role,role". The key of each is
// its name with "-key" after it.
func keys(list ...string) (c auth.Config) {
	for _, s := range list {
		name, roles, _ := strings.Cut(s, ":")
		h := sha256.Sum256([]byte(name + "-key"))
		c.Keys = append(c.Keys,
			auth.Key{Name: name, SHA256: hex.EncodeToString(h[:]), Roles: strings.Split(roles, ",")})
	}
	return c
}

func (n *node) as(name string) pb.AdminClient {
	return pb.NewAdminClient(n.dial(assayclient.Config{APIKey: name + "-key"}).Conn())
}

// asCaller is one way of saying who calls.
type asCaller struct {
	name, kind, header, value string
	conn                      *grpc.ClientConn
	role                      string // "": not accepted
}

// outcomes are the codes that each credential got from each method.
type outcomes struct {
	sync.Mutex
	got map[string]map[string]codes.Code // by credential, by method
}

// TestMatrix runs every method of every service that is registered with every
// role under every kind of credential (API key, bearer token, client
// certificate), with none and with wrong ones. What the table allows may fail
// for other reasons (the request is empty), and never with one of the codes of
// authentication. docs/serving.md shows what came out, not what was meant.
func TestMatrix(t *testing.T) {
	ca, dir, issuer, stranger := newAuthority(t), t.TempDir(), authtest.NewIssuer(t), authtest.NewIssuer(t)
	caFile := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}),
		0o600); err != nil {
		t.Fatal(err)
	}
	cert, key := ca.files(dir, "server")
	serverTLS, err := ReloadingTLS(cert, key, caFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	roles := []string{"score", "record", "read", "audit", "admin"}
	cfg := keys("score:score", "record:record", "read:read", "audit:audit", "admin:admin")
	for _, name := range roles {
		cfg.Certificates = append(cfg.Certificates,
			auth.Certificate{Name: "cert-" + name, Subject: name, Roles: []string{name}})
	}
	cfg.Issuers = []auth.Issuer{{URL: issuer.URL, Audience: "assay"}}
	n := start(t, t.TempDir(), Config{TLS: serverTLS, Auth: cfg})
	token := func(is *authtest.Issuer, change map[string]any) string {
		claims := map[string]any{"iss": issuer.URL, "aud": "assay", "sub": "somebody",
			"exp": time.Now().Add(time.Hour).Unix(), "roles": []string{"admin"}}
		maps.Copy(claims, change)
		return "Bearer " + is.Token(t, claims)
	}
	dial := func(a *authority, name string) *grpc.ClientConn {
		c := &tls.Config{RootCAs: ca.pool, ServerName: "server"}
		if name != "" {
			p, err := tls.LoadX509KeyPair(a.files(t.TempDir(), name))
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates = []tls.Certificate{p}
		}
		return n.dial(assayclient.Config{TLS: c}).Conn()
	}
	plain, bearer := dial(nil, ""), "authorization"
	expired := &authority{t: t, cert: ca.cert, key: ca.key, pool: ca.pool, age: 3 * time.Hour}
	all := []asCaller{
		{name: "none", conn: plain},
		{name: "API key that is not configured", header: "x-api-key", value: "wrong", conn: plain},
		{name: "token for another audience", header: bearer, value: token(issuer, map[string]any{"aud": "others"}),
			conn: plain},
		{name: "token that has expired", header: bearer,
			value: token(issuer, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), conn: plain},
		{name: "token of another issuer", header: bearer, value: token(stranger, map[string]any{"iss": stranger.URL}),
			conn: plain},
		{name: "token signed by somebody else", header: bearer, value: token(stranger, nil), conn: plain},
		{name: "token that is none", header: bearer, value: "Bearer x.y.z", conn: plain},
		{name: "certificate with a name that is not configured", conn: dial(ca, "eve")},
		{name: "certificate that has expired", kind: "handshake", conn: dial(expired, "admin")},
		{name: "certificate of another authority", kind: "handshake", conn: dial(newAuthority(t), "admin")},
	}
	for _, role := range roles {
		all = append(all, asCaller{"key " + role, "key", "x-api-key", role + "-key", plain, role},
			asCaller{"token " + role, "token", bearer,
				token(issuer, map[string]any{"sub": role, "roles": []string{role}}), plain, role},
			asCaller{"certificate " + role, "certificate", "", "", dial(ca, role), role})
	}
	table := auth.Methods()
	out := outcomes{got: map[string]map[string]codes.Code{}}
	t.Run("calls", func(t *testing.T) {
		for _, c := range all {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				got := c.callAll(t, n, table)
				out.Lock()
				defer out.Unlock()
				out.got[c.name] = got
			})
		}
	})
	if !t.Failed() {
		between(t, "roles", rolesTable(out.got, roles))
		between(t, "refused", refusedTable(all, out.got, table))
	}
}

// callAll calls every method that the server has registered and holds what
// comes to the table.
func (c *asCaller) callAll(t *testing.T, n *node, table map[string]auth.Roles) map[string]codes.Code {
	out := map[string]codes.Code{}
	for service, info := range n.server.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			method := "/" + service + "/" + m.Name
			need, ok := table[method]
			if !ok {
				t.Errorf("%s is not in the table of roles", method)
			}
			ctx := t.Context()
			if c.header != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, c.header, c.value)
			}
			got := callEmpty(ctx, c.conn, method)
			out[method] = got
			var want bool // that the call is let in
			switch {
			case c.kind == "handshake":
				if got != codes.Unavailable {
					t.Errorf("%s: %s, want UNAVAILABLE: there is no connection", method, got)
				}
				continue
			case c.role == "":
				want = need == auth.Public
				if !want && got != codes.Unauthenticated {
					t.Errorf("%s: %s, want UNAUTHENTICATED", method, got)
				}
			default:
				r, err := auth.ParseRoles([]string{c.role})
				if err != nil {
					t.Fatal(err)
				}
				if want = need == auth.Public || need&r != 0; !want && got != codes.PermissionDenied {
					t.Errorf("%s: %s, want PERMISSION_DENIED: the table asks for %q", method, got, need)
				}
			}
			if want && (got == codes.Unauthenticated || got == codes.PermissionDenied || got == codes.Unavailable) {
				t.Errorf("%s: %s, the table asks for %q", method, got, need)
			}
		}
	}
	return out
}

// callEmpty calls a method with an empty request.
func callEmpty(ctx context.Context, conn *grpc.ClientConn, method string) codes.Code {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	switch method[strings.LastIndex(method, "/")+1:] {
	case "ScoreStream", "WatchCheckpoints", "Watch", "ServerReflectionInfo":
		// An allowed stream may have nothing to say: it is left soon.
		ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		defer cancel()
		st, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
		if err == nil {
			_ = st.SendMsg(&pb.WatchCheckpointsRequest{})
			_ = st.CloseSend()
			err = st.RecvMsg(new(pb.WatchCheckpointsResponse))
		}
		return status.Code(err)
	}
	return status.Code(conn.Invoke(ctx, method, &pb.GetStatusRequest{}, new(pb.ListModelsResponse)))
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
	t.Parallel()
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
	t.Parallel()
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
		if _, err := rpc.GetDecision(t.Context(),
			&pb.GetDecisionRequest{Key: &pb.GetDecisionRequest_Sequence{Sequence: d.Sequence}}); status.Code(
			err) != c.want {
			t.Errorf("%s: GetDecision %v, want %s", c.caller, err, c.want)
		}
		if _, err := rpc.GetReceipt(t.Context(),
			&pb.GetReceiptRequest{Sequence: d.Sequence, Wait: true}); status.Code(err) != c.want {
			t.Errorf("%s: GetReceipt %v, want %s", c.caller, err, c.want)
		}
		if _, err := rpc.Explain(t.Context(),
			&pb.ExplainRequest{What: &pb.ExplainRequest_Sequence{Sequence: d.Sequence}}); status.Code(err) != c.want {
			t.Errorf("%s: Explain %v, want %s", c.caller, err, c.want)
		}
		l, err := rpc.ListDecisions(t.Context(), &pb.ListDecisionsRequest{})
		if err != nil || len(l.Decisions) != c.listed {
			t.Errorf("%s: %d decisions listed, %v, want %d", c.caller, len(l.GetDecisions()), err, c.listed)
		}
	}
}
