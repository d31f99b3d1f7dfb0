// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"container/list"
	"net"
	"sync"
)

// Bounds of the operators' port, which asks nobody for a credential: its
// connections, and the answers of /metrics that are made at once.
const (
	maxOpsConnections = 128
	maxScrapes        = 4
)

// OpsListener bounds the connections of l, on which Ops is served: for one more
// the oldest is closed, so that connections which ask for nothing cannot keep a
// probe or a scraper out.
func OpsListener(l net.Listener) net.Listener { return &newest{Listener: l, most: maxOpsConnections} }

// newest is a listener of which only the newest connections stay open.
type newest struct {
	net.Listener
	most int
	mu   sync.Mutex
	open list.List // *newestConn, the oldest first; owned by mu
}

// Accept implements net.Listener.
func (l *newest) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	conn := &newestConn{Conn: c, of: l}
	var oldest *newestConn
	l.mu.Lock()
	conn.place = l.open.PushBack(conn)
	if l.open.Len() > l.most {
		oldest = l.open.Front().Value.(*newestConn)
	}
	l.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
	return conn, nil
}

type newestConn struct {
	net.Conn
	of    *newest
	place *list.Element // in of.open
	once  sync.Once
}

// Close implements net.Conn.
func (c *newestConn) Close() error {
	c.once.Do(func() {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		c.of.open.Remove(c.place)
	})
	return c.Conn.Close()
}
