// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// maxOpenFiles is how many record files are kept open for reading.
const maxOpenFiles = 64

// Files are the record files: groups one after the other, each written once and made durable by one sync. Only one
// goroutine may call Append; all may read what is durable.
type Files struct {
	fs           vfs.FS
	dir          string
	auth         *vault.Authenticator
	archive      Archive // where some files were moved; nil: none
	chunks       chunkCache
	maxFileBytes int64 // bytes after which a new file is begun

	mu           sync.Mutex
	firsts       []uint64 // of all files, ascending
	open         map[uint64]*segment
	recentlyUsed []uint64 // keys of open, least recently used first

	preallocated     int64         // size of the file that was made in advance; 0: there is none
	nextSize         int64         // of the next one
	wantPreallocated chan struct{} // asks for one

	// Only for the goroutine that appends, or one that has made it wait.
	tailWriter   vfs.File
	tail         *segment // the file that w writes; nil: the next append begins one
	tailCapacity int64    // bytes of it that were made in advance
}

// Open opens the directory, making it if there is none, and finds where the records end. It cuts away a group that was
// being written when the power failed: nobody got its promise. torn is the number of bytes of that group. A new file
// begins after limit bytes.
func Open(f vfs.FS, dir string, auth *vault.Authenticator, limit int64) (r *Files, torn int64, err error) {
	if err := f.MkdirAll(dir, 0o755); err != nil {
		return nil, 0, fmt.Errorf("records: %w", err)
	}
	if err := syncDir(f, f.PathDir(dir)); err != nil {
		return nil, 0, err
	}
	r = &Files{fs: f, dir: dir, auth: auth, maxFileBytes: limit, open: map[uint64]*segment{},
		nextSize: min(firstFileBytes, limit), wantPreallocated: make(chan struct{}, 1)}
	r.wantPreallocated <- struct{}{}
	if r.firsts, err = listSegments(f, dir); err != nil {
		return nil, 0, err
	}
	if err := r.findPreallocated(); err != nil {
		return nil, 0, err
	}
	if n := len(r.firsts); n > 0 {
		last := r.firsts[n-1]
		if here, err := exists(f, r.path(last)); err != nil || !here {
			return nil, 0, fmt.Errorf("records: the files behind %s are missing: it is in an archive, and the last "+
				"file never is (%v): %w", awayName(last), err, assay.ErrCorrupt)
		}
		if torn, err = r.recover(last); err != nil {
			return nil, 0, err
		}
		st, err := f.Stat(r.path(last))
		if err != nil {
			return nil, 0, fmt.Errorf("records: %w", err)
		}
		r.nextSize = max(r.nextSize, min(2*st.Size(), r.maxFileBytes))
	}
	return r, torn, nil
}

func (r *Files) path(first uint64) string { return r.fs.PathJoin(r.dir, fileName(first)) }

// FirstSequences returns the first sequence numbers of the files, ascending.
func (r *Files) FirstSequences() []uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.firsts)
}

// End returns one more than the last record's number. It must be called before anything is appended.
func (r *Files) End() (uint64, error) {
	if len(r.firsts) == 0 {
		return 0, nil
	}
	if r.firsts[0] != 0 {
		return 0, fmt.Errorf("records: the first file begins with record %d: the files before it are missing: %w",
			r.firsts[0], assay.ErrCorrupt)
	}
	last := len(r.firsts) - 1
	if last > 0 {
		s, err := r.acquire(r.firsts[last-1])
		if err != nil {
			return 0, err
		}
		defer r.release(s)
		if s.end != r.firsts[last] {
			return 0, fmt.Errorf("records: file %s ends at record %d, the next begins with %d: %w",
				fileName(s.first), s.end, r.firsts[last], assay.ErrCorrupt)
		}
	}
	s, err := r.acquire(r.firsts[last])
	if err != nil {
		return 0, err
	}
	defer r.release(s)
	return s.end, nil
}

// acquire returns an open file for reading; give it back with release.
func (r *Files) acquire(first uint64) (*segment, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.open[first]
	if s == nil {
		var err error
		if s, err = r.openSegment(first); err != nil {
			return nil, err
		}
		r.open[first] = s
	}
	s.refs++
	r.touch(first)
	return s, nil
}

func (r *Files) openSegment(first uint64) (*segment, error) {
	f, err := r.fs.Open(r.path(first))
	if errors.Is(err, fs.ErrNotExist) {
		return r.openAway(first)
	}
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	s := &segment{first: first, file: f}
	if s.groups, s.end, s.size, err = findGroups(f, first); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// touch marks a file as just used, and closes the least recently used one if there
// are too many. r.mu is held.
func (r *Files) touch(first uint64) {
	for i, u := range r.recentlyUsed {
		if u == first {
			r.recentlyUsed = append(r.recentlyUsed[:i], r.recentlyUsed[i+1:]...)
			break
		}
	}
	r.recentlyUsed = append(r.recentlyUsed, first)
	for i := 0; i < len(r.recentlyUsed)-maxOpenFiles; i++ {
		if s := r.open[r.recentlyUsed[i]]; s.refs == 0 {
			_ = s.file.Close() // it was only read
			delete(r.open, s.first)
			r.recentlyUsed = append(r.recentlyUsed[:i], r.recentlyUsed[i+1:]...)
			return
		}
	}
}

func (r *Files) release(s *segment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.refs--; s.refs == 0 && s.unused != nil {
		close(s.unused)
		_ = s.file.Close()
	}
}

// forget drops a file that was replaced: later readers open the new one. The channel that it returns is closed when
// nobody reads the old one.
func (r *Files) forget(first uint64) <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	unused := make(chan struct{})
	s := r.open[first]
	if s == nil {
		close(unused)
		return unused
	}
	delete(r.open, first)
	for i, u := range r.recentlyUsed {
		if u == first {
			r.recentlyUsed = append(r.recentlyUsed[:i], r.recentlyUsed[i+1:]...)
			break
		}
	}
	if s.unused = unused; s.refs == 0 {
		close(unused)
		_ = s.file.Close()
	}
	return unused
}

// holding returns the open file that holds a record.
func (r *Files) holding(seq uint64) (*segment, error) {
	r.mu.Lock()
	i := sort.Search(len(r.firsts), func(i int) bool { return r.firsts[i] > seq })
	var first uint64
	if i > 0 {
		first = r.firsts[i-1]
	}
	r.mu.Unlock()
	if i == 0 {
		return nil, fmt.Errorf("journal: record %d: its file is missing: %w", seq, assay.ErrCorrupt)
	}
	return r.acquire(first)
}

// locate returns the open file and the offset of the group that holds seq.
func (r *Files) locate(seq uint64) (*segment, int64, error) {
	s, err := r.holding(seq)
	if err != nil {
		return nil, 0, err
	}
	marks, end, err := r.groupsOf(s)
	if err != nil {
		r.release(s)
		return nil, 0, err
	}
	m, ok := groupHolding(marks, seq)
	if !ok || seq >= end {
		r.release(s)
		return nil, 0, fmt.Errorf("journal: record %d is missing: %w", seq, assay.ErrCorrupt)
	}
	return s, m.offset, nil
}

// groupsOf returns where an open file's groups begin, and one more than the last record. It reads that of a moved file
// from the archive, once.
func (r *Files) groupsOf(s *segment) (groups []groupOffset, end uint64, err error) {
	r.mu.Lock()
	groups, end = s.groups, s.end
	r.mu.Unlock()
	if s.away == nil || groups != nil {
		return groups, end, nil
	}
	b := make([]byte, s.away.Index)
	if err := readFull(s.file, b, s.away.Records); err != nil {
		return nil, 0, err
	}
	if groups, err = s.away.parseIndex(b); err != nil {
		return nil, 0, err
	}
	r.mu.Lock()
	s.groups = groups
	r.mu.Unlock()
	return groups, end, nil
}

// Append writes a frame that Encode made; with sync, it makes it durable. After an error, what is on disk is unknown
// until the next start.
func (r *Files) Append(frame []byte, sync bool) error {
	h, err := ParseHead(frame)
	if err != nil {
		return err
	}
	if r.tail == nil || r.tail.size+int64(len(frame)) > r.tailCapacity && r.shouldRoll() {
		if err := r.beginFile(h.First); err != nil {
			return err
		}
	}
	if _, err := r.tailWriter.WriteAt(frame, r.tail.size); err != nil {
		return fmt.Errorf("records: %w", err)
	}
	if sync {
		if err := r.tailWriter.SyncData(); err != nil {
			return fmt.Errorf("records: %w", err)
		}
	}
	r.mu.Lock()
	r.tail.groups = append(r.tail.groups, groupOffset{h.First, r.tail.size})
	r.tail.end, r.tail.size = h.End(), r.tail.size+int64(len(frame))
	r.mu.Unlock()
	return nil
}

// shouldRoll reports whether the file that is full should be followed by another:
// if one was made in advance, or if the file has grown too far without one.
func (r *Files) shouldRoll() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tail.size > 0 && (r.preallocated > 0 || r.tail.size > 2*r.maxFileBytes)
}

// beginFile opens the file for the next group: after a start the last one if there
// is space in it, else a new one.
func (r *Files) beginFile(next uint64) error {
	started := r.tail == nil
	if err := r.Roll(); err != nil {
		return err
	}
	if n := len(r.firsts); n > 0 && started {
		s, err := r.acquire(r.firsts[n-1])
		if err != nil {
			return err
		}
		st, err := r.fs.Stat(r.path(s.first))
		if err != nil {
			return fmt.Errorf("records: %w", err)
		}
		if s.end == next && (s.size < st.Size() || s.size == 0) {
			return r.writeTo(s, st.Size())
		}
		r.release(s)
	}
	taken, err := r.takePreallocated(next)
	if err != nil {
		return err
	}
	if !taken {
		w, err := r.fs.OpenReadWrite(r.path(next), vfs.WriteCategoryUnspecified)
		if err != nil {
			return fmt.Errorf("records: %w", err)
		}
		if err := errors.Join(w.Close(), syncDir(r.fs, r.dir)); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.firsts = append(r.firsts, next)
	r.mu.Unlock()
	f, err := r.fs.Open(r.path(next))
	if err != nil {
		return fmt.Errorf("records: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("records: %w", errors.Join(err, f.Close()))
	}
	s := &segment{first: next, file: f, end: next, refs: 1} // nothing is in it
	r.mu.Lock()
	r.open[next] = s
	r.touch(next)
	r.mu.Unlock()
	return r.writeTo(s, st.Size())
}

func (r *Files) writeTo(s *segment, room int64) (err error) {
	r.mu.Lock()
	r.tail, r.tailCapacity = s, room
	r.mu.Unlock()
	if r.tailWriter, err = r.fs.OpenReadWrite(r.path(s.first), vfs.WriteCategoryUnspecified); err != nil {
		return fmt.Errorf("records: %w", err)
	}
	return nil
}

// Roll ends the file that is being written; the next Append begins a new one. Nobody may append during the call.
func (r *Files) Roll() error {
	if r.tail == nil {
		return nil
	}
	r.release(r.tail)
	r.mu.Lock()
	r.tail = nil
	r.mu.Unlock()
	if err := r.tailWriter.Close(); err != nil {
		return fmt.Errorf("records: %w", err)
	}
	return nil
}

// Close closes every file.
func (r *Files) Close() error {
	err := r.Roll()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.open {
		err = errors.Join(err, s.file.Close())
	}
	clear(r.open)
	r.recentlyUsed = nil
	return err
}
