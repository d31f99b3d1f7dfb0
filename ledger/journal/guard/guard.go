// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/store"
)

// ErrFork matches what the guard refuses: a checkpoint that is not of the journal's records, or that is smaller than
// one that was signed before.
var ErrFork = errors.New("fork guard")

// Records are the journal's own records, which the guard hashes.
type Records interface {
	// Durable returns how many there are.
	Durable() uint64
	// Leaves calls fn with each leaf in [from, to), in order, and with its hash if that is known.
	Leaves(ctx context.Context, from, to uint64, fn func(seq uint64, leaf []byte, hash *assay.Digest) error) error
}

// Config sets a guard up.
type Config struct {
	Path       string // of the file with the high-water mark
	Copy       string // of its copy elsewhere; "" keeps none
	ReadOnly   bool   // no file is written
	RebuildLog bool   // checkpoints of older states may be signed while the log is built again
}

// Guard signs checkpoints. It is a note.Signer, which is how Tessera asks for signatures.
type Guard struct {
	cfg           Config
	key           ledger.Key
	signer        ed25519.PrivateKey
	store         *store.Store
	records       Records
	copyConfirmed bool // the copy of the high-water mark was there, and the journal is not older

	mu struct {
		sync.Mutex
		tree    *compact.Range // over the first End() records
		root    assay.Digest
		refused error // sticky
	}
}

// rangeFactory hashes as RFC 6962 does, with one allocation a node.
var rangeFactory = compact.RangeFactory{Hash: func(left, right []byte) []byte {
	h := ledger.HashChildren((*assay.Digest)(left), (*assay.Digest)(right))
	return h[:]
}}

// NewTree returns an empty tree that hashes as the log does.
func NewTree() *compact.Range { return rangeFactory.NewEmptyRange(0) }

// extend grows tree to size with the journal's records and returns its root.
func (g *Guard) extend(ctx context.Context, tree *compact.Range, size uint64) (assay.Digest, error) {
	err := g.records.Leaves(ctx, tree.End(), size, func(_ uint64, leaf []byte, hash *assay.Digest) error {
		if hash == nil {
			h := ledger.HashLeaf(leaf)
			hash = &h
		}
		return tree.Append(hash[:], nil) // it keeps the slice; the hash is never changed
	})
	if err != nil {
		return assay.Digest{}, err
	}
	if tree.End() == 0 {
		return assay.Digest(rfc6962.DefaultHasher.EmptyRoot()), nil
	}
	root, err := tree.GetRootHash(nil)
	if err != nil {
		return assay.Digest{}, fmt.Errorf("guard: %w", err)
	}
	return assay.Digest(root), nil
}

// RootAt computes the root of the journal's first size records. It reads all of them.
func (g *Guard) RootAt(ctx context.Context, size uint64) (assay.Digest, error) {
	return g.extend(ctx, NewTree(), size)
}

// SignPromise signs the promise of a group of records. Its message is no checkpoint's.
func (g *Guard) SignPromise(first uint64, count uint32, root assay.Digest) (signature [64]byte) {
	copy(signature[:], ed25519.Sign(g.signer, ledger.PromiseMessage(g.key.Origin, first, count, root)))
	return signature
}

// Name implements note.Signer.
func (g *Guard) Name() string { return g.key.Origin }

// KeyHash implements note.Signer.
func (g *Guard) KeyHash() uint32 { return g.key.Hash }

// Sign implements note.Signer: it signs checkpoints of the journal's own records
// and nothing else.
func (g *Guard) Sign(msg []byte) ([]byte, error) {
	cp, err := ledger.ParseCheckpointBody(msg)
	if err != nil {
		return nil, err
	}
	if err := g.admit(context.Background(), cp); err != nil {
		return nil, err
	}
	return ed25519.Sign(g.signer, msg), nil
}

// admit checks cp and makes it the high-water mark. A refusal is sticky.
func (g *Guard) admit(ctx context.Context, cp ledger.Checkpoint) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mu.refused != nil {
		return g.mu.refused
	}
	refuse := func(format string, args ...any) error {
		g.mu.refused = fmt.Errorf("%w: "+format+": %w", append(append([]any{ErrFork}, args...), assay.ErrCorrupt)...)
		return g.mu.refused
	}
	high := g.mu.tree.End()
	switch {
	case cp.Origin != g.key.Origin:
		return refuse("asked to sign for log %q, the key is of log %q", cp.Origin, g.key.Origin)
	case cp.Size < high && g.cfg.RebuildLog:
		return g.admitRebuilt(ctx, cp)
	case cp.Size < high:
		return refuse("the log directory holds %d entries, and a checkpoint of %d was signed: it was rolled back "+
			"or emptied", cp.Size, high)
	case cp.Size > g.records.Durable():
		return refuse("the log directory holds %d entries, the journal %d", cp.Size, g.records.Durable())
	}
	tree, err := rangeFactory.NewRange(0, high, append([][]byte(nil), g.mu.tree.Hashes()...))
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	root, err := g.extend(ctx, tree, cp.Size)
	if err != nil {
		return err
	}
	if root != cp.Root {
		return refuse("the log directory has root %s at size %d, the journal's records %s: the directory was "+
			"changed", cp.Root.Short(), cp.Size, root.Short())
	}
	if cp.Size > high {
		if err := g.saveHighWater(tree, cp); err != nil {
			return err
		}
	}
	g.mu.tree, g.mu.root = tree, root
	return nil
}

// admitRebuilt admits a checkpoint below the high-water mark while the log is
// built again: it is an older state of the same log, and journal.checkPublished
// does not publish it.
func (g *Guard) admitRebuilt(ctx context.Context, cp ledger.Checkpoint) error {
	root, err := g.extend(ctx, NewTree(), cp.Size)
	if err == nil && root != cp.Root {
		err = fmt.Errorf("%w: the log that is built again has root %s at size %d, the journal's records %s: %w",
			ErrFork, cp.Root.Short(), cp.Size, root.Short(), assay.ErrCorrupt)
	}
	return err
}

// HighWater returns the largest checkpoint that was signed.
func (g *Guard) HighWater() (size uint64, root assay.Digest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mu.tree.End(), g.mu.root
}

// Refusal returns why nothing is signed any more; nil if nothing was refused.
func (g *Guard) Refusal() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mu.refused
}

// Refuse stops the guard from signing anything.
func (g *Guard) Refuse(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mu.refused == nil {
		g.mu.refused = err
	}
}

// CheckSigned checks that a published checkpoint is one that the guard signed.
func (g *Guard) CheckSigned(cp ledger.Checkpoint) error {
	high, root := g.HighWater()
	if cp.Size == high {
		if cp.Root != root {
			return fmt.Errorf("%w: the published checkpoint has another root than the one signed at size %d: %w",
				ErrFork, high, assay.ErrCorrupt)
		}
		return nil
	}
	if cp.Size > high {
		return fmt.Errorf("%w: a checkpoint of size %d is published, the guard signed up to %d: %w",
			ErrFork, cp.Size, high, assay.ErrCorrupt)
	}
	return nil
}
