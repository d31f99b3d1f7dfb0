// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// The high-water mark is the largest checkpoint that was ever signed. It is kept twice: in the store, with the tree's
// peaks, so that the next root costs only the new leaves; and in a file outside of store and log, which is written
// first, so that a store or a log that was replaced by an older copy is detected.

// Open loads the high-water mark and checks the records against it.
func Open(
	ctx context.Context, cfg Config, key ledger.Key, signer ed25519.PrivateKey, s *store.Store, records Records,
) (*Guard, error) {
	g := &Guard{cfg: cfg, key: key, signer: signer, store: s, records: records}
	tree, err := loadTree(s)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(g.cfg.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && tree.End() == 0:
		empty := ledger.Checkpoint{Origin: key.Origin, Root: assay.Digest(rfc6962.DefaultHasher.EmptyRoot())}
		if err := g.checkCopy(ctx, empty); err != nil {
			return nil, err
		}
		g.mu.tree, g.mu.root = tree, empty.Root
		return g, g.saveHighWater(tree, empty)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s is missing, and checkpoints up to size %d were signed: put it back from its "+
			"own backup: %w", ErrFork, g.cfg.Path, tree.End(), assay.ErrCorrupt)
	case err != nil:
		return nil, fmt.Errorf("guard: %w", err)
	}
	high, err := ledger.ParseCheckpointBody(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFork, g.cfg.Path, err)
	}
	if high.String() != string(b) {
		return nil, fmt.Errorf("%w: %s is not in the one spelling of a checkpoint: put it back from its own "+
			"backup: %w", ErrFork, g.cfg.Path, assay.ErrCorrupt)
	}
	if high.Origin != key.Origin {
		return nil, fmt.Errorf("%w: %s is of log %q, the key of log %q: %w",
			ErrFork, g.cfg.Path, high.Origin, key.Origin, assay.ErrCorrupt)
	}
	if n := records.Durable(); high.Size > n {
		return nil, fmt.Errorf("%w: the journal holds %d records, and a checkpoint of %d was signed: the journal "+
			"is an older copy, or was cut: %w", ErrFork, n, high.Size, assay.ErrCorrupt)
	}
	if tree.End() > high.Size {
		return nil, fmt.Errorf("%w: %s is at size %d, the store at %d: the file is an older copy: %w",
			ErrFork, g.cfg.Path, high.Size, tree.End(), assay.ErrCorrupt)
	}
	root, err := g.extend(ctx, tree, high.Size)
	if err != nil {
		return nil, err
	}
	if err := g.checkCopy(ctx, high); err != nil {
		return nil, err
	}
	if root != high.Root {
		return nil, fmt.Errorf("%w: the journal's first %d records have root %s, and %s was signed: records were "+
			"changed: %w", ErrFork, high.Size, root.Short(), high.Root.Short(), assay.ErrCorrupt)
	}
	g.mu.tree, g.mu.root = tree, root
	return g, nil
}

// loadTree reads the tree's peaks from the store.
func loadTree(s *store.Store) (*compact.Range, error) {
	b, err := s.Bytes(store.Tree)
	if errors.Is(err, assay.ErrNotFound) {
		return NewTree(), nil
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
	tree, err := rangeFactory.NewRange(0, binary.BigEndian.Uint64(b), peaks)
	if err != nil {
		return nil, fmt.Errorf("guard: the stored tree: %w: %w", err, assay.ErrCorrupt)
	}
	return tree, nil
}

// saveHighWater makes cp the high-water mark: first apart, then in the store.
func (g *Guard) saveHighWater(tree *compact.Range, cp ledger.Checkpoint) error {
	if g.cfg.ReadOnly {
		return nil
	}
	if g.cfg.Copy != "" {
		if err := vault.WriteFile(g.cfg.Copy, []byte(cp.String())); err != nil {
			return fmt.Errorf("guard: the copy of the high-water mark: %w", err)
		}
	}
	if err := vault.WriteFile(g.cfg.Path, []byte(cp.String())); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	b := binary.BigEndian.AppendUint64(nil, tree.End())
	for _, h := range tree.Hashes() {
		b = append(b, h...)
	}
	// No sync: if this write is lost, the same leaves are only hashed once more.
	if err := g.store.SetBytes(store.Tree, b, false); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	return nil
}

// WithSigningPaused calls fn with the size of the high-water mark while nothing is signed.
func (g *Guard) WithSigningPaused(fn func(size uint64) error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return fn(g.mu.tree.End())
}

// HighWaterOf returns the high-water mark that a copy of the store knows.
func (g *Guard) HighWaterOf(ctx context.Context, s *store.Store) (ledger.Checkpoint, error) {
	tree, err := loadTree(s)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	root, err := g.extend(ctx, tree, tree.End())
	return ledger.Checkpoint{Origin: g.key.Origin, Size: tree.End(), Root: root}, err
}
