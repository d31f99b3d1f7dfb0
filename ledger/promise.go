// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
)

// promiseTag begins the bytes that a promise's signature covers. A note that the
// same key signs begins with the log's origin, which must not be this line.
const promiseTag = "assay/promise/v1\n"

// MaxGroup is the largest number of records that one promise signature covers.
const MaxGroup = 1 << 16

// promiseFixedBytes is the length of a promise that has no path.
const promiseFixedBytes = 1 + 8 + 32 + 8 + 4 + 1 + ed25519.SignatureSize

// Promise is the log's signed statement, given with the reply, that the record
// with this leaf hash is durable and will be in the log at index Sequence. The
// records of one commit group are the leaves of a small RFC 6962 tree; the
// signature covers its root, and Path leads from the leaf to it.
//
//	version   1 byte    1
//	sequence  8 bytes   big-endian
//	leaf hash 32 bytes
//	first     8 bytes   sequence number of the group's first record
//	count     4 bytes   number of records in the group
//	n         1 byte    length of the path
//	path      32*n bytes, leaf side first
//	signature 64 bytes  Ed25519 over tag || len(origin) (2 bytes) || origin || first || count || root
type Promise struct {
	Sequence  uint64
	LeafHash  assay.Digest
	First     uint64
	Count     uint32
	Path      []assay.Digest
	Signature [ed25519.SignatureSize]byte
}

// PromiseMessage returns the bytes that a group's signature covers.
func PromiseMessage(origin string, first uint64, count uint32, root assay.Digest) []byte {
	b := make([]byte, 0, len(promiseTag)+2+len(origin)+8+4+len(root))
	b = append(b, promiseTag...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(origin)))
	b = append(b, origin...)
	b = binary.BigEndian.AppendUint64(b, first)
	b = binary.BigEndian.AppendUint32(b, count)
	return append(b, root[:]...)
}

// AppendBinary appends the promise's bytes, as the reply carries them.
func (p *Promise) AppendBinary(b []byte) []byte {
	b = append(b, 1)
	b = binary.BigEndian.AppendUint64(b, p.Sequence)
	b = append(b, p.LeafHash[:]...)
	b = binary.BigEndian.AppendUint64(b, p.First)
	b = binary.BigEndian.AppendUint32(b, p.Count)
	b = append(b, byte(len(p.Path)))
	for i := range p.Path {
		b = append(b, p.Path[i][:]...)
	}
	return append(b, p.Signature[:]...)
}

// MarshalBinary returns the promise's bytes.
func (p *Promise) MarshalBinary() ([]byte, error) {
	return p.AppendBinary(make([]byte, 0, promiseFixedBytes+32*len(p.Path))), nil
}

// ParsePromise reads what MarshalBinary writes and refuses all else.
func ParsePromise(b []byte) (Promise, error) {
	var p Promise
	bad := func(format string, args ...any) (Promise, error) {
		return Promise{}, fmt.Errorf("promise: "+format+": %w", append(args, assay.ErrCorrupt)...)
	}
	if len(b) < promiseFixedBytes {
		return bad("%d bytes, want at least %d", len(b), promiseFixedBytes)
	}
	if b[0] != 1 {
		return bad("version %d, this program reads version 1", b[0])
	}
	p.Sequence = binary.BigEndian.Uint64(b[1:])
	copy(p.LeafHash[:], b[9:])
	p.First = binary.BigEndian.Uint64(b[41:])
	p.Count = binary.BigEndian.Uint32(b[49:])
	n := int(b[53])
	if len(b) != promiseFixedBytes+32*n {
		return bad("%d bytes do not hold a path of %d hashes", len(b), n)
	}
	if p.Count == 0 || p.Count > MaxGroup || p.Sequence < p.First || p.Sequence-p.First >= uint64(p.Count) {
		return bad("record %d does not lie in a group of %d records from %d", p.Sequence, p.Count, p.First)
	}
	b = b[54:]
	if n > 0 {
		p.Path = make([]assay.Digest, n)
		for i := range p.Path {
			copy(p.Path[i][:], b[32*i:])
		}
	}
	copy(p.Signature[:], b[32*n:])
	return p, nil
}

// Root returns the root of the group, to which the path leads.
func (p *Promise) Root() (assay.Digest, error) {
	path := make([][]byte, len(p.Path))
	for i := range p.Path {
		path[i] = p.Path[i][:]
	}
	r, err := proof.RootFromInclusionProof(rfc6962.DefaultHasher, p.Sequence-p.First,
		uint64(p.Count), p.LeafHash[:], path)
	if err != nil {
		return assay.Digest{}, fmt.Errorf("promise: %w: %w", err, assay.ErrCorrupt)
	}
	return assay.Digest(r), nil
}

// Verify checks the promise's signature under the log's key.
func (p *Promise) Verify(key Key) error {
	root, err := p.Root()
	if err != nil {
		return err
	}
	if !ed25519.Verify(key.Public, PromiseMessage(key.Origin, p.First, p.Count, root), p.Signature[:]) {
		return fmt.Errorf("promise: the signature is not by key %s: %w", key, assay.ErrCorrupt)
	}
	return nil
}

// GroupTree is the RFC 6962 tree over the leaf hashes of one commit group. The
// zero value is ready; Reset reuses its memory.
type GroupTree struct {
	levels [][]assay.Digest // levels[0] are the leaves; an odd last node rises as it is
}

// Reset builds the tree over leaves, which must not be empty.
func (g *GroupTree) Reset(leaves []assay.Digest) {
	height := bits.Len(uint(len(leaves)-1)) + 1
	for len(g.levels) < height {
		g.levels = append(g.levels, nil)
	}
	g.levels = g.levels[:height]
	g.levels[0] = append(g.levels[0][:0], leaves...)
	for h := 1; h < height; h++ {
		below, level := g.levels[h-1], g.levels[h][:0]
		i := 0
		for ; i+1 < len(below); i += 2 {
			level = append(level, HashChildren(&below[i], &below[i+1]))
		}
		if i < len(below) {
			level = append(level, below[i])
		}
		g.levels[h] = level
	}
}

// Root returns the tree's root.
func (g *GroupTree) Root() assay.Digest { return g.levels[len(g.levels)-1][0] }

// AppendPath appends the audit path of leaf i, leaf side first.
func (g *GroupTree) AppendPath(dst []assay.Digest, i int) []assay.Digest {
	for h := 0; h < len(g.levels)-1; h++ {
		if s := i ^ 1; s < len(g.levels[h]) {
			dst = append(dst, g.levels[h][s])
		}
		i >>= 1
	}
	return dst
}
