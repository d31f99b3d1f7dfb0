// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"container/list"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/peer"
)

// Limits for strangers: callers, and their connections, without an accepted
// credential. They hold when credentials are configured; without any, the server
// listens on loopback only.
const (
	// maxConnections bounds the open connections; any more are closed at once.
	maxConnections = 16_384
	// maxStrangers bounds the connections on which no caller has been
	// authenticated; when there is one more, the oldest is closed.
	maxStrangers = 1_024
	// A stranger's connection may send strangerBytes at once, and
	// strangerBytesPerSecond from then on; one that sends more is closed.
	strangerBytes          = 128 << 10
	strangerBytesPerSecond = 512
	// It may make so many calls of methods that need no credential, and so many
	// calls that are refused, at once, and strangerCallsPerSecond from then on; one
	// that makes more is closed.
	strangerCalls          = 100
	strangerRefusals       = 1_000
	strangerCallsPerSecond = 20
	// How many calls of strangers may be under way.
	strangerStreams, strangerStreamsPerConnection = 256, 8
	// How many calls with a token that is not verified yet may be under way. Each
	// may have sent a whole message by then.
	pendingTokens, pendingTokensPerConnection = 16, 8
	// How long a stranger's call may take: strangerWatch for health watches and
	// reflection, strangerCall for all others.
	strangerCall, strangerWatch = 10 * time.Second, 15 * time.Minute
)

// connections is a net.Listener that counts the connections of another and limits
// those of strangers.
type connections struct {
	net.Listener
	mu struct {
		sync.Mutex
		open      int
		strangers list.List // *connection, the oldest first
	}
	streams, pending slots
}

func newConnections(l net.Listener) *connections {
	return &connections{Listener: l, streams: slots{limit: strangerStreams}, pending: slots{limit: pendingTokens}}
}

// slots is a counter with a limit.
type slots struct {
	limit int64
	used  atomic.Int64
}

func (s *slots) acquire() bool {
	if s.used.Add(1) > s.limit {
		s.used.Add(-1)
		return false
	}
	return true
}

func (s *slots) release() { s.used.Add(-1) }

// Accept implements net.Listener.
func (l *connections) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if conn := l.add(c); conn != nil {
			return conn, nil
		}
		_ = c.Close() // the server is full
	}
}

// add counts a connection; nil when there are too many.
func (l *connections) add(c net.Conn) *connection {
	now := time.Now()
	conn := &connection{Conn: c, table: l, streams: slots{limit: strangerStreamsPerConnection},
		pending: slots{limit: pendingTokensPerConnection},
		bytes:   allowance{left: strangerBytes, limit: strangerBytes, perSecond: strangerBytesPerSecond, at: now},
		calls:   allowance{left: strangerCalls, limit: strangerCalls, perSecond: strangerCallsPerSecond, at: now},
		refusals: allowance{left: strangerRefusals, limit: strangerRefusals, perSecond: strangerCallsPerSecond,
			at: now}}
	var oldest *connection
	l.mu.Lock()
	if l.mu.open >= maxConnections {
		l.mu.Unlock()
		return nil
	}
	l.mu.open++
	conn.stranger = l.mu.strangers.PushBack(conn)
	if l.mu.strangers.Len() > maxStrangers {
		oldest = l.mu.strangers.Front().Value.(*connection)
	}
	l.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
	return conn
}

// connection is the connection of one client. It is a stranger's until a caller on
// it has been authenticated.
type connection struct {
	net.Conn
	table            *connections
	known            atomic.Bool
	closed           sync.Once
	streams, pending slots
	stranger         *list.Element // in table.mu.strangers, nil when it is not in it; owned by table.mu

	mu                     sync.Mutex
	bytes, calls, refusals allowance // owned by mu
}

// allowance is a token bucket.
type allowance struct {
	left, limit, perSecond float64
	at                     time.Time
}

// spend takes n tokens, and reports whether so many were left.
func (a *allowance) spend(n float64, now time.Time) bool {
	a.left = min(a.limit, a.left+now.Sub(a.at).Seconds()*a.perSecond) - n
	a.at = now
	return a.left >= 0
}

// errFlood is the read error of a connection that was closed.
var errFlood = errors.New("a connection without a credential has sent too much")

// Read implements net.Conn.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && !c.known.Load() && !c.spend(&c.bytes, float64(n)) {
		_ = c.Close()
		return 0, errFlood
	}
	return n, err
}

// spend takes n tokens of one of c's allowances.
func (c *connection) spend(a *allowance, n float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return a.spend(n, time.Now())
}

// grant lets c send n more bytes.
func (c *connection) grant(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes.left += float64(n)
	c.bytes.limit = max(c.bytes.limit, c.bytes.left)
}

// markKnown lifts the limits for strangers: a caller on c has been authenticated.
func (c *connection) markKnown() {
	if c.known.Swap(true) {
		return
	}
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	c.leaveLocked()
}

// leaveLocked removes c from the strangers, with table.mu held.
func (c *connection) leaveLocked() {
	if c.stranger != nil {
		c.table.mu.strangers.Remove(c.stranger)
		c.stranger = nil
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.closed.Do(func() {
		c.table.mu.Lock()
		defer c.table.mu.Unlock()
		c.table.mu.open--
		c.leaveLocked()
	})
	return c.Conn.Close()
}

// RemoteAddr implements net.Conn. The address leads from a call to its connection:
// gRPC puts it into the context of every call.
func (c *connection) RemoteAddr() net.Addr { return &clientAddress{c.Conn.RemoteAddr(), c} }

type clientAddress struct {
	net.Addr
	conn *connection
}

// connectionOf returns the connection of a call, nil when it is not one of
// connections.
func connectionOf(ctx context.Context) *connection {
	if p, ok := peer.FromContext(ctx); ok {
		if a, ok := p.Addr.(*clientAddress); ok {
			return a.conn
		}
	}
	return nil
}
