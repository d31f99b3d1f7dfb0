// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/serving/assayclient"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// The attackers of TestStrangers: the small size by default, the full one with
// ASSAY_STRANGERS=200 (connections).
const (
	fewStrangers  = 24
	strangersHold = 2 * time.Second
)

var (
	watch    = "/grpc.health.v1.Health/Watch"
	check    = "/grpc.health.v1.Health/Check"
	reflect  = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	apiKey   = hpack.HeaderField{Name: "x-api-key", Value: "no such key"}
	deadline = hpack.HeaderField{Name: "grpc-timeout", Value: "99999999H"}
)

// attacks are what a stranger does over and over until its connection is closed.
var attacks = map[string]func(*stranger) error{
	"watches": func(s *stranger) error {
		id, err := s.open(watch)
		if err == nil {
			err = s.message(id, 0, nil, true)
		}
		return err
	},
	"reflection": func(s *stranger) error {
		id, err := s.open(reflect)
		if err == nil {
			err = s.message(id, 0, nil, false)
		}
		return err
	},
	"half-open checks": func(s *stranger) error { _, err := s.open(check); return err },
	"half-open scores": func(s *stranger) error { _, err := s.open(pb.Scoring_Score_FullMethodName); return err },
	"half-open scores with a deadline": func(s *stranger) error {
		_, err := s.open(pb.Scoring_Score_FullMethodName, apiKey, deadline)
		return err
	},
	"batches without a key": func(s *stranger) error {
		id, err := s.open(pb.Scoring_ScoreBatch_FullMethodName, apiKey)
		for range 16 {
			if err == nil {
				err = s.message(id, 4<<20, make([]byte, 16<<10-5), false)
			}
		}
		return err
	},
	"large checks": func(s *stranger) error {
		id, err := s.open(check)
		for range 16 {
			if err == nil {
				err = s.message(id, 4<<20, make([]byte, 16<<10-5), false)
			}
		}
		return err
	},
	"tokens": func(s *stranger) error {
		_, err := s.open(pb.Scoring_Score_FullMethodName,
			hpack.HeaderField{Name: "authorization", Value: "Bearer a.b.c"})
		return err
	},
	"resets": func(s *stranger) error {
		id, err := s.open(watch)
		if err == nil {
			err = s.framer.WriteRSTStream(id, http2.ErrCodeCancel)
		}
		return err
	},
	"pings": func(s *stranger) error { return s.framer.WritePing(false, [8]byte{}) },
	"settings": func(s *stranger) error {
		return s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535})
	},
	"priorities": func(s *stranger) error { return s.framer.WritePriority(1, http2.PriorityParam{StreamDep: 3}) },
	"windows":    func(s *stranger) error { return s.framer.WriteWindowUpdate(0, 1) },
	"unknown methods": func(s *stranger) error {
		_, err := s.open("/no.such.Service/" + strconv.Itoa(s.random.IntN(1e9)))
		return err
	},
	"large headers": func(s *stranger) error {
		_, err := s.open(check, hpack.HeaderField{Name: "x-filler", Value: string(make([]byte, 12<<10))})
		return err
	},
	"nothing": func(*stranger) error { time.Sleep(10 * time.Millisecond); return nil },
}

// startOnTCP starts a node with credentials on a port of its own.
func startOnTCP(t *testing.T) string {
	n := start(t, t.TempDir(), Config{Auth: keys("a:score,read,audit,admin")})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.client.Score(t.Context(), "r", application("e", 1, 1)); status.Code(err) != codes.Unauthenticated {
		t.Fatalf("without a key: %v", err) // and the server runs
	}
	go func() { _ = n.server.grpc.Serve(newConnections(l)) }() // ends with the server
	return l.Addr().String()
}

// TestStrangers: strangers cannot make the process grow by more than 256 MB, and
// callers with a key are answered all the while. Client and server are one process
// here. The tests below check the single bounds.
func TestStrangers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes over a second")
	}
	connections := fewStrangers
	if s := os.Getenv("ASSAY_STRANGERS"); s != "" {
		var err error
		if connections, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	address := startOnTCP(t)
	client, err := assayclient.Dial(address, assayclient.Config{APIKey: "a-key", Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Score(t.Context(), "before", application("e", 10, 600)); err != nil {
		t.Fatal(err)
	}
	debug.FreeOSMemory() // what the tests before it left
	before, paced := held(), inUse()
	names := make([]string, 0, len(attacks))
	for name := range attacks {
		names = append(names, name)
	}
	var wg sync.WaitGroup
	end := time.Now().Add(strangersHold)
	for i := range connections {
		wg.Go(func() {
			s, err := newStranger(address, uint64(i))
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { time.Sleep(time.Until(end)); s.conn.Close() }()
			name, mix := names[i%len(names)], i >= len(names) && i%2 == 0
			for time.Now().Before(end) {
				if attacks[name](s) != nil {
					return // cut off
				}
				if mix {
					name = names[s.random.IntN(len(names))]
				}
			}
		})
	}
	most := before
	for i := 0; time.Now().Before(end); i++ {
		most = max(most, held())
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		if _, err := client.Score(ctx, "during"+strconv.Itoa(i), application("e"+strconv.Itoa(i), 10, 600)); err !=
			nil {
			t.Errorf("a caller with a key: %v", err)
		}
		cancel()
		time.Sleep(50 * time.Millisecond)
	}
	wg.Wait()
	most = max(most, held())
	t.Logf("%d MB before, %d MB at most", before>>20, most>>20)
	t.Logf("COUNT strangers %d", connections)
	t.Logf("COUNT strangers_mb %d", (most-before)>>20)
	allowed := uint64(256 << 20)
	if connections <= fewStrangers {
		allowed = 48<<20 + paced // of which a stream for each call that is refused would be several times as much
	}
	if most-before > allowed {
		t.Errorf("the process grew by %d MB, at most %d are allowed", (most-before)>>20, allowed>>20)
	}
}

// TestFloodsAreCut: a stranger's connection that repeats one thing is closed, whatever
// it repeats.
func TestFloodsAreCut(t *testing.T) {
	const most = 200_000 // of the smallest frames, far more than strangerBytes
	address := startOnTCP(t)
	for name, attack := range attacks {
		if name == "nothing" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := newStranger(address, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer s.conn.Close()
			for range most {
				if attack(s) != nil {
					return
				}
			}
			t.Errorf("%d times, and the connection is open", most)
		})
	}
}

// held is how much memory the process holds, whether it uses it or not.
func held() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys - m.HeapReleased
}

// inUse is how much of the heap is in use. The collector lets the heap grow to twice
// that.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestPublicStreams: a stranger's streams are few, and one that ends makes room.
func TestPublicStreams(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{Auth: keys("a:score,read")})
	health := healthpb.NewHealthClient(n.client.Conn())
	ctx, cancel := context.WithCancel(t.Context())
	watchOne := func(c healthpb.HealthClient) error {
		w, err := c.Watch(ctx, &healthpb.HealthCheckRequest{})
		if err == nil {
			_, err = w.Recv()
		}
		return err
	}
	for i := range strangerStreamsPerConnection {
		if err := watchOne(health); err != nil {
			t.Fatalf("watch %d: %v", i, err)
		}
	}
	if err := watchOne(health); status.Code(err) != codes.Unavailable {
		t.Errorf("one watch too many: %v", err)
	}
	cancel()
	ctx = t.Context()
	for deadline := time.Now().Add(10 * time.Second); watchOne(health) != nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("streams that ended leave no room")
		}
	}
	// Who has a key is not counted.
	known := healthpb.NewHealthClient(n.dial(assayclient.Config{APIKey: "a-key"}).Conn())
	for i := range 3 * strangerStreamsPerConnection {
		if err := watchOne(known); err != nil {
			t.Fatalf("watch %d with a key: %v", i, err)
		}
	}
}

// TestRefusedWithADeadline: whether or not a call has a deadline, a wrong key
// reads the same, and its slot is free again.
func TestRefusedWithADeadline(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{Auth: keys("a:score")})
	c := n.dial(assayclient.Config{APIKey: "wrong", Attempts: 1})
	for i := range 3 * strangerStreamsPerConnection {
		ctx, cancel := t.Context(), func() {}
		if i%2 == 0 {
			ctx, cancel = context.WithTimeout(ctx, time.Hour)
		}
		_, err := c.Score(ctx, "r", application("e", 1, 1))
		cancel()
		if status.Code(err) != codes.Unauthenticated || !has(err, "API key is not known") {
			t.Fatalf("call %d: %v", i, err)
		}
	}
}

// TestOldestStrangerLeaves: with too many strangers the oldest is closed, and
// never who has been authenticated.
func TestOldestStrangerLeaves(t *testing.T) {
	t.Parallel()
	l := newConnections(nil)
	var peers []net.Conn
	var conns []*connection
	for range maxStrangers + 2 {
		a, b := net.Pipe()
		peers = append(peers, b)
		conns = append(conns, l.add(a))
		if len(conns) == 1 {
			conns[0].markKnown()
		}
	}
	closed := func(i int) bool {
		_ = peers[i].SetReadDeadline(time.Now().Add(time.Millisecond))
		_, err := peers[i].Read(make([]byte, 1))
		return err == io.EOF
	}
	if closed(0) || !closed(1) || closed(2) {
		t.Errorf("closed: known %v, oldest stranger %v, next %v", closed(0), closed(1), closed(2))
	}
	for _, c := range conns {
		_ = c.Close()
	}
	if l.mu.open != 0 || l.mu.strangers.Len() != 0 {
		t.Errorf("%d open, %d strangers after all are closed", l.mu.open, l.mu.strangers.Len())
	}
}
