// SPDX-License-Identifier: Apache-2.0

package statefile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/atomicfile"
	"github.com/assayrisk/assay/ledger/vault"
)

const (
	rowsMagic   = "assayrow"
	stateMagic  = "assaysta"
	rowsSuffix  = ".rows"
	stateSuffix = ".state"
	// maxStateBytes bounds a state: the entries of some ten million rows.
	maxStateBytes = 2 << 30
	// maxRowBytes bounds a row.
	maxRowBytes = 1<<24 - 1
)

// Keys returns the key of a party by its id. vault.ErrErased: it was destroyed.
type Keys func(id vault.ID) (*vault.Key, error)

// Files are the snapshots of a journal. One goroutine at a time may write; all may read.
type Files struct {
	fs        vfs.FS
	dir       string
	programme *vault.Key
	keys      Keys

	mu     sync.RWMutex
	states []uint64            // numbers of the snapshots, rising
	rows   map[uint64]vfs.File // open for reading, by number
}

// Place is where a row lies: the number of its file; its offset there, and in the low 24 bits its length.
type Place [2]uint64

func placeOf(file uint64, offset int64, n int) Place {
	return Place{file, uint64(offset)<<24 | uint64(n)}
}

func (p Place) offset() int64 { return int64(p[1] >> 24) }

// Len is the number of bytes that the row takes in its file.
func (p Place) Len() int { return int(p[1] & (1<<24 - 1)) }

// Open opens the directory, making it if there is none. programme is the key of states, and of rows without a party.
func Open(f vfs.FS, dir string, programme *vault.Key, keys Keys) (*Files, error) {
	if err := f.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	s := &Files{fs: f, dir: dir, programme: programme, keys: keys, rows: map[uint64]vfs.File{}}
	names, err := f.List(dir)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	for _, n := range names {
		if strings.HasSuffix(n, atomicfile.TempSuffix) {
			if err := f.Remove(f.PathJoin(dir, n)); err != nil {
				return nil, fmt.Errorf("state: %w", err)
			}
			continue
		}
		number, suffix, ok := parseName(n)
		if !ok {
			return nil, fmt.Errorf("state: %s is not a file of a snapshot: move it away: %w", f.PathJoin(dir, n),
				assay.ErrCorrupt)
		}
		if suffix == stateSuffix {
			s.states = append(s.states, number)
		}
	}
	slices.Sort(s.states)
	return s, nil
}

func (s *Files) path(number uint64, suffix string) string {
	return s.fs.PathJoin(s.dir, fmt.Sprintf("%016x%s", number, suffix))
}

func parseName(name string) (number uint64, suffix string, ok bool) {
	if len(name) < 17 {
		return 0, "", false
	}
	number, err := strconv.ParseUint(name[:16], 16, 64)
	suffix = name[16:]
	return number, suffix, err == nil && (suffix == rowsSuffix || suffix == stateSuffix) &&
		name == fmt.Sprintf("%016x%s", number, suffix)
}

// Numbers returns the numbers of the snapshots, rising.
func (s *Files) Numbers() []uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.states)
}

// State reads the state of a snapshot.
func (s *Files) State(number uint64) ([]byte, error) {
	b, err := s.readFile(s.path(number, stateSuffix))
	if err != nil {
		return nil, err
	}
	rest, ok := strings.CutPrefix(string(b[:min(len(b), len(stateMagic))]), stateMagic)
	if !ok || rest != "" {
		return nil, fmt.Errorf("state: snapshot %d does not begin as one: %w", number, assay.ErrCorrupt)
	}
	plain, err := s.programme.Open(nil, b[len(stateMagic):], binary.BigEndian.AppendUint64(nil, number))
	if err != nil {
		return nil, fmt.Errorf("state: snapshot %d: %w", number, err)
	}
	return plain, nil
}

func (s *Files) readFile(path string) ([]byte, error) {
	f, err := s.fs.Open(path)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	st, err := f.Stat()
	if err == nil && st.Size() > maxStateBytes {
		err = fmt.Errorf("%s has %d bytes, at most %d: %w", path, st.Size(), int64(maxStateBytes), assay.ErrCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", errors.Join(err, f.Close()))
	}
	b := make([]byte, st.Size())
	if _, err = io.ReadFull(f, b); err != nil {
		err = fmt.Errorf("state: %w", err)
	}
	return b, errors.Join(err, f.Close())
}

// rowKey is the key of a row that was sealed at a number.
func (s *Files) rowKey(number uint64, parties []vault.ID, label []byte) (key *vault.Key, ad []byte, err error) {
	ad = append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(label)), number), label...)
	keys := []*vault.Key{s.programme}
	if len(parties) > 0 {
		keys = make([]*vault.Key, len(parties))
	}
	for i, id := range parties {
		if keys[i], err = s.keys(id); err != nil {
			return nil, nil, err
		}
	}
	key, err = vault.RowKey(keys, ad)
	return key, ad, err
}

// Read reads a row. An error matches vault.ErrErased when one of its parties was erased. It is safe for concurrent use.
func (s *Files) Read(at Place, parties []vault.ID, label []byte) ([]byte, error) {
	b, err := s.raw(at)
	if err != nil {
		return nil, err
	}
	key, ad, err := s.rowKey(binary.BigEndian.Uint64(b), parties, label)
	if err != nil {
		return nil, fmt.Errorf("state: a row: %w", err)
	}
	plain, err := key.Open(nil, b[8:], ad)
	if err != nil {
		return nil, fmt.Errorf("state: a row of snapshot %d: %w", at[0], err)
	}
	return plain, nil
}

// raw reads a row as it lies in its file.
func (s *Files) raw(at Place) ([]byte, error) {
	if at.Len() < 8+vault.Overhead {
		return nil, fmt.Errorf("state: a row of %d bytes: %w", at.Len(), assay.ErrCorrupt)
	}
	f, err := s.rowsFile(at[0])
	if err != nil {
		return nil, err
	}
	b := make([]byte, at.Len())
	if n, err := f.ReadAt(b, at.offset()); n < len(b) {
		return nil, fmt.Errorf("state: a row of snapshot %d ends too early: %w: %w", at[0], err, assay.ErrCorrupt)
	}
	return b, nil
}

// rowsFile returns the open file of rows.
func (s *Files) rowsFile(number uint64) (vfs.File, error) {
	s.mu.RLock()
	f := s.rows[number]
	s.mu.RUnlock()
	if f != nil {
		return f, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f = s.rows[number]; f != nil {
		return f, nil
	}
	f, err := s.fs.Open(s.path(number, rowsSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("state: the rows of snapshot %d are missing: %w", number, assay.ErrCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	s.rows[number] = f
	return f, nil
}

// Drop removes snapshots other than those of the given numbers, and files of rows other than those of the given
// numbers. Nobody may read a row of one that goes.
func (s *Files) Drop(states, rows []uint64) error {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range names {
		number, suffix, ok := parseName(n)
		if !ok || suffix == stateSuffix && slices.Contains(states, number) ||
			suffix == rowsSuffix && slices.Contains(rows, number) {
			continue
		}
		if f := s.rows[number]; f != nil && suffix == rowsSuffix {
			err = errors.Join(err, f.Close())
			delete(s.rows, number)
		}
		err = errors.Join(err, s.fs.Remove(s.fs.PathJoin(s.dir, n)))
	}
	s.states = slices.DeleteFunc(s.states, func(n uint64) bool { return !slices.Contains(states, n) })
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return nil
}

// Close closes the files.
func (s *Files) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, f := range s.rows {
		err = errors.Join(err, f.Close())
	}
	clear(s.rows)
	return err
}
