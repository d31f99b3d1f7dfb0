// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// Name identifies a row: the number of its table, and its key.
type Name struct {
	Table int
	Key   string
}

func (n Name) compare(o Name) int {
	return cmp.Or(cmp.Compare(n.Table, o.Table), strings.Compare(n.Key, o.Key))
}

// Row is a row of a snapshot, to be stored.
type Row struct {
	Table int
	window.Row
}

// Entry is a row in a directory: everything about it but its bytes.
type Entry struct {
	Name
	Hash     assay.Digest
	DeadFrom int64         // the horizon from which the row is dead
	Names    window.Filter // the parties and members that it may contain
	Place    Place
	endsGroup
}

// Place is where a row is stored. It means something to the one who stores rows; nothing here depends on it.
type Place [2]uint64

// endsGroup says that an entry is the last of its group.
type endsGroup bool

// Entry returns the directory's entry of a row that is stored at a place.
func (r *Row) Entry(at Place) Entry {
	return Entry{Name: Name{r.Table, r.Key}, Hash: RowHash(Name{r.Table, r.Key}, r.Bytes), DeadFrom: r.DeadFrom,
		Names: r.Names, Place: at}
}

const rowTag = "assay/window-row/v1\n"

// RowHash is the hash of a row's name and bytes.
func RowHash(n Name, b []byte) assay.Digest {
	var head [8]byte
	binary.LittleEndian.PutUint32(head[:], uint32(n.Table))
	binary.LittleEndian.PutUint32(head[4:], uint32(len(n.Key)))
	return assay.Sum(rowTag, head[:], []byte(n.Key), b)
}

// Changes turn the directory of one snapshot into that of the next.
type Changes struct {
	Horizon int64   // rows that are dead at it are left out
	Removed []Name  // rows that were erased
	Changed []Entry // rows that are new or changed
	Moved   []Entry // rows that are stored at another place, if the directory still has them with the same hash
}

// Append appends the changes' bytes to b. Changes to an empty directory are a whole directory.
//
//	horizon  int64, little-endian
//	removed  uvarint, then for each: table uvarint, length of the key uvarint, key
//	changed  uvarint, then for each: name as above, hash of 32 bytes, dead from int64, names uint64, place 2 uint64
//	moved    as changed
func (c *Changes) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(c.Horizon))
	b = binary.AppendUvarint(b, uint64(len(c.Removed)))
	for _, n := range c.Removed {
		b = n.append(b)
	}
	for _, entries := range [][]Entry{c.Changed, c.Moved} {
		b = binary.AppendUvarint(b, uint64(len(entries)))
		for i := range entries {
			b = entries[i].append(b)
		}
	}
	return b
}

func (n Name) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(n.Table))
	b = binary.AppendUvarint(b, uint64(len(n.Key)))
	return append(b, n.Key...)
}

func (e *Entry) append(b []byte) []byte {
	le := binary.LittleEndian
	b = append(e.Name.append(b), e.Hash[:]...)
	b = le.AppendUint64(b, uint64(e.DeadFrom))
	b = le.AppendUint64(b, uint64(e.Names))
	return le.AppendUint64(le.AppendUint64(b, e.Place[0]), e.Place[1])
}

const (
	maxTables = 1 << 16
	minName   = 2                 // bytes
	minEntry  = minName + 32 + 32 // bytes
)

// ReadChanges reads what Append wrote. The error matches assay.ErrCorrupt.
func ReadChanges(b []byte) (*Changes, error) {
	r := &reader{b: b}
	c := &Changes{Horizon: int64(r.u64())}
	if n := r.count(minName); n > 0 {
		c.Removed = make([]Name, n)
	}
	for i := range c.Removed {
		c.Removed[i] = r.name()
	}
	c.Changed, c.Moved = r.entries(), r.entries()
	if r.failed || len(r.b) > 0 {
		return nil, fmt.Errorf("the directory of rows is damaged: %w", assay.ErrCorrupt)
	}
	return c, nil
}

// reader reads numbers and texts, and records that the bytes ended too early.
type reader struct {
	b      []byte
	keys   strings.Builder // memory for keys
	failed bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.failed, r.b = true, nil
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.failed, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return x
}

// count reads the number of items that follow, each of at least some bytes.
func (r *reader) count(least uint64) int {
	n := r.uvarint()
	if n > uint64(len(r.b))/least {
		r.failed, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) name() Name {
	table := r.uvarint()
	if table >= maxTables {
		r.failed = true
		return Name{}
	}
	key := r.take(r.uvarint())
	if r.keys.Cap()-r.keys.Len() < len(key) {
		r.keys = strings.Builder{}
		r.keys.Grow(max(len(key), 1<<16))
	}
	start := r.keys.Len()
	r.keys.Write(key)
	return Name{int(table), r.keys.String()[start:]}
}

func (r *reader) entries() []Entry {
	n := r.count(minEntry)
	if n == 0 {
		return nil
	}
	out := make([]Entry, n)
	for i := range out {
		e := &out[i]
		e.Name = r.name()
		copy(e.Hash[:], r.take(uint64(len(e.Hash))))
		e.DeadFrom, e.Names = int64(r.u64()), window.Filter(r.u64())
		e.Place = Place{r.u64(), r.u64()}
		if r.failed {
			return nil
		}
	}
	return out
}
