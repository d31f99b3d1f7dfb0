// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/atomicfile"
)

// Signatures are the signatures of the groups' promises, in files of their own: a group is signed once it is durable,
// and its signature is written behind the reply, without a sync. One that a crash has lost is made again, because
// Ed25519 signs the same bytes the same way. A file holds the groups that begin in one block of numbers, an entry each,
// in order:
//
//	first number 8 || count 4 || signature 64 || CRC-32C of the 76 bytes before 4
//
// Its name is the block's first number, 16 hexadecimal digits, and ".sig".
type Signatures struct {
	fs  vfs.FS
	dir string

	mu      sync.Mutex
	unsaved []signature // not in the files yet, in order
	end     uint64      // one more than the last record of a signed group
	block   uint64      // of the file that is open for writing
	file    vfs.File    // nil: none
	size    int64       // of file

	writing sync.Mutex // held while unsaved ones are written
}

type signature struct {
	first     uint64
	count     uint32
	signature [64]byte
}

const (
	signatureBytes  = 80
	signatureSuffix = ".sig"
	// signatureBlock is how many numbers a file covers: 80 MB at most.
	signatureBlock = 1 << 20
)

// OpenSignatures opens the directory, making it if there is none, and finds the last signature that is whole and whose
// group ends at or before the end of the records. What follows it is dropped: a power cut has torn it, or the records
// are an older copy.
func OpenSignatures(f vfs.FS, dir string, end uint64) (*Signatures, error) {
	if err := f.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	s := &Signatures{fs: f, dir: dir}
	names, err := f.List(dir)
	if err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	slices.Sort(names)
	slices.Reverse(names)
	for _, n := range names {
		path := f.PathJoin(dir, n)
		if strings.HasSuffix(n, atomicfile.TempSuffix) {
			if err := f.Remove(path); err != nil {
				return nil, fmt.Errorf("signatures: %w", err)
			}
			continue
		}
		block, err := parseSignatureName(n)
		if err != nil {
			return nil, fmt.Errorf("signatures: %s: %w", path, err)
		}
		if err := s.readEnd(block, end); err != nil || s.end > 0 {
			return s, err
		}
	}
	return s, nil
}

func signatureName(block uint64) string { return fmt.Sprintf("%016x%s", block, signatureSuffix) }

func parseSignatureName(name string) (block uint64, err error) {
	base, ok := strings.CutSuffix(name, signatureSuffix)
	if block, err = strconv.ParseUint(base, 16, 64); !ok || err != nil || signatureName(block) != name {
		return 0, fmt.Errorf("not a file of signatures: %w", assay.ErrCorrupt)
	}
	return block, nil
}

// readEnd looks for the last signature of one file that counts, and drops what follows it.
func (s *Signatures) readEnd(block, end uint64) error {
	f, size, err := s.openBlock(block)
	if err != nil {
		return err
	}
	at := size - size%signatureBytes
	for ; at > 0; at -= signatureBytes {
		g, err := readSignature(f, at-signatureBytes)
		if err == nil && g.first+uint64(g.count) <= end {
			s.end = g.first + uint64(g.count)
			break
		}
		if err != nil && !errors.Is(err, assay.ErrCorrupt) {
			return errors.Join(err, f.Close())
		}
	}
	kept := make([]byte, at)
	if err := errors.Join(readFull(f, kept, 0), f.Close()); err != nil {
		return err
	}
	s.block, s.size = block, at
	if at == size {
		return nil
	}
	path := s.fs.PathJoin(s.dir, signatureName(block))
	return replaceFile(s.fs, path, func(w io.Writer) error { _, err := w.Write(kept); return err })
}

// openBlock opens a file for reading.
func (s *Signatures) openBlock(block uint64) (f vfs.File, size int64, err error) {
	if f, err = s.fs.Open(s.fs.PathJoin(s.dir, signatureName(block))); err != nil {
		return nil, 0, fmt.Errorf("signatures: %w", err)
	}
	st, err := f.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("signatures: %w", errors.Join(err, f.Close()))
	}
	return f, st.Size(), nil
}

func readSignature(f vfs.File, at int64) (g signature, err error) {
	var b [signatureBytes]byte
	if err := readFull(f, b[:], at); err != nil {
		return g, err
	}
	if crc32.Checksum(b[:76], castagnoli) != binary.BigEndian.Uint32(b[76:]) {
		return g, fmt.Errorf("signatures: an entry's checksum is wrong: %w", assay.ErrCorrupt)
	}
	g.first, g.count = binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint32(b[8:])
	copy(g.signature[:], b[12:])
	return g, nil
}

func (g *signature) append(b []byte) []byte {
	n := len(b)
	b = binary.BigEndian.AppendUint64(b, g.first)
	b = binary.BigEndian.AppendUint32(b, g.count)
	b = append(b, g.signature[:]...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[n:], castagnoli))
}

// End is one more than the last record of the last group that is signed.
func (s *Signatures) End() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end
}

// Add keeps the signature of a durable group. Flush writes it.
func (s *Signatures) Add(first uint64, count uint32, sig [64]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaved = append(s.unsaved, signature{first, count, sig})
	s.end = first + uint64(count)
}

// Find returns the signature of the group that begins with a number; false if it is not here: it can be made again.
func (s *Signatures) Find(first uint64, count uint32) (sig [64]byte, ok bool, err error) {
	s.mu.Lock()
	i, ok := slices.BinarySearchFunc(s.unsaved, first, func(g signature, n uint64) int { return compare(g.first, n) })
	if ok {
		g := s.unsaved[i]
		s.mu.Unlock()
		return g.signature, g.count == count, nil
	}
	s.mu.Unlock()
	f, size, err := s.openBlock(first / signatureBlock * signatureBlock)
	if errors.Is(err, fs.ErrNotExist) {
		return sig, false, nil
	}
	if err != nil {
		return sig, false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	low, high := int64(0), size/signatureBytes
	for low < high {
		middle := (low + high) / 2
		g, err := readSignature(f, middle*signatureBytes)
		if errors.Is(err, assay.ErrCorrupt) {
			return sig, false, nil // a power cut has taken it
		}
		if err != nil {
			return sig, false, err
		}
		switch compare(g.first, first) {
		case 0:
			return g.signature, g.count == count, nil
		case -1:
			low = middle + 1
		default:
			high = middle
		}
	}
	return sig, false, nil
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Flush writes the signatures that were added. It makes nothing durable: see Signatures.
func (s *Signatures) Flush() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	todo := slices.Clone(s.unsaved)
	s.mu.Unlock()
	var b []byte
	for i := 0; i < len(todo); {
		block := todo[i].first / signatureBlock * signatureBlock
		b = b[:0]
		for ; i < len(todo) && todo[i].first/signatureBlock*signatureBlock == block; i++ {
			b = todo[i].append(b)
		}
		if err := s.write(block, b); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaved = append(s.unsaved[:0], s.unsaved[len(todo):]...)
	return nil
}

// write appends entries to the file of a block.
func (s *Signatures) write(block uint64, b []byte) error {
	if s.file == nil || s.block != block {
		if err := s.closeFile(); err != nil {
			return err
		}
		f, err := s.fs.OpenReadWrite(s.fs.PathJoin(s.dir, signatureName(block)), vfs.WriteCategoryUnspecified)
		if err != nil {
			return fmt.Errorf("signatures: %w", err)
		}
		if s.block != block {
			s.size = 0
		}
		s.file, s.block = f, block
	}
	n, err := s.file.WriteAt(b, s.size)
	if err != nil {
		return fmt.Errorf("signatures: %w", err)
	}
	s.size += int64(n)
	return nil
}

// closeFile makes the open file durable and closes it.
func (s *Signatures) closeFile() error {
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.file.Sync(), s.file.Close())
	s.file = nil
	if err != nil {
		return fmt.Errorf("signatures: %w", err)
	}
	return nil
}

// Close writes what was added, makes it durable, and closes the files.
func (s *Signatures) Close() error {
	err := s.Flush()
	s.writing.Lock()
	defer s.writing.Unlock()
	return errors.Join(err, s.closeFile())
}

// CopyTo copies the signatures to another directory; those that are missing there are made again.
func (s *Signatures) CopyTo(dir string) error {
	if err := errors.Join(s.Flush(), s.fs.MkdirAll(dir, 0o700)); err != nil {
		return fmt.Errorf("signatures: %w", err)
	}
	names, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("signatures: %w", err)
	}
	for _, n := range names {
		if err := vfs.Copy(s.fs, s.fs.PathJoin(s.dir, n), s.fs.PathJoin(dir, n)); err != nil {
			return fmt.Errorf("signatures: %w", err)
		}
	}
	return syncDir(s.fs, dir)
}
