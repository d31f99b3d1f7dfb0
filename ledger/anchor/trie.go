// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"
)

// nodeList returns trie nodes by their hash. Each node is in the list once, at
// the position where a walk first needs it, so that a proof has only one form.
type nodeList struct {
	nodes [][]byte
	seen  map[Hash][]byte
	next  int
}

func newNodeList(nodes [][]byte) *nodeList {
	return &nodeList{nodes: nodes, seen: make(map[Hash][]byte, len(nodes))}
}

func (l *nodeList) get(h Hash) ([]byte, error) {
	if n, ok := l.seen[h]; ok {
		return n, nil
	}
	if l.next == len(l.nodes) {
		return nil, errors.New("a trie node is missing")
	}
	n := l.nodes[l.next]
	if keccak(n) != h {
		return nil, fmt.Errorf("trie node %d does not have the hash that its parent names", l.next)
	}
	l.next++
	l.seen[h] = n
	return n, nil
}

// allUsed reports whether every node was needed.
func (l *nodeList) allUsed() bool { return l.next == len(l.nodes) }

func keccak(b ...[]byte) Hash { return Hash(crypto.Keccak256Hash(b...)) }

// lookup walks the Merkle Patricia trie under root to the value of key (Ethereum
// yellow paper, appendix D). The path is the nibbles of Keccak-256(key). A branch
// has 17 items. A leaf or an extension has two, of which the first is a
// hex-prefix encoded part of the path. A node of under 32 bytes is written into
// its parent in place of its hash.
func (l *nodeList) lookup(root Hash, key []byte) ([]byte, error) {
	k := keccak(key)
	path := nibbles(k[:])
	node, err := l.get(root)
	if err != nil {
		return nil, err
	}
	for depth := 0; depth <= 2*len(k); depth++ {
		items, err := listItems(node, 17)
		if err != nil {
			return nil, fmt.Errorf("trie node: %w", err)
		}
		var child []byte
		switch len(items) {
		case 17:
			if len(path) == 0 {
				return nil, errors.New("the path ends at a branch: keys of 32 bytes never do")
			}
			child, path = items[path[0]], path[1:]
		case 2:
			prefix, leaf, err := hexPrefix(items[0])
			if err != nil {
				return nil, err
			}
			if len(prefix) > len(path) || string(prefix) != string(path[:len(prefix)]) {
				return nil, errors.New("the trie does not hold the key")
			}
			path = path[len(prefix):]
			if leaf {
				if len(path) != 0 {
					return nil, errors.New("the trie does not hold the key")
				}
				return bytesItem(items[1])
			}
			if len(prefix) == 0 {
				return nil, errors.New("trie extension of no length")
			}
			child = items[1]
		default:
			return nil, fmt.Errorf("trie node of %d items, want 2 or 17", len(items))
		}
		if node, err = l.child(child); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the trie is deeper than its keys are long")
}

// child resolves a reference: a hash of 32 bytes, or the node itself.
func (l *nodeList) child(ref []byte) ([]byte, error) {
	kind, content, _, err := rlp.Split(ref)
	switch {
	case err != nil:
		return nil, err
	case kind == rlp.List && len(ref) < 32:
		return ref, nil
	case kind == rlp.String && len(content) == 32:
		return l.get(Hash(content))
	case kind == rlp.String && len(content) == 0:
		return nil, errors.New("the trie does not hold the key")
	}
	return nil, errors.New("trie reference is neither a hash nor a short node")
}

// listItems splits the RLP list in b, which must fill b, into at most max
// encoded items.
func listItems(b []byte, max int) ([][]byte, error) {
	content, rest, err := rlp.SplitList(b)
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 {
		return nil, errors.New("bytes follow the list")
	}
	var items [][]byte
	for len(content) > 0 {
		_, _, rest, err := rlp.Split(content)
		if err != nil {
			return nil, err
		}
		if len(items) == max {
			return nil, fmt.Errorf("list of more than %d items", max)
		}
		items = append(items, content[:len(content)-len(rest)])
		content = rest
	}
	return items, nil
}

// bytesItem returns the byte string that b encodes, and nothing after it.
func bytesItem(b []byte) ([]byte, error) {
	s, rest, err := rlp.SplitString(b)
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 {
		return nil, errors.New("bytes follow the string")
	}
	return s, nil
}

// hexPrefix decodes a part of a path: the high nibble of the first byte has
// flag 1 for an odd number of nibbles and flag 2 for a leaf.
func hexPrefix(item []byte) (path []byte, leaf bool, err error) {
	b, err := bytesItem(item)
	if err != nil {
		return nil, false, err
	}
	if len(b) == 0 || b[0]>>4 > 3 {
		return nil, false, errors.New("trie path without its prefix")
	}
	n := nibbles(b)
	leaf = n[0]&2 != 0
	if n[0]&1 != 0 {
		return n[1:], leaf, nil
	}
	if n[1] != 0 {
		return nil, false, errors.New("trie path with a padding that is not zero")
	}
	return n[2:], leaf, nil
}

func nibbles(b []byte) []byte {
	n := make([]byte, 0, 2*len(b))
	for _, x := range b {
		n = append(n, x>>4, x&15)
	}
	return n
}
