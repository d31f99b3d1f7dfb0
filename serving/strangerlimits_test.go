// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/auth/authtest"
)

// TestStrangersInAll: the streams of all connections without a credential are
// bounded, also where each has few, and a caller with a key is not among them.
func TestStrangersInAll(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{Auth: keys("a:score,read")})
	watchOne := func(c healthpb.HealthClient) error {
		w, err := c.Watch(t.Context(), &healthpb.HealthCheckRequest{})
		if err == nil {
			_, err = w.Recv()
		}
		return err
	}
	for i := range strangerStreams / strangerStreamsPerConnection {
		c := healthpb.NewHealthClient(n.dial(assayclient.Config{Attempts: 1}).Conn())
		for range strangerStreamsPerConnection {
			if err := watchOne(c); err != nil {
				t.Fatalf("connection %d: %v", i, err)
			}
		}
	}
	if err := watchOne(healthpb.NewHealthClient(n.dial(assayclient.Config{Attempts: 1}).Conn())); status.Code(err) !=
		codes.Unavailable {
		t.Errorf("one watch too many in all: %v", err)
	}
	if err := watchOne(healthpb.NewHealthClient(n.dial(assayclient.Config{APIKey: "a-key"}).Conn())); err != nil {
		t.Errorf("with a key: %v", err)
	}
}

// TestStrangersCallsEnd: a call of a stranger has a time after which it ends.
func TestStrangersCallsEnd(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{Auth: keys("a:score")})
	if err := n.client.Conn().Invoke(t.Context(), check, &healthpb.HealthCheckRequest{},
		&healthpb.HealthCheckResponse{}); err != nil {
		t.Fatal(err) // and the server runs
	}
	for method, most := range map[string]time.Duration{check: strangerCall, watch: strangerWatch,
		reflect: strangerWatch} {
		conn := newConnections(nil).add(pipe(t))
		begin := time.Now()
		ctx, err := n.server.admitStranger(t.Context(), conn, method)
		if err != nil {
			t.Fatal(err)
		}
		if at, ok := ctx.Deadline(); !ok || at.After(begin.Add(most+time.Minute)) {
			t.Errorf("%s ends at %v (%t), want within %v", method, at, ok, most)
		}
	}
}

// TestStrangersCallsAreCounted: a connection is closed for the number of its
// calls, or of those that are refused, long before the bytes that they take are
// spent: a header that is repeated takes few.
func TestStrangersCallsAreCounted(t *testing.T) {
	address := startOnTCP(t)
	for method, most := range map[string]int{check: strangerCalls, pb.Scoring_Score_FullMethodName: strangerRefusals} {
		s, err := listeningStranger(address, 1)
		if err != nil {
			t.Fatal(err)
		}
		defer s.conn.Close()
		var b bytes.Buffer
		e := hpack.NewEncoder(&b)
		begin, n := time.Now(), 0
		for ; err == nil && n < 10*most; n++ {
			b.Reset()
			for _, f := range headersOf(method) {
				_ = e.WriteField(f) // to memory
			}
			err = s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id,
				BlockFragment: b.Bytes(), EndHeaders: true})
			s.id += 2
			if err == nil && n%20 == 0 {
				err = s.settle()
			}
		}
		refilled := int(time.Since(begin).Seconds() * strangerCallsPerSecond)
		if err == nil || n < most || n > most+refilled+40 {
			t.Errorf("%s: the connection took %d calls, at most %d are allowed (%v)", method, n, most, err)
		}
	}
}

// TestFewTokensAtOnce: calls whose token nobody has verified yet are few on a
// connection and in all, and one that ends makes room.
func TestFewTokensAtOnce(t *testing.T) {
	t.Parallel()
	issuer := authtest.NewIssuer(t)
	n := start(t, t.TempDir(), Config{Auth: auth.Config{Issuers: []auth.Issuer{{URL: issuer.URL, Audience: "assay"}}}})
	if _, err := n.client.Score(t.Context(), "r", application("e", 1, 1)); status.Code(err) != codes.Unauthenticated {
		t.Fatal(err) // and the server runs
	}
	c := auth.Credential{Bearer: issuer.Token(t, map[string]any{"iss": issuer.URL, "aud": "assay", "sub": "ann",
		"exp": time.Now().Add(time.Hour).Unix(), "roles": []string{"score"}})}
	ctx, stop := context.WithCancel(t.Context())
	all := newConnections(nil)
	var conns []*connection
	for range pendingTokens / pendingTokensPerConnection {
		conn := all.add(pipe(t))
		conns = append(conns, conn)
		for i := range pendingTokensPerConnection {
			if _, err := n.server.admitToken(ctx, conn, check, c); err != nil {
				t.Fatalf("token %d: %v", i, err)
			}
		}
		if _, err := n.server.admitToken(ctx, conn, check, c); status.Code(err) != codes.Unavailable {
			t.Errorf("one token too many on a connection: %v", err)
		}
	}
	other := all.add(pipe(t))
	if _, err := n.server.admitToken(ctx, other, check, c); status.Code(err) != codes.Unavailable {
		t.Errorf("one token too many in all: %v", err)
	}
	stop()
	for begin := time.Now(); n.server.conns.pending.used.Load() > 0 ||
		conns[0].pending.used.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("calls that ended leave no room")
		}
	}
	if _, err := n.server.admitToken(t.Context(), other, check, c); err != nil {
		t.Errorf("after they have ended: %v", err)
	}
}

// TestConnectionsAreBounded: one connection too many is not taken, also where
// all have been recognised, and one that closes makes room.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	l := newConnections(nil)
	a, b := net.Pipe()
	defer b.Close()
	var first *connection
	for i := range maxConnections {
		c := l.add(a)
		if c == nil {
			t.Fatalf("connection %d is not taken", i)
		}
		c.markKnown()
		if first == nil {
			first = c
		}
	}
	if l.add(a) != nil {
		t.Errorf("connection %d is taken", maxConnections)
	}
	if _ = first.Close(); l.add(a) == nil {
		t.Error("a connection that closed leaves no room")
	}
}

// pipe is one end of a connection.
func pipe(t *testing.T) net.Conn {
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	return a
}
