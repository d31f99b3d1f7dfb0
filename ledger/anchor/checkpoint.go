// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"bytes"
	"context"
	"time"

	"github.com/assayrisk/assay/ledger"
)

// Checkpoint is a log's checkpoint with what anchoring needs of it.
type Checkpoint struct {
	ledger.Checkpoint
	Note []byte // the signed note that it was read from (C2SP tlog-checkpoint)

	// NotBefore is a time before which the checkpoint cannot have been made: the time of a leaf under it, or at which
	// a witness cosigned it. Zero if none is known.
	NotBefore time.Time
}

// ParseCheckpoint reads a checkpoint's note and does not check its signatures: ledger.ParseCheckpoint does, with the
// log's key.
func ParseCheckpoint(note []byte) (Checkpoint, error) {
	cp, err := ledger.ParseCheckpointBody(note)
	if err != nil {
		return Checkpoint{}, err
	}
	return Checkpoint{Checkpoint: cp, Note: bytes.Clone(note)}, nil
}

// Source is the log whose checkpoints are anchored.
type Source interface {
	// Checkpoint returns the newest published checkpoint as a signed note; nil
	// until the log has published one, or has found a published one, since it was
	// opened. What is published stays public: a later call never returns a smaller
	// tree.
	Checkpoint(ctx context.Context) ([]byte, error)
	// Consistency returns the RFC 9162 consistency proof between the trees of
	// from and to leaves, 32 bytes a node, for 0 < from <= to <= the newest
	// checkpoint's size.
	Consistency(ctx context.Context, from, to uint64) ([][]byte, error)
}

// checkpointOf returns the checkpoint with the size and root of the contract's head.
func (a *Anchor) checkpointOf(head Head) Checkpoint {
	return Checkpoint{Checkpoint: ledger.Checkpoint{Origin: a.origin, Size: head.Size, Root: head.Root}}
}
