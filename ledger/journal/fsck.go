// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/journal/tilelog"
	"github.com/assayrisk/assay/ledger/vault"
)

// FsckReport counts what a check went through.
type FsckReport struct {
	Records  uint64 `json:"records"`  // leaves, each parsed and hashed
	Opened   uint64 `json:"opened"`   // private parts opened, their commitments compared
	Erased   uint64 `json:"erased"`   // private parts of erased subjects
	Retired  uint64 `json:"retired"`  // private parts whose retention has passed
	Groups   uint64 `json:"groups"`   // promise signatures verified
	Requests uint64 `json:"requests"` // index entries that lead to their record
	Keys     uint64 `json:"keys"`     // subject keys that the master key opens
	Entries  uint64 `json:"entries"`  // log entries compared with leaves
	Tiles    uint64 `json:"tiles"`    // hash tiles computed again
	Size     uint64 `json:"size"`     // of the published checkpoint
	Anchored uint64 `json:"anchored"` // size of the newest anchored checkpoint

	AnchorNote  []byte          `json:"-"` // that checkpoint, for the anchor's own check
	AnchorProof json.RawMessage `json:"-"` // and its proof
}

// Fsck checks the journal in dir, which no server may be using. It changes no
// file, and works on an image that cannot be written. It derives everything again
// from the records: leaves, commitments, groups and promises, index, keys, the
// log's entries, tiles and checkpoint, the high-water mark and the anchored
// checkpoint. The error names the first thing that is wrong.
func Fsck(ctx context.Context, dir string, cfg Config) (rep FsckReport, err error) {
	// A store that is damaged beyond reading ends its goroutine, see store.Open.
	done, whole := make(chan struct{}), false
	go func() {
		defer close(done)
		rep, err = fsck(ctx, dir, cfg)
		whole = true
	}()
	if <-done; !whole {
		err = fmt.Errorf("store: it is damaged beyond reading; its messages are in the log: %w", assay.ErrCorrupt)
	}
	return rep, err
}

func fsck(ctx context.Context, dir string, cfg Config) (rep FsckReport, err error) {
	cfg.ReadOnly = true
	j, err := Open(ctx, dir, cfg)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	c := checker{j: j, rep: &rep, recordRoots: map[uint64]assay.Digest{},
		keysBySubject: map[string]vault.ID{}, erasedKeys: map[vault.ID][16]byte{}}
	if c.droppedBelow, err = j.Dropped(); err != nil {
		return rep, fmt.Errorf("fsck: %w", err)
	}
	if c.retiredBelow, err = j.store.Number(store.Retired); err != nil {
		return rep, fmt.Errorf("fsck: %w", err)
	}
	defer func() { err = errors.Join(err, c.lists.close()) }()
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"claims", c.gatherClaims}, {"lists", c.openLists}, {"records", c.checkRecords}, {"roots", c.compareRoots},
		{"tiles", c.compareRightEdge},
		{"requests", c.checkRequests}, {"keys", c.checkSubjectKeys},
		{"parties", c.checkParties}, {"files", c.checkStoreFiles},
	} {
		if err := step.run(ctx); err != nil {
			return rep, fmt.Errorf("fsck: %s: %w", step.name, err)
		}
	}
	return rep, nil
}

// checker carries one check.
type checker struct {
	j             *Journal
	rep           *FsckReport
	log           *tilelog.Comparison
	size          uint64                  // of the published checkpoint: how far the log is compared
	claimedRoots  map[uint64]assay.Digest // size -> root that something claims
	claimants     map[uint64]string       // size -> what claims it
	recordRoots   map[uint64]assay.Digest // size -> root of the records
	keysBySubject map[string]vault.ID     // subject -> key id
	erasedKeys    map[vault.ID][16]byte   // keys whose erasure must follow -> their subject's tag

	lists        listChecker
	retiredBelow uint64 // private parts below may be gone
	droppedBelow uint64 // private parts below must be
}

func (c *checker) corrupt(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, assay.ErrCorrupt)...)
}

// gatherClaims collects which file claims which root at which size.
func (c *checker) gatherClaims(ctx context.Context) error {
	c.claimedRoots, c.claimants = map[uint64]assay.Digest{}, map[uint64]string{}
	claim := func(who string, size uint64, root assay.Digest) error {
		if have, ok := c.claimedRoots[size]; ok && have != root {
			return c.corrupt("%s and %s claim different roots at size %d", c.claimants[size], who, size)
		}
		c.claimedRoots[size], c.claimants[size] = root, who
		return nil
	}
	b, err := c.j.logDir().Checkpoint(ctx)
	if err == nil {
		cp, err := ledger.ParseCheckpoint(b, c.j.Key())
		if err != nil {
			return fmt.Errorf("the published %w", err)
		}
		c.size, c.rep.Size = cp.Size, cp.Size
		if err := claim("the published checkpoint", cp.Size, cp.Root); err != nil {
			return err
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if mark, err := c.j.store.Number(store.Published); err != nil {
		return err
	} else if mark > c.size {
		return c.corrupt("a checkpoint of size %d was published, and the log's directory has one of %d: it was "+
			"deleted, or put back to an older one", mark, c.size)
	}
	state, err := c.j.logDir().State()
	switch {
	case errors.Is(err, os.ErrNotExist) && c.size == 0:
	case errors.Is(err, assay.ErrCorrupt):
		return err
	case err != nil:
		return c.corrupt("the log's tree state is missing")
	case state.Size < c.size:
		return c.corrupt("the log's tree state is of size %d, its checkpoint of %d", state.Size, c.size)
	default:
		if err := claim("the log's tree state", state.Size, assay.Digest(state.Root)); err != nil {
			return err
		}
	}
	c.log = tilelog.NewComparison(c.j.logDir(), c.size)
	high, root := c.j.guard.HighWater()
	if high < c.size {
		return c.corrupt("the high-water mark is %d, a checkpoint of %d is published", high, c.size)
	}
	if err := claim("the high-water mark", high, root); err != nil {
		return err
	}
	note, proof, err := c.j.anchored()
	if err != nil || note == nil {
		return err
	}
	cp, err := ledger.ParseCheckpoint(note, c.j.Key())
	if err != nil {
		return fmt.Errorf("the anchored %w", err)
	}
	c.rep.Anchored, c.rep.AnchorNote, c.rep.AnchorProof = cp.Size, note, proof
	return claim("the anchored checkpoint", cp.Size, cp.Root)
}

// compareRoots compares each claimed root with the records'.
func (c *checker) compareRoots(context.Context) error {
	for size, root := range c.claimedRoots {
		if size == 0 {
			continue
		}
		have, ok := c.recordRoots[size]
		if !ok {
			return c.corrupt("%s is of size %d, the journal holds %d records", c.claimants[size], size, c.rep.Records)
		}
		if have != root {
			return c.corrupt("%s claims root %s at size %d, the records have %s",
				c.claimants[size], root.Short(), size, have.Short())
		}
	}
	return nil
}

// compareRightEdge compares the partial tiles at the right edge of the published tree.
func (c *checker) compareRightEdge(ctx context.Context) error {
	err := c.log.Finish(ctx)
	c.rep.Entries, c.rep.Tiles = c.log.Entries, c.log.Tiles
	return err
}
