// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/atomicfile"
)

// FileBytes is the size of a record file, once a journal has grown.
const FileBytes = 64 << 20

// Suffix of record files; the name before it is the first sequence number, 16 hexadecimal digits.
const Suffix = ".seg"

func fileName(first uint64) string { return fmt.Sprintf("%016x%s", first, Suffix) }

func parseFileName(name string) (first uint64, ok bool) {
	base, ok := strings.CutSuffix(name, Suffix)
	if !ok || len(base) != 16 {
		return 0, false
	}
	first, err := strconv.ParseUint(base, 16, 64)
	return first, err == nil && fileName(first) == name
}

// groupOffset is where a group begins in its file.
type groupOffset struct {
	first  uint64
	offset int64
}

// segment is an open record file. In the one that is being written, groups, end
// and size grow; all else is read-only.
type segment struct {
	first uint64
	file  interface {
		io.ReaderAt
		io.Closer
	}
	away   *away // where it is, if it was moved; then groups is nil until it is needed, see groupsOf
	groups []groupOffset
	end    uint64        // one more than its last record
	size   int64         // bytes of whole groups
	refs   int           // guarded by Files.mu
	unused chan struct{} // if another file has replaced it: closed, as the file is, when nobody reads it
}

// findGroups walks the heads of a file's groups.
func findGroups(f vfs.File, first uint64) (marks []groupOffset, end uint64, size int64, err error) {
	st, err := f.Stat()
	if err != nil {
		return nil, 0, 0, fmt.Errorf("records: %w", err)
	}
	end = first
	var head [maxHeadBytes]byte
	for size < st.Size() {
		if blank, err := blankFrom(f, size, st.Size()); blank || err != nil {
			return marks, end, size, err
		}
		h, err := readHead(f, size, head[:])
		if err == nil && (h.First != end || size+h.Size() > st.Size()) {
			err = errNotFollowing(&h, end)
		}
		if err != nil {
			return marks, end, size, err
		}
		marks = append(marks, groupOffset{end, size})
		end, size = h.End(), size+h.Size()
	}
	return marks, end, size, nil
}

// errNotFollowing is the error for a group that is not the next one, or is not whole.
func errNotFollowing(h *Head, next uint64) error {
	return fmt.Errorf("group of records %d to %d: it does not follow record %d, or is cut short: %w",
		h.First, h.End()-1, next, assay.ErrCorrupt)
}

// blankFrom reports whether a file has only zeros from an offset on: it was made in
// advance, and that part is not written yet.
func blankFrom(f vfs.File, off, size int64) (bool, error) {
	var first [len(magic2)]byte
	if err := readFull(f, first[:min(int64(len(first)), size-off)], off); err != nil || first != [len(magic2)]byte{} {
		return false, err
	}
	b := make([]byte, min(size-off, 1<<20))
	for ; off < size; off += int64(len(b)) {
		b = b[:min(int64(len(b)), size-off)]
		if err := readFull(f, b, off); err != nil {
			return false, err
		}
		if !isZero(b) {
			return false, nil
		}
	}
	return true, nil
}

// isZero reports whether b has only zeros.
func isZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// readHead reads a group's head at an offset.
func readHead(f io.ReaderAt, off int64, buf []byte) (Head, error) {
	if err := readFull(f, buf[:maxHeadBytes], off); err != nil {
		return Head{}, err
	}
	return ParseHead(buf)
}

// readFull reads len(b) bytes; a file that is too short is corrupt.
func readFull(f io.ReaderAt, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("records: the file ends at byte %d, want %d: %w",
			off+int64(n), off+int64(len(b)), assay.ErrCorrupt)
	}
	return fmt.Errorf("records: %w", err)
}

// groupHolding returns where the group that holds seq begins.
func groupHolding(marks []groupOffset, seq uint64) (groupOffset, bool) {
	i := sort.Search(len(marks), func(i int) bool { return marks[i].first > seq })
	if i == 0 {
		return groupOffset{}, false
	}
	return marks[i-1], true
}

// listSegments returns the first sequence numbers of a directory's record
// files, those that were moved too, ascending, and removes what an interrupted rewrite left.
func listSegments(fs vfs.FS, dir string) (firsts []uint64, err error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	for _, n := range names {
		if n == preallocatedName {
			continue
		}
		name := n
		if base, ok := strings.CutSuffix(n, AwaySuffix); ok {
			name = base + Suffix
		}
		if first, ok := parseFileName(name); ok {
			firsts = append(firsts, first)
			continue
		}
		if strings.HasSuffix(n, atomicfile.TempSuffix) {
			if err := fs.Remove(fs.PathJoin(dir, n)); err != nil {
				return nil, fmt.Errorf("records: %w", err)
			}
			continue
		}
		return nil, fmt.Errorf("records: %s is not a record file: %w", fs.PathJoin(dir, n), assay.ErrCorrupt)
	}
	slices.Sort(firsts)
	return slices.Compact(firsts), nil // a file that is being moved is there twice
}

// replaceFile writes a file so that after a crash either the old or the new one is there.
func replaceFile(fs vfs.FS, path string, write func(w io.Writer) error) error {
	if err := atomicfile.Replace(fs, path, write); err != nil {
		return fmt.Errorf("records: %w", err)
	}
	return nil
}

func syncDir(fs vfs.FS, dir string) error {
	if err := atomicfile.SyncDir(fs, dir); err != nil {
		return fmt.Errorf("records: %w", err)
	}
	return nil
}
