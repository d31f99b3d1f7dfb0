// SPDX-License-Identifier: Apache-2.0

package tilelog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"

	assay "github.com/assayrisk/assay"
)

// EntriesPerBundle is the number of entries of a full bundle.
const EntriesPerBundle = layout.EntryBundleWidth

// Dir is a log's directory, to be read.
type Dir string

func (d Dir) files() client.FileFetcher { return client.FileFetcher{Root: string(d)} }

// Checkpoint reads the published checkpoint; fs.ErrNotExist: there is none.
func (d Dir) Checkpoint(ctx context.Context) ([]byte, error) { return d.files().ReadCheckpoint(ctx) }

// WriteCheckpoint publishes a checkpoint.
func (d Dir) WriteCheckpoint(note []byte) error {
	return writeWhole(filepath.Join(string(d), layout.CheckpointPath), note)
}

// State reads the tree state in its one spelling; fs.ErrNotExist: there is none.
func (d Dir) State() (s State, err error) {
	b, err := os.ReadFile(filepath.Join(string(d), stateDir, stateFile))
	if err != nil {
		return s, err
	}
	err = json.Unmarshal(b, &s)
	again, _ := json.Marshal(&s) // JSON has many spellings of the same state
	if err != nil || len(s.Root) != hashBytes || !bytes.Equal(again, b) {
		return s, fmt.Errorf("the log's tree state cannot be read: %w", assay.ErrCorrupt)
	}
	return s, nil
}

// Entries reads an entry bundle of a tree of a size.
func (d Dir) Entries(ctx context.Context, bundle, size uint64) ([][]byte, error) {
	b, err := client.GetEntryBundle(ctx, d.files().ReadEntryBundle, bundle, size)
	if err != nil {
		return nil, err
	}
	return b.Entries, nil
}

// Inclusion builds the RFC 9162 inclusion proof of an entry in a tree of a size from the tiles. They may have been
// changed: the caller checks it.
func (d Dir) Inclusion(ctx context.Context, index, size uint64) ([][]byte, error) {
	pb, err := client.NewProofBuilder(ctx, size, d.files().ReadTile)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	path, err := pb.InclusionProof(ctx, index)
	if err != nil {
		return nil, fmt.Errorf("log: inclusion of %d: %w", index, err)
	}
	return path, nil
}

// Consistency builds the RFC 9162 consistency proof between two sizes from the tiles. They may have been changed: the
// caller checks it.
func (d Dir) Consistency(ctx context.Context, from, to uint64) ([][]byte, error) {
	pb, err := client.NewProofBuilder(ctx, to, d.files().ReadTile)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	path, err := pb.ConsistencyProof(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("log: consistency of %d and %d: %w", from, to, err)
	}
	return path, nil
}
