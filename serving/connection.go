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

// Limits of what can be taken without a credential. They hold when credentials
// are configured; without any, the server listens to its own machine alone.
const (
	// maxConnections bounds the open connections; more are closed at once.
	maxConnections = 16_384
	// maxStrangers bounds the connections on which no caller has been
	// authenticated; for one more, the oldest is closed.
	maxStrangers = 1_024
	// A stranger's connection may send strangerBytes at once and so many a
	// second from then on; one that sends more is closed.
	strangerBytes          = 128 << 10
	strangerBytesPerSecond = 512
	// It may call methods that need no credential so often, be refused so
	// often, and as often again each second; then it is closed.
	strangerCalls          = 100
	strangerRefusals       = 1_000
	strangerCallsPerSecond = 20
	// Calls of strangers that are under way.
	strangerStreams, strangerStreamsPerConnection = 256, 8
	// Calls with a token that has not been verified yet: each may already have
	// sent a whole message.
	pendingTokens, pendingTokensPerConnection = 16, 8
	// How long a stranger's call may take: one that is answered at once, or a
	// token to verify, and one that watches or asks what there is.
	strangerCall, strangerWatch = 10 * time.Second, 15 * time.Minute
)

// connections counts a server's connections. It is a net.Listener in front of
// another.
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
	return &connections{Listener: l, streams: slots{most: strangerStreams}, pending: slots{most: pendingTokens}}
}

// slots counts what is in use of a few.
type slots struct {
	most int64
	used atomic.Int64
}

func (s *slots) take() bool {
	if s.used.Add(1) > s.most {
		s.used.Add(-1)
		return false
	}
	return true
}

func (s *slots) give() { s.used.Add(-1) }

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

// add takes a connection in, nil when there are too many.
func (l *connections) add(c net.Conn) *connection {
	now := time.Now()
	conn := &connection{Conn: c, of: l, streams: slots{most: strangerStreamsPerConnection},
		pending:  slots{most: pendingTokensPerConnection},
		bytes:    allowance{left: strangerBytes, most: strangerBytes, perSecond: strangerBytesPerSecond, at: now},
		calls:    allowance{left: strangerCalls, most: strangerCalls, perSecond: strangerCallsPerSecond, at: now},
		refusals: allowance{left: strangerRefusals, most: strangerRefusals, perSecond: strangerCallsPerSecond, at: now}}
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

// connection is one client's. Until a caller on it has been authenticated it
// may send little.
type connection struct {
	net.Conn
	of               *connections
	known            atomic.Bool
	closed           sync.Once
	streams, pending slots
	stranger         *list.Element // in of.mu.strangers, nil when it is not; owned by of.mu

	mu                     sync.Mutex
	bytes, calls, refusals allowance // owned by mu
}

// allowance is a bucket that fills again.
type allowance struct {
	left, most, perSecond float64
	at                    time.Time
}

// spend takes n, and reports whether that much was left.
func (a *allowance) spend(n float64, now time.Time) bool {
	a.left = min(a.most, a.left+now.Sub(a.at).Seconds()*a.perSecond) - n
	a.at = now
	return a.left >= 0
}

// errFlood ends a connection.
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

// spend takes n of an allowance of c's.
func (c *connection) spend(a *allowance, n float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return a.spend(n, time.Now())
}

// grant lets c send more bytes.
func (c *connection) grant(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes.left += float64(n)
	c.bytes.most = max(c.bytes.most, c.bytes.left)
}

// recognise notes that a caller on c has been authenticated.
func (c *connection) recognise() {
	if c.known.Swap(true) {
		return
	}
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.leaveLocked()
}

// leaveLocked takes c from the strangers, with of.mu held.
func (c *connection) leaveLocked() {
	if c.stranger != nil {
		c.of.mu.strangers.Remove(c.stranger)
		c.stranger = nil
	}
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.closed.Do(func() {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		c.of.mu.open--
		c.leaveLocked()
	})
	return c.Conn.Close()
}

// RemoteAddr implements net.Conn. The address is how a call finds its
// connection: gRPC hands it to everything that deals with a call.
func (c *connection) RemoteAddr() net.Addr { return &clientAddress{c.Conn.RemoteAddr(), c} }

type clientAddress struct {
	net.Addr
	conn *connection
}

// connectionOf returns the connection that a call came by, nil when it is not
// one that is counted.
func connectionOf(ctx context.Context) *connection {
	if p, ok := peer.FromContext(ctx); ok {
		if a, ok := p.Addr.(*clientAddress); ok {
			return a.conn
		}
	}
	return nil
}
