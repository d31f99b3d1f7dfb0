// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/bounded"
)

// entry is one checkpoint that is being anchored, or is anchored. It holds the
// signed transactions so that the same bytes can be sent again.
type entry struct {
	Version  uint8           `json:"version"` // 1
	Note     []byte          `json:"note"`    // the checkpoint, signed
	Call     Call            `json:"call"`
	Txs      []Tx            `json:"txs"`             // oldest first; all have one nonce, the last has the highest fee
	SignedAt time.Time       `json:"signed_at"`       // when the last of Txs was signed
	Proof    json.RawMessage `json:"proof,omitempty"` // once final
	Replaced int             `json:"replaced"`        // how often the fee was raised
}

// store keeps entries in a directory. Each file is written whole, synced, and
// renamed into place:
//
//	pending.json               entries not proven yet, oldest first
//	anchors/<size, 20 digits>  one proven entry each
type store struct {
	dir string
	mu  struct {
		sync.Mutex
		sizes []uint64 // of proven entries, ascending
	}
}

// maxEntryBytes bounds a file that is read: a proof, a note, transactions.
const maxEntryBytes = 4 << 20

func openStore(dir string) (*store, error) {
	s := &store{dir: dir}
	if err := os.MkdirAll(filepath.Join(dir, "anchors"), 0o755); err != nil {
		return nil, fmt.Errorf("anchor: %w", err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "anchors"))
	if err != nil {
		return nil, fmt.Errorf("anchor: %w", err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".tmp") {
			continue // a write that a crash cut short
		}
		n, err := strconv.ParseUint(f.Name(), 10, 64)
		if err != nil || f.Name() != entryName(n) {
			return nil, fmt.Errorf("anchor: %s: unexpected file %q: %w", dir, f.Name(), assay.ErrCorrupt)
		}
		s.mu.sizes = append(s.mu.sizes, n)
	}
	slices.Sort(s.mu.sizes)
	return s, nil
}

func entryName(size uint64) string { return fmt.Sprintf("%020d", size) }

// pending reads the queue, empty if there is none.
func (s *store) pending() ([]*entry, error) {
	var q []*entry
	err := s.read("pending.json", &q)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return q, err
}

// setPending replaces the queue.
func (s *store) setPending(q []*entry) error {
	if q == nil {
		q = []*entry{}
	}
	return s.write("pending.json", q)
}

// put stores a proven entry.
func (s *store) put(e *entry) error {
	if err := s.write(filepath.Join("anchors", entryName(e.Call.Size)), e); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, found := slices.BinarySearch(s.mu.sizes, e.Call.Size); !found {
		s.mu.sizes = slices.Insert(s.mu.sizes, i, e.Call.Size)
	}
	return nil
}

// get reads the proven entry of a size.
func (s *store) get(size uint64) (*entry, error) {
	var e entry
	if err := s.read(filepath.Join("anchors", entryName(size)), &e); err != nil {
		return nil, err
	}
	if e.Version != 1 || e.Call.Size != size {
		return nil, fmt.Errorf("anchor: the entry of size %d is of version %d and size %d: %w", size, e.Version,
			e.Call.Size, assay.ErrCorrupt)
	}
	return &e, nil
}

// drop removes a proven entry, if there is one.
func (s *store) drop(size uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearch(s.mu.sizes, size)
	if !found {
		return nil
	}
	if err := os.Remove(filepath.Join(s.dir, "anchors", entryName(size))); err != nil &&
		!errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("anchor: %w", err)
	}
	s.mu.sizes = slices.Delete(s.mu.sizes, i, i+1)
	return syncDir(filepath.Join(s.dir, "anchors"))
}

func (s *store) read(name string, v any) error {
	path := filepath.Join(s.dir, name)
	b, err := bounded.ReadFile(path, maxEntryBytes)
	if errors.Is(err, bounded.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", err, assay.ErrCorrupt)
	}
	if err != nil {
		return fmt.Errorf("anchor: %w", err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("anchor: %s: %w: %w", path, err, assay.ErrCorrupt)
	}
	return nil
}

// write makes a file durable before it has its name.
func (s *store) write(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("anchor: %w", err)
	}
	path := filepath.Join(s.dir, name)
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("anchor: %w", err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("anchor: %w", err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("anchor: %w", err)
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

// sizesAbove returns the sizes of proven entries that are greater than n,
// ascending. The slice is the caller's.
func (s *store) sizesAbove(n uint64) []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearch(s.mu.sizes, n)
	if found {
		i++
	}
	return slices.Clone(s.mu.sizes[i:])
}
