// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/vault"
)

// ErrFork matches what the guard refuses: a checkpoint that is not of the
// journal's records, or that goes back behind one that was signed.
var ErrFork = errors.New("fork guard")

// guard holds the log's key and signs a checkpoint only if its root is that of
// the journal's own records and its size is not below the largest signed ever.
//
// The largest is kept twice: in the store, with the tree's peaks, so that the
// next root costs only the new leaves; and in guard/high-water, a file apart
// from both store and log, written first, so that a store or a log that was
// put back to an older copy is found out.
//
// It is a note.Signer, which is how Tessera asks for signatures.
type guard struct {
	j      *Journal
	path   string
	copied bool // the copy of the high-water mark was there, and the journal is not older

	mu struct {
		sync.Mutex
		tree    *compact.Range // over the first End() records
		root    assay.Digest
		refused error // sticky
	}
}

// ranges hash as RFC 6962 does, with one allocation a node.
var ranges = compact.RangeFactory{Hash: func(left, right []byte) []byte {
	h := ledger.HashChildren((*assay.Digest)(left), (*assay.Digest)(right))
	return h[:]
}}

// openGuard loads the high-water mark and checks the journal against it.
func openGuard(ctx context.Context, j *Journal) (*guard, error) {
	g := &guard{j: j, path: filepath.Join(j.dir, "guard", "high-water")}
	tree, err := loadTree(j.db)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(g.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && tree.End() == 0:
		empty := ledger.Checkpoint{Origin: j.key.Origin, Root: assay.Digest(rfc6962.DefaultHasher.EmptyRoot())}
		if err := g.checkCopy(ctx, empty); err != nil {
			return nil, err
		}
		g.mu.tree, g.mu.root = tree, empty.Root
		return g, g.save(tree, empty)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s is missing, and checkpoints up to size %d were signed: put it back from its own backup: %w", ErrFork, g.path, tree.End(), assay.ErrCorrupt)
	case err != nil:
		return nil, fmt.Errorf("guard: %w", err)
	}
	high, err := ledger.ParseCheckpointBody(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFork, g.path, err)
	}
	if high.String() != string(b) {
		return nil, fmt.Errorf("%w: %s is not in the one spelling of a checkpoint: put it back from its own backup: %w", ErrFork, g.path, assay.ErrCorrupt)
	}
	if high.Origin != j.key.Origin {
		return nil, fmt.Errorf("%w: %s is of log %q, the key of log %q: %w", ErrFork, g.path, high.Origin, j.key.Origin, assay.ErrCorrupt)
	}
	if n := j.durable.Load(); high.Size > n {
		return nil, fmt.Errorf("%w: the journal holds %d records, and a checkpoint of %d was signed: the journal is an older copy, or was cut: %w", ErrFork, n, high.Size, assay.ErrCorrupt)
	}
	if tree.End() > high.Size {
		return nil, fmt.Errorf("%w: %s stands at size %d, the store at %d: the file is an older copy: %w", ErrFork, g.path, high.Size, tree.End(), assay.ErrCorrupt)
	}
	root, err := g.extend(ctx, tree, high.Size)
	if err != nil {
		return nil, err
	}
	if err := g.checkCopy(ctx, high); err != nil {
		return nil, err
	}
	if root != high.Root {
		return nil, fmt.Errorf("%w: the journal's first %d records have root %s, and %s was signed: records were changed: %w", ErrFork, high.Size, root.Short(), high.Root.Short(), assay.ErrCorrupt)
	}
	g.mu.tree, g.mu.root = tree, root
	return g, nil
}

// loadTree reads the tree's peaks from the store.
func loadTree(r pebble.Reader) (*compact.Range, error) {
	b, err := get(r, metaKey(metaTree))
	if errors.Is(err, assay.ErrNotFound) {
		return ranges.NewEmptyRange(0), nil
	}
	if err != nil {
		return nil, err
	}
	if len(b) < 8 || (len(b)-8)%32 != 0 {
		return nil, fmt.Errorf("guard: the stored tree has %d bytes: %w", len(b), assay.ErrCorrupt)
	}
	var peaks [][]byte
	for p := b[8:]; len(p) > 0; p = p[32:] {
		peaks = append(peaks, p[:32])
	}
	tree, err := ranges.NewRange(0, binary.BigEndian.Uint64(b), peaks)
	if err != nil {
		return nil, fmt.Errorf("guard: the stored tree: %w: %w", err, assay.ErrCorrupt)
	}
	return tree, nil
}

// extend grows tree to size with the journal's records and returns its root.
func (g *guard) extend(ctx context.Context, tree *compact.Range, size uint64) (assay.Digest, error) {
	err := g.j.leaves(ctx, tree.End(), size, func(_ uint64, leaf []byte, hash *assay.Digest) error {
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

// save makes cp the high-water mark: first apart, then in the store.
func (g *guard) save(tree *compact.Range, cp ledger.Checkpoint) error {
	if g.j.cfg.ReadOnly {
		return nil
	}
	if g.j.cfg.HeadCopy != "" {
		if err := vault.WriteFile(g.j.cfg.HeadCopy, []byte(cp.String())); err != nil {
			return fmt.Errorf("guard: the copy of the high-water mark: %w", err)
		}
	}
	if err := vault.WriteFile(g.path, []byte(cp.String())); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	b := binary.BigEndian.AppendUint64(nil, tree.End())
	for _, h := range tree.Hashes() {
		b = append(b, h...)
	}
	// No sync: a lost write costs only hashing the same leaves once more.
	if err := g.j.db.Set(metaKey(metaTree), b, pebble.NoSync); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	return nil
}

// Name implements note.Signer.
func (g *guard) Name() string { return g.j.key.Origin }

// KeyHash implements note.Signer.
func (g *guard) KeyHash() uint32 { return g.j.key.Hash }

// Sign implements note.Signer: it signs a checkpoint of the journal's own
// records and nothing else.
func (g *guard) Sign(msg []byte) ([]byte, error) {
	cp, err := ledger.ParseCheckpointBody(msg)
	if err != nil {
		return nil, err
	}
	if err := g.admit(context.Background(), cp); err != nil {
		return nil, err
	}
	return ed25519.Sign(g.j.signer, msg), nil
}

// admit checks cp and makes it the high-water mark. A refusal is sticky.
func (g *guard) admit(ctx context.Context, cp ledger.Checkpoint) error {
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
	case cp.Origin != g.j.key.Origin:
		return refuse("asked to sign for log %q, the key is of log %q", cp.Origin, g.j.key.Origin)
	case cp.Size < high && g.j.cfg.RebuildLog:
		return g.rebuilt(ctx, cp)
	case cp.Size < high:
		return refuse("the log directory holds %d entries, and a checkpoint of %d was signed: it was rolled back or emptied", cp.Size, high)
	case cp.Size > g.j.durable.Load():
		return refuse("the log directory holds %d entries, the journal %d", cp.Size, g.j.durable.Load())
	}
	tree, err := ranges.NewRange(0, high, append([][]byte(nil), g.mu.tree.Hashes()...))
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	root, err := g.extend(ctx, tree, cp.Size)
	if err != nil {
		return err
	}
	if root != cp.Root {
		return refuse("the log directory has root %s at size %d, the journal's records %s: the directory was changed", cp.Root.Short(), cp.Size, root.Short())
	}
	if cp.Size > high {
		if err := g.save(tree, cp); err != nil {
			return err
		}
	}
	g.mu.tree, g.mu.root = tree, root
	return nil
}

// rebuilt admits a checkpoint below the high-water mark while the log is built
// again: it is an older state of the same log, and is not published (see
// lookPublished).
func (g *guard) rebuilt(ctx context.Context, cp ledger.Checkpoint) error {
	root, err := g.extend(ctx, ranges.NewEmptyRange(0), cp.Size)
	if err == nil && root != cp.Root {
		err = fmt.Errorf("%w: the log that is built again has root %s at size %d, the journal's records %s: %w", ErrFork, cp.Root.Short(), cp.Size, root.Short(), assay.ErrCorrupt)
	}
	return err
}

// high returns the high-water mark.
func (g *guard) high() (size uint64, root assay.Digest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mu.tree.End(), g.mu.root
}

// refusal returns the sticky refusal, if any.
func (g *guard) refusal() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mu.refused
}

func (g *guard) refuse(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.mu.refused == nil {
		g.mu.refused = err
	}
}
