// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/compact"
	"github.com/assayrisk/assay/ledger/journal/atomicfile"
	"github.com/assayrisk/assay/ledger/vault"
)

// dictionarySuffix ends the names of dictionaries; before it is the digest, in hexadecimal digits.
const dictionarySuffix = ".zdict"

// dictionaries compress the parts of records before they are sealed. Each lies in a file that is named by its digest,
// and stays as long as the journal: frames name theirs by its id.
type dictionaries struct {
	fs  vfs.FS
	dir string

	current atomic.Pointer[compact.Dictionary] // of new records; nil: they are not compressed
	decoder atomic.Pointer[compact.Decoder]    // knows all of them

	mu  sync.Mutex
	all []*compact.Dictionary
}

// open reads the directory, making it if there is none.
func (d *dictionaries) open(f vfs.FS, dir string) error {
	d.fs, d.dir = f, dir
	if err := f.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("dictionaries: %w", err)
	}
	names, err := f.List(dir)
	if err != nil {
		return fmt.Errorf("dictionaries: %w", err)
	}
	for _, n := range names {
		path := f.PathJoin(dir, n)
		if strings.HasSuffix(n, atomicfile.TempSuffix) {
			if err := f.Remove(path); err != nil {
				return fmt.Errorf("dictionaries: %w", err)
			}
			continue
		}
		b, err := readAll(f, path)
		if err != nil {
			return err
		}
		one, err := compact.Parse(b)
		if err != nil {
			return fmt.Errorf("dictionaries: %s: %w (put it back from a backup)", path, err)
		}
		if n != dictionaryName(one) {
			return fmt.Errorf("dictionaries: %s holds another dictionary than its name says: %w", path,
				assay.ErrCorrupt)
		}
		d.all = append(d.all, one)
	}
	decoder, err := compact.NewDecoder(d.all...)
	if err != nil {
		return fmt.Errorf("dictionaries: %w", err)
	}
	d.decoder.Store(decoder)
	return nil
}

// readAll reads a file of a dictionary's size at most.
func readAll(f vfs.FS, path string) ([]byte, error) {
	file, err := f.Open(path)
	if err != nil {
		return nil, fmt.Errorf("dictionaries: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(file, compact.MaxDictionaryBytes+1))
	if cerr := file.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, fmt.Errorf("dictionaries: %w", err)
	}
	return b, nil
}

func dictionaryName(d *compact.Dictionary) string {
	return fmt.Sprintf("%x", d.Digest()) + dictionarySuffix
}

// use makes a dictionary durable, unless it is there, and compresses new records with it.
func (d *dictionaries) use(one *compact.Dictionary) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, have := range d.all {
		if have.Digest() == one.Digest() {
			d.current.Store(have)
			return nil
		}
	}
	decoder, err := compact.NewDecoder(append(d.all, one)...)
	if err != nil {
		return fmt.Errorf("dictionaries: %w", err)
	}
	err = atomicfile.Replace(d.fs, d.fs.PathJoin(d.dir, dictionaryName(one)), func(w io.Writer) error {
		_, err := w.Write(one.Bytes())
		return err
	})
	if err != nil {
		return fmt.Errorf("dictionaries: %w", err)
	}
	d.all = append(d.all, one)
	d.decoder.Store(decoder)
	d.current.Store(one)
	return nil
}

// copyTo copies all dictionaries to another directory.
func (d *dictionaries) copyTo(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fs.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("dictionaries: %w", err)
	}
	for _, one := range d.all {
		n := dictionaryName(one)
		if err := vfs.LinkOrCopy(d.fs, d.fs.PathJoin(d.dir, n), d.fs.PathJoin(dir, n)); err != nil {
			return fmt.Errorf("dictionaries: %w", err)
		}
	}
	return atomicfile.SyncDir(d.fs, dir)
}

// UseDictionary compresses records from now on with a dictionary that is made of samples. Whoever reads the directory
// can read the samples, whoever is erased: they must be generated, and never be taken from records. Of samples that
// have nothing in common no dictionary is made, and records are compressed as before.
func (j *Journal) UseDictionary(samples []*Record) error {
	var parts [][]byte
	for i, r := range samples {
		if err := r.check(); err != nil {
			return fmt.Errorf("sample %d: %w", i, err)
		}
		parts = append(parts, r.appendPersonal(nil))
		if len(r.Business) > 0 {
			parts = append(parts, r.appendBusiness(nil, r.Owner.ID()))
		}
	}
	d, err := compact.Make(parts)
	if err != nil {
		return fmt.Errorf("dictionaries: %w", err)
	}
	return j.dictionaries.use(d)
}

// openDictionaries reads the dictionaries of the journal's directory.
func (j *Journal) openDictionaries() error {
	return j.dictionaries.open(j.cfg.FS, filepath.Join(j.dir, dictionaryDir))
}

// The form of a part: the first byte of its plaintext, from format 2 on. Frozen.
const (
	formPlain      = 0
	formCompressed = 1 // a zstd frame follows
)

// sealPart appends the plaintext to dst, compressed if that makes it smaller, and sealed.
func (e *entry) sealPart(dst []byte, d *compact.Dictionary, key *vault.Key, ad []byte) []byte {
	e.packed = e.packed[:0]
	if d != nil {
		e.packed = d.Append(append(e.packed, formCompressed), e.plaintext)
	}
	if d == nil || len(e.packed) > len(e.plaintext) {
		e.packed = append(append(e.packed[:0], formPlain), e.plaintext...)
	}
	if n := len(e.packed) + vault.Overhead; cap(dst) < n {
		dst = make([]byte, 0, n+n/4)
	}
	return key.Seal(dst, e.packed, ad)
}

// maxPlaintext bounds a part's plaintext: body digest, three names, three parts, their lengths.
const maxPlaintext = 3*MaxPartBytes + 3*MaxNameBytes + 4<<10

// openPart opens a sealed part of a format.
func openPart(key *vault.Key, d *compact.Decoder, version int, sealed, ad []byte) ([]byte, error) {
	plain, err := key.Open(nil, sealed, ad)
	if err != nil || version == 1 {
		return plain, err
	}
	switch {
	case len(plain) > 0 && plain[0] == formPlain:
		return plain[1:], nil
	case len(plain) > 0 && plain[0] == formCompressed:
		return d.Append(nil, plain[1:], maxPlaintext)
	}
	return nil, fmt.Errorf("a sealed part begins with a byte that this version does not know: %w", assay.ErrCorrupt)
}
