// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	assay "github.com/assayrisk/assay"
)

// Checkpoint is the state of a log: Size leaves under Root.
type Checkpoint struct {
	Origin string       // first line of the note, names the log
	Size   uint64       // number of leaves, at least 1
	Root   assay.Digest // RFC 6962 Merkle tree hash
	Note   []byte       // the signed note that said so (C2SP tlog-checkpoint)

	// NotBefore is a time before which the checkpoint cannot have been made: that
	// of a leaf below it, or of a witness that cosigned it. Zero if none is known.
	NotBefore time.Time
}

// MaxNoteBytes bounds a checkpoint's note.
const MaxNoteBytes = 64 << 10

// ParseCheckpoint reads the three lines that a checkpoint's note begins with.
// It does not check the note's signatures: that is the work of package ledger.
func ParseCheckpoint(noteBytes []byte) (Checkpoint, error) {
	if len(noteBytes) > MaxNoteBytes {
		return Checkpoint{}, fmt.Errorf("checkpoint: %d bytes, at most %d are read: %w", len(noteBytes), MaxNoteBytes, assay.ErrCorrupt)
	}
	lines := bytes.SplitN(noteBytes, []byte("\n"), 4)
	if len(lines) < 4 || len(lines[0]) == 0 {
		return Checkpoint{}, fmt.Errorf("checkpoint: want the lines origin, size and root, and signatures: %w", assay.ErrCorrupt)
	}
	size, err := strconv.ParseUint(string(lines[1]), 10, 64)
	if err != nil || strconv.FormatUint(size, 10) != string(lines[1]) {
		return Checkpoint{}, fmt.Errorf("checkpoint: the second line is not a size in decimal digits: %w", assay.ErrCorrupt)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(string(lines[2]))
	if err != nil || len(root) != len(assay.Digest{}) {
		return Checkpoint{}, fmt.Errorf("checkpoint: the third line is not a root of 32 bytes in base64: %w", assay.ErrCorrupt)
	}
	return Checkpoint{Origin: string(lines[0]), Size: size, Root: assay.Digest(root), Note: bytes.Clone(noteBytes)}, nil
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
