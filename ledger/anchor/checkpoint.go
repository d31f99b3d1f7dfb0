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

	// NotBefore is a time before which the checkpoint cannot have been made: that of a leaf below it, or of a witness
	// that cosigned it. Zero if none is known.
	NotBefore time.Time
}

// ParseCheckpoint reads a checkpoint's note, and not its signatures: those are for ledger.ParseCheckpoint, which has
// the log's key.
func ParseCheckpoint(note []byte) (Checkpoint, error) {
	cp, err := ledger.ParseCheckpointBody(note)
	if err != nil {
		return Checkpoint{}, err
	}
	return Checkpoint{Checkpoint: cp, Note: bytes.Clone(note)}, nil
}

// Source is the log whose checkpoints are anchored.
type Source interface {
	// Checkpoint returns the newest published checkpoint as a signed note, nil
	// before the first that is published, or found to be, since the log was
	// opened. What it returns is public for good: a later call never returns a
	// smaller tree.
	Checkpoint(ctx context.Context) ([]byte, error)
	// Consistency returns the RFC 9162 consistency proof between the trees of
	// from and to leaves, 32 bytes a node, for 0 < from <= to <= the newest
	// checkpoint's size.
	Consistency(ctx context.Context, from, to uint64) ([][]byte, error)
}

// checkpointOf is the checkpoint whose size and root the contract has.
func (a *Anchor) checkpointOf(head Head) Checkpoint {
	return Checkpoint{Checkpoint: ledger.Checkpoint{Origin: a.origin, Size: head.Size, Root: head.Root}}
}
