// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	assay "github.com/assayrisk/assay"
)

// UseArchive says where files were moved to, or are to be. Call it before anything is read; nil is no archive.
func (r *Files) UseArchive(a Archive) { r.archive = a }

// Archived reports whether a file was moved.
func (r *Files) Archived(first uint64) (bool, error) {
	local, err := exists(r.fs, r.path(first))
	if local || err != nil {
		return false, err
	}
	return exists(r.fs, r.awayPath(first))
}

// MoveAway moves the file that begins with first, which is not the last one, to the archive, and returns the object's
// size, 0 if it was moved before. Every group is checked first, and the object is read back before the file is removed.
// After a crash in the middle, the file is still here and counts; another call begins again.
//
//	away file durable ─▶ object stored and read back ─▶ record file removed
//
// Only one goroutine may call this, Fetch and DropPersonal at a time. The file may be read meanwhile.
func (r *Files) MoveAway(ctx context.Context, first uint64) (int64, error) {
	if firsts := r.FirstSequences(); len(firsts) == 0 || first >= firsts[len(firsts)-1] {
		return 0, fmt.Errorf("records: the last file is not moved to an archive: %w", assay.ErrInvalid)
	}
	if done, err := r.Archived(first); done || err != nil {
		return 0, err
	}
	if r.archive == nil {
		return 0, fmt.Errorf("records: there is no archive to move to: %w", assay.ErrInvalid)
	}
	if err := r.discardObject(ctx, first, nil); err != nil { // of an attempt that was cut short
		return 0, err
	}
	return r.moveAway(ctx, first, 0)
}

// moveAway moves a file that has no away file.
func (r *Files) moveAway(ctx context.Context, first, dropped uint64) (size int64, err error) {
	s, err := r.acquire(first)
	if err != nil {
		return 0, err
	}
	defer r.release(s)
	a, index, err := r.describe(ctx, s)
	if err != nil {
		return 0, err
	}
	a.Dropped = dropped
	if err := r.writeAway(a); err != nil {
		return 0, err
	}
	object := io.NewSectionReader(&objectBytes{s.file, a.Records, index}, 0, a.size())
	if err := r.archive.Put(ctx, a.Object, object, a.size()); err != nil {
		return 0, fmt.Errorf("records: store %s in %s: %w", a.Object, r.archive.Place(), err)
	}
	if err := r.readBack(ctx, a); err != nil {
		return 0, err
	}
	if err := errors.Join(r.fs.Remove(r.path(first)), syncDir(r.fs, r.dir)); err != nil {
		return 0, fmt.Errorf("records: %w", err)
	}
	r.forget(first)
	return a.size(), nil
}

// describe checks every group of a file and makes the object's index and digests.
func (r *Files) describe(ctx context.Context, s *segment) (*away, []byte, error) {
	a := &away{Version: 1, Place: r.archive.Place(), First: s.first, End: s.end, Records: s.size}
	var index []byte
	sum, leaves := newChunkSum(), NewLeafDigest()
	err := r.Groups(ctx, s.first, s.end, AllSections, func(b *StoredGroup) error {
		index = binary.AppendUvarint(binary.AppendUvarint(index, uint64(b.Count)), uint64(len(b.raw)))
		sum.add(b.raw)
		for i := range int(b.Count) {
			stored, err := b.At(i)
			if err != nil {
				return err
			}
			leaves.Add(stored.Leaf)
		}
		return r.Check(b)
	})
	if err != nil {
		return nil, nil, err
	}
	a.Index, a.Leaves = int64(len(index)), leaves.Sum()
	sum.add(index)
	digest := sum.finish()
	a.SHA256, a.Chunks = hex.EncodeToString(digest), sum.chunks
	a.Object = fmt.Sprintf("%016x-%x", s.first, digest[:8])
	if sum.n != a.size() {
		return nil, nil, fmt.Errorf("records: file %s has %d bytes of groups, and %d were read: %w", fileName(s.first),
			a.Records, sum.n-a.Index, assay.ErrCorrupt)
	}
	return a, index, nil
}

// readBack reads an object and compares it with its digests.
func (r *Files) readBack(ctx context.Context, a *away) error {
	f := &remoteFile{away: a, archive: r.archive, cache: new(chunkCache)}
	b := make([]byte, 8<<20)
	for off := int64(0); off < a.size(); off += int64(len(b)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := f.ReadAt(b, off); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("what was just stored cannot be read back; the record file stays: %w", err)
		}
	}
	return nil
}

// Fetch brings a file back from the archive, removes the object, and returns its size, 0 if there was no object.
func (r *Files) Fetch(ctx context.Context, first uint64) (int64, error) {
	a, err := r.readAway(first)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	moved, err := r.Archived(first)
	var unused <-chan struct{}
	if err == nil && moved {
		unused, err = r.fetch(ctx, first)
	}
	if err == nil {
		err = r.discardObject(ctx, first, unused)
	}
	return a.size(), err
}

// fetch writes a moved file here, and returns what forget does.
func (r *Files) fetch(ctx context.Context, first uint64) (unused <-chan struct{}, err error) {
	s, err := r.acquire(first)
	if err != nil {
		return nil, err
	}
	defer r.release(s)
	err = replaceFile(r.fs, r.path(first), func(w io.Writer) error {
		return r.Groups(ctx, first, s.end, AllSections, func(b *StoredGroup) error {
			if err := r.Check(b); err != nil {
				return err
			}
			_, err := w.Write(b.raw)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return r.forget(first), nil
}

// discardObject removes the object of a file that is here, and what says that it is away, once nobody reads it. The
// order is such that no object is forgotten.
func (r *Files) discardObject(ctx context.Context, first uint64, unused <-chan struct{}) error {
	if unused != nil {
		select {
		case <-unused:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	a, err := r.readAway(first)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if r.archive == nil {
		return fmt.Errorf("records: %s is here again, and its old object %s may still be in an archive, %s: name that "+
			"with the setting archive (--archive FILE), so that it is removed: %w", fileName(first), a.Object, a.Place,
			assay.ErrPrecondition)
	}
	if err := r.archive.Remove(ctx, a.Object); err != nil {
		return fmt.Errorf("records: %s is here again, and its old object %s must be removed from %s; nothing else "+
			"is to be done, and doing the same again tries it again: %w", fileName(first), a.Object,
			r.archive.Place(), err)
	}
	r.chunks.drop(a.Object)
	if err := errors.Join(r.fs.Remove(r.awayPath(first)), syncDir(r.fs, r.dir)); err != nil {
		return fmt.Errorf("records: %w", err)
	}
	return nil
}

// parseIndex decodes where the groups of an object begin.
func (a *away) parseIndex(b []byte) (groups []groupOffset, err error) {
	next, off := a.First, int64(0)
	for len(b) > 0 {
		count, n := binary.Uvarint(b)
		size, m := binary.Uvarint(b[max(n, 0):])
		if n <= 0 || m <= 0 || count == 0 || count > MaxGroupRecords || size == 0 || size > uint64(a.Records-off) {
			return nil, fmt.Errorf("records: the index of the archive's object %s is wrong: %w", a.Object,
				assay.ErrCorrupt)
		}
		groups = append(groups, groupOffset{next, off})
		next, off, b = next+count, off+int64(size), b[n+m:]
	}
	if next != a.End || off != a.Records {
		return nil, fmt.Errorf("records: the index of the archive's object %s is of %d bytes with records up to %d, "+
			"want %d and %d: %w", a.Object, off, next, a.Records, a.End, assay.ErrCorrupt)
	}
	return groups, nil
}

// objectBytes is a record file with its index behind it.
type objectBytes struct {
	file    io.ReaderAt
	records int64 // bytes of file that count
	index   []byte
}

// ReadAt implements io.ReaderAt.
func (o *objectBytes) ReadAt(b []byte, off int64) (n int, err error) {
	if off < o.records {
		n, err = o.file.ReadAt(b[:min(int64(len(b)), o.records-off)], off)
		if err != nil && n < len(b) && off+int64(n) < o.records {
			return n, err
		}
	}
	if n < len(b) {
		m, err := bytes.NewReader(o.index).ReadAt(b[n:], off+int64(n)-o.records)
		return n + m, err
	}
	return n, nil
}

// LeafDigest is the SHA-256 of leaves, each with its length in front (4 bytes, big-endian).
type LeafDigest struct{ h hasher }

// NewLeafDigest returns the digest of no leaf.
func NewLeafDigest() LeafDigest { return LeafDigest{sha256.New()} }

// Add adds a leaf.
func (d LeafDigest) Add(leaf []byte) {
	_, _ = d.h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(leaf)))) // a hash's Write never fails
	_, _ = d.h.Write(leaf)
}

// Sum returns the digest, 32 bytes.
func (d LeafDigest) Sum() []byte { return d.h.Sum(nil) }

// ArchivedLeaves returns, of a file that was moved, whose records begin with first, one more than the number of the
// last and the LeafDigest. It reads nothing from the archive. ok is false if the file is here, or no file begins there.
func (r *Files) ArchivedLeaves(first uint64) (end uint64, digest []byte, ok bool, err error) {
	if _, found := slices.BinarySearch(r.FirstSequences(), first); !found {
		return 0, nil, false, nil
	}
	if ok, err = r.Archived(first); !ok || err != nil {
		return 0, nil, false, err
	}
	a, err := r.readAway(first)
	if err != nil {
		return 0, nil, false, err
	}
	return a.End, a.Leaves, true, nil
}

// chunkSum makes the digests of an object, piece by piece.
type chunkSum struct {
	all    hasher
	chunk  hasher
	chunks []byte
	n      int64
}

type hasher interface {
	io.Writer
	Sum(b []byte) []byte
	Reset()
}

func newChunkSum() *chunkSum { return &chunkSum{all: sha256.New(), chunk: sha256.New()} }

func (c *chunkSum) add(b []byte) {
	_, _ = c.all.Write(b) // a hash's Write never fails
	for len(b) > 0 {
		n := min(int64(len(b)), chunkBytes-c.n%chunkBytes)
		_, _ = c.chunk.Write(b[:n])
		c.n += n
		if b = b[n:]; c.n%chunkBytes == 0 {
			c.chunks = c.chunk.Sum(c.chunks)
			c.chunk.Reset()
		}
	}
}

func (c *chunkSum) finish() []byte {
	if c.n%chunkBytes != 0 {
		c.chunks = c.chunk.Sum(c.chunks)
	}
	return c.all.Sum(nil)
}
