// SPDX-License-Identifier: Apache-2.0

// Package memlog is a transparency log in memory, for tests and benchmarks of
// anchoring: RFC 6962 trees that grow, are rolled back, and fork.
package memlog

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
)

// Log is a log of numbered leaves. It implements anchor.Source.
type Log struct {
	origin string
	mu     struct {
		sync.Mutex
		salt   uint64     // part of the next leaves: logs with another salt are forks
		levels [][][]byte // levels[l][i] is the root of the 2^l leaves from i<<l on
	}
}

// New returns an empty log.
func New(origin string) *Log { return &Log{origin: origin} }

// Grow appends n leaves.
func (l *Log) Grow(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range n {
		var leaf [16]byte
		binary.BigEndian.PutUint64(leaf[:], l.mu.salt)
		binary.BigEndian.PutUint64(leaf[8:], uint64(l.size()))
		node := rfc6962.DefaultHasher.HashLeaf(leaf[:])
		for level := 0; ; level++ {
			if level == len(l.mu.levels) {
				l.mu.levels = append(l.mu.levels, nil)
			}
			row := append(l.mu.levels[level], node)
			l.mu.levels[level] = row
			if len(row)%2 == 1 {
				break
			}
			node = rfc6962.DefaultHasher.HashChildren(row[len(row)-2], row[len(row)-1])
		}
	}
}

// Fork drops all leaves from size on, and makes the later ones differ from the
// dropped ones.
func (l *Log) Fork(size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.salt++
	for level := range l.mu.levels {
		l.mu.levels[level] = l.mu.levels[level][:size>>level]
	}
}

// Size is the number of leaves.
func (l *Log) Size() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(l.size())
}

func (l *Log) size() int {
	if len(l.mu.levels) == 0 {
		return 0
	}
	return len(l.mu.levels[0])
}

// Root is the Merkle tree hash of the first n leaves.
func (l *Log) Root(n uint64) assay.Digest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.root(n)
}

func (l *Log) root(n uint64) assay.Digest {
	if n == 0 {
		return assay.Digest(rfc6962.DefaultHasher.EmptyRoot())
	}
	ids := compact.RangeNodes(0, n, nil)
	var root []byte
	for i := len(ids) - 1; i >= 0; i-- {
		node := l.node(ids[i])
		if root == nil {
			root = node
		} else {
			root = rfc6962.DefaultHasher.HashChildren(node, root)
		}
	}
	return assay.Digest(root)
}

func (l *Log) node(id compact.NodeID) []byte { return l.mu.levels[id.Level][id.Index] }

// Checkpoint implements anchor.Source.
func (l *Log) Checkpoint(context.Context) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := uint64(l.size())
	if n == 0 {
		return nil, nil
	}
	return l.note(n), nil
}

// Note returns the checkpoint of n leaves; its signature is not a real one.
func (l *Log) Note(n uint64) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.note(n)
}

func (l *Log) note(n uint64) []byte {
	root := l.root(n)
	return fmt.Appendf(nil, "%s\n%d\n%s\n\n— %s AAAAAAAA\n", l.origin, n, base64.StdEncoding.EncodeToString(root[:]),
		l.origin)
}

// Consistency implements anchor.Source.
func (l *Log) Consistency(_ context.Context, from, to uint64) ([][]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if to > uint64(l.size()) {
		return nil, fmt.Errorf("memlog: %d leaves asked for, %d are here: %w", to, l.size(), assay.ErrNotFound)
	}
	nodes, err := proof.Consistency(from, to)
	if err != nil {
		return nil, fmt.Errorf("memlog: %w", err)
	}
	hashes := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		hashes[i] = l.node(id)
	}
	return nodes.Rehash(hashes, rfc6962.DefaultHasher.HashChildren)
}
