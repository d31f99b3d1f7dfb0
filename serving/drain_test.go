// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// probed is what an orchestrator sees of the server.
func (n *node) probed() (live, ready int, healthLive, healthReady,
	healthAll healthpb.HealthCheckResponse_ServingStatus) {
	n.t.Helper()
	get := func(path string) int {
		w := httptest.NewRecorder()
		n.server.Ops().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code
	}
	check := func(service string) healthpb.HealthCheckResponse_ServingStatus {
		r, err := n.server.health.Check(n.t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil {
			n.t.Error(err)
		}
		return r.GetStatus()
	}
	return get("/livez"), get("/readyz"), check(HealthLive), check(HealthReady), check("")
}

// TestDrain: a server that is told to stop is alive and not ready, takes no new
// request, finishes the one that is under way, and ends watches; another that
// never ends holds it up no longer than the bound.
func TestDrain(t *testing.T) {
	const up, down = healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_NOT_SERVING
	for name, finishes := range map[string]bool{"finishes": true, "never ends": false} {
		t.Run(name, func(t *testing.T) {
			n := start(t, t.TempDir(), Config{})
			if _, err := n.client.Score(t.Context(), "before", application("before", 10, 600)); err != nil {
				t.Fatal(err)
			}
			if l, r, hl, hr, ha := n.probed(); l != 200 || r != 200 || hl != up || hr != up || ha != up {
				t.Errorf("serving: /livez %d, /readyz %d, health %s, %s, %s", l, r, hl, hr, ha)
			}
			const bound = 1500 * time.Millisecond
			n.server.cfg.DrainTimeout = bound // read when the drain begins
			once := n.dial(assayclient.Config{Attempts: 1})
			watch := make(chan error, 1)
			ws, err := pb.NewScoringClient(once.Conn()).WatchCheckpoints(t.Context(), &pb.WatchCheckpointsRequest{})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for {
					if _, err := ws.Recv(); err != nil {
						watch <- err
						return
					}
				}
			}()
			answered := make(chan error, 1)
			var release func()
			if finishes { // it waits before the critical section
				release = n.server.engine.HoldSequencing()
				go func() {
					_, err := once.Score(context.Background(), "held", application("held", 10, 600))
					answered <- err
				}()
				for n.server.engine.InFlight() == 0 {
					time.Sleep(time.Millisecond)
				}
			} else { // a stream whose caller says nothing more
				st, err := pb.NewScoringClient(once.Conn()).ScoreStream(context.Background())
				if err == nil {
					err = st.Send(scoreRequest("only", application("only", 10, 600)))
				}
				if err == nil {
					_, err = st.Recv()
				}
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					_, err := st.Recv()
					answered <- err
				}()
			}
			stopped, began := make(chan struct{}), time.Now()
			go func() { n.stop(); close(stopped) }()
			for !n.server.draining.Load() {
				time.Sleep(time.Millisecond)
			}
			for end := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
				l, r, hl, hr, ha := n.probed()
				if l == 200 && r == 503 && hl == up && hr == down && ha == down {
					break
				}
				if time.Now().After(end) {
					t.Errorf("draining: /livez %d, /readyz %d, health %s, %s, %s; want alive and not ready", l, r, hl,
						hr, ha)
					break
				}
			}
			if _, err := n.server.authorize(t.Context(),
				pb.Scoring_Score_FullMethodName); status.Code(statusOf(err)) != codes.Unavailable {
				t.Errorf("a new request: %v, want UNAVAILABLE", err)
			}
			if err := <-watch; status.Code(err) != codes.Unavailable {
				t.Errorf("a watch ended with %v, want UNAVAILABLE", err)
			}
			if finishes {
				release()
			}
			<-stopped
			took := time.Since(began)
			switch err := <-answered; {
			case finishes && err != nil:
				t.Errorf("the request that was under way: %v, want its decision", err)
			case !finishes && status.Code(err) != codes.Unavailable:
				t.Errorf("a stream that never ends: %v, want UNAVAILABLE", err)
			case finishes && took >= bound:
				t.Errorf("the drain took %v: it waited though nothing was under way", took)
			case !finishes && (took < bound || took > bound+4*time.Second):
				t.Errorf("the drain took %v, its bound is %v", took, bound)
			}
		})
	}
}
