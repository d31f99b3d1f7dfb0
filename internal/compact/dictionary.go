// SPDX-License-Identifier: Apache-2.0

package compact

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/assayrisk/assay"
)

// Dictionary compresses records. It is safe for concurrent use. A nil Dictionary
// compresses without one.
type Dictionary struct {
	bytes   []byte
	digest  assay.Digest
	id      uint32
	content []byte     // behind the tables
	tables  *tables    // nil in a dictionary that Make does not make
	heads   *hashHeads // of content

	encoders sync.Pool     // of *recordEncoder
	decoders sync.Pool     // of *recordDecoder
	general  *zstd.Encoder // for what recordEncoder does not take
}

// MaxDictionaryBytes bounds a dictionary that is parsed.
const MaxDictionaryBytes = 1 << 20

const (
	dictionaryMagic = 0xec30a437 // RFC 8878, section 5
	idBytes         = 8          // the magic number and the id, which the digest leaves out

	// digestTag separates digests of dictionaries from all others. Frozen.
	digestTag = "assay/dictionary/v1\n"

	// Ids that RFC 8878, section 3.1.1.1.3, does not reserve for a registrar.
	firstPrivateID = 1 << 15
	privateIDs     = 1<<31 - firstPrivateID
)

// Make makes a dictionary from samples of the records that it will compress: some
// hundreds of each kind, which takes a good part of a second. The same samples in the
// same order make the same dictionary. It returns an error that matches
// assay.ErrInvalid when the samples have nothing in common.
func Make(samples [][]byte) (*Dictionary, error) {
	content := commonContent(samples)
	if len(content) == 0 {
		return nil, fmt.Errorf("make dictionary: no part of the %d samples is in two of them, so none can help: "+
			"give at least two samples of each kind of record: %w", len(samples), assay.ErrInvalid)
	}
	_, first := countUses(content, samples, 1)
	offset := startOffset(first, len(content))
	uses, _ := countUses(content, samples, offset)
	b := binary.LittleEndian.AppendUint32(nil, dictionaryMagic)
	b = append(b, 0, 0, 0, 0) // the id, which follows from all that is behind it
	b = append(appendTables(b, &uses, offset), content...)
	binary.LittleEndian.PutUint32(b[4:], idOf(digestOf(b)))
	return Parse(b)
}

// Parse reads what Bytes returned. It reads every dictionary in the format of RFC
// 8878, section 5, whose id is the one that follows from its digest; those that Make
// does not make compress as slowly as klauspost/compress. Other errors match
// assay.ErrCorrupt.
func Parse(b []byte) (*Dictionary, error) {
	if len(b) > MaxDictionaryBytes {
		return nil, fmt.Errorf("dictionary: %d bytes, at most %d are read: %w", len(b), MaxDictionaryBytes,
			assay.ErrCorrupt)
	}
	if len(b) < idBytes || binary.LittleEndian.Uint32(b) != dictionaryMagic {
		return nil, fmt.Errorf("dictionary: does not start as a zstd dictionary: %w", assay.ErrCorrupt)
	}
	d := &Dictionary{bytes: append([]byte(nil), b...), digest: digestOf(b)}
	d.id = idOf(d.digest)
	if stated := binary.LittleEndian.Uint32(b[4:]); stated != d.id {
		return nil, fmt.Errorf("dictionary: its id is %d, and by its digest it should be %d: %w", stated, d.id,
			assay.ErrCorrupt)
	}
	var err error
	if d.general, err = newEncoder(zstd.WithEncoderDict(d.bytes)); err != nil {
		return nil, fmt.Errorf("dictionary: %w: %w", err, assay.ErrCorrupt)
	}
	if tables, content, ok := readTables(d.bytes[idBytes:]); ok {
		d.tables, d.content, d.heads = tables, content, headsOf(content)
		d.encoders.New = func() any { return newRecordEncoder(d) }
		d.decoders.New = func() any { return newRecordDecoder(d) }
	}
	return d, nil
}

func digestOf(dictionary []byte) assay.Digest { return assay.Sum(digestTag, dictionary[idBytes:]) }

func idOf(d assay.Digest) uint32 { return firstPrivateID + binary.LittleEndian.Uint32(d[:])%privateIDs }

// Bytes returns the dictionary in the format of RFC 8878, section 5, which every
// zstd program reads. The caller must not change them.
func (d *Dictionary) Bytes() []byte { return d.bytes }

// Digest names the dictionary: SHA-256 of "assay/dictionary/v1\n" and of Bytes
// without the first eight.
func (d *Dictionary) Digest() assay.Digest { return d.digest }

// ID is what frames name the dictionary by. It follows from the digest's first
// four bytes and lies in the range that RFC 8878 leaves to private use.
func (d *Dictionary) ID() uint32 {
	if d == nil {
		return 0
	}
	return d.id
}
