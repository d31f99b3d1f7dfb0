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

// probes are the answers that an orchestrator gets from the server.
type probes struct {
	live, ready                        int
	healthLive, healthReady, healthAll healthpb.HealthCheckResponse_ServingStatus
}

func (n *node) probe() probes {
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
	return probes{get("/livez"), get("/readyz"), check(HealthLive), check(HealthReady), check("")}
}

// watchEnds watches checkpoints and returns the error with which the watch ends.
func watchEnds(t *testing.T, c *assayclient.Client) <-chan error {
	t.Helper()
	watch, err := pb.NewScoringClient(c.Conn()).WatchCheckpoints(t.Context(), &pb.WatchCheckpointsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := watch.Recv(); err != nil {
				ended <- err
				return
			}
		}
	}()
	return ended
}

// holdRequest begins a request that waits in front of the critical section until
// release is called.
func (n *node) holdRequest(c *assayclient.Client) (answered <-chan error, release func()) {
	done := make(chan error, 1)
	release = n.server.engine.HoldSequencing()
	go func() {
		_, err := c.Score(context.Background(), "held", application("held", 10, 600))
		done <- err
	}()
	for n.server.engine.InFlight() == 0 {
		time.Sleep(time.Millisecond)
	}
	return done, release
}

// openStream begins a stream, of which one request is answered, and sends nothing
// more.
func openStream(t *testing.T, c *assayclient.Client) (ended <-chan error) {
	t.Helper()
	st, err := pb.NewScoringClient(c.Conn()).ScoreStream(context.Background())
	if err == nil {
		err = st.Send(scoreRequest("only", application("only", 10, 600)))
	}
	if err == nil {
		_, err = st.Recv()
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := st.Recv()
		done <- err
	}()
	return done
}

// TestDrain: a server that is told to stop is alive and not ready, accepts no new
// request, finishes the one that is under way, and ends watches. A stream that never
// ends delays it no longer than the bound.
func TestDrain(t *testing.T) {
	if testing.Short() {
		t.Skip("takes over a second")
	}
	const up, down = healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_NOT_SERVING
	for name, finishes := range map[string]bool{"finishes": true, "never ends": false} {
		t.Run(name, func(t *testing.T) {
			n := start(t, t.TempDir(), Config{})
			if _, err := n.client.Score(t.Context(), "before", application("before", 10, 600)); err != nil {
				t.Fatal(err)
			}
			if got := n.probe(); got != (probes{200, 200, up, up, up}) {
				t.Errorf("serving: %+v", got)
			}
			const bound = 1500 * time.Millisecond
			n.server.cfg.DrainTimeout = bound // read when the drain begins
			once := n.dial(assayclient.Config{Attempts: 1})
			watch := watchEnds(t, once)
			var answered <-chan error
			release := func() {}
			if finishes {
				answered, release = n.holdRequest(once)
			} else {
				answered = openStream(t, once)
			}
			stopped, began := make(chan struct{}), time.Now()
			go func() { n.stop(); close(stopped) }()
			for !n.server.draining.Load() {
				time.Sleep(time.Millisecond)
			}
			for end := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
				got := n.probe()
				if got == (probes{200, 503, up, down, down}) {
					break
				}
				if time.Now().After(end) {
					t.Errorf("draining: %+v; want alive and not ready", got)
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
			release()
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
