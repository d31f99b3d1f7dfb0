// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"context"
	"errors"
	"fmt"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// Record reads one record.
func (r *Files) Record(seq uint64) (StoredRecord, error) {
	s, off, err := r.locate(seq)
	if err != nil {
		return StoredRecord{}, err
	}
	defer r.release(s)
	var head [maxHeadBytes]byte
	h, err := readHead(s.file, off, head[:])
	if err != nil {
		return StoredRecord{}, err
	}
	if seq < h.First || seq >= h.End() {
		return StoredRecord{}, fmt.Errorf("journal: record %d is not in the group of records %d to %d: %w",
			seq, h.First, h.End()-1, assay.ErrCorrupt)
	}
	table := make([]byte, h.tableLen())
	body := off + int64(h.HeadLen())
	if err := readFull(s.file, table, body); err != nil {
		return StoredRecord{}, err
	}
	p, err := h.row(table, int(seq-h.First))
	if err != nil {
		return StoredRecord{}, err
	}
	b := make([]byte, p.public.len()+p.business.len()+p.personal.len())
	public, sealed := b[:p.public.len()], b[p.public.len():]
	business, personal := sealed[:p.business.len()], sealed[p.business.len():]
	if err := errors.Join(
		readFull(s.file, public, body+int64(h.tableLen()+p.public.from)),
		readFull(s.file, business, body+int64(h.publicEnd()+p.business.from)),
		readFull(s.file, personal, body+int64(h.businessEnd()+p.personal.from))); err != nil {
		return StoredRecord{}, err
	}
	out := h.parsePublic(public)
	out.Business, out.Personal = business, personal
	return out, nil
}

// Sections says which parts of each group are read.
type Sections int

// What Groups and Scan read of each group.
const (
	PublicSections Sections = iota // head, table and public section
	AllSections
	KeyOpSections // the public sections, then the ops section alone
)

// StoredGroup is a group that was read. One that Groups gives to a callback is valid until that returns.
type StoredGroup struct {
	Head
	body []byte // table and public section; all of it with AllSections
	ops  []byte // with AllSections and KeyOpSections
	raw  []byte // the whole frame, with AllSections
}

// At returns record i of the group; its sealed parts are nil if only public sections were read.
func (b *StoredGroup) At(i int) (StoredRecord, error) { return b.Head.At(b.body, i) }

// Ops returns what the group does to subject keys, if that was read.
func (b *StoredGroup) Ops() ([]KeyOp, error) { return ParseOps(b.ops) }

// Group reads the public sections of the group with record seq.
func (r *Files) Group(seq uint64) (*StoredGroup, error) {
	s, off, err := r.locate(seq)
	if err != nil {
		return nil, err
	}
	defer r.release(s)
	var head [maxHeadBytes]byte
	h, err := readHead(s.file, off, head[:])
	if err != nil {
		return nil, err
	}
	if seq < h.First || seq >= h.End() {
		return nil, fmt.Errorf("journal: record %d is in no group: %w", seq, assay.ErrCorrupt)
	}
	b := &StoredGroup{Head: h, body: make([]byte, h.publicEnd())}
	return b, readFull(s.file, b.body, off+int64(h.HeadLen()))
}

// Groups calls fn with each group that holds a record in [from, to), in order; all of them must be there.
func (r *Files) Groups(ctx context.Context, from, to uint64, read Sections, fn func(b *StoredGroup) error) error {
	var buf []byte
	var head [maxHeadBytes]byte
	for at := from; at < to; {
		s, off, err := r.locate(at)
		if err != nil {
			return err
		}
		r.mu.Lock()
		size := s.size
		r.mu.Unlock()
		for at < to && off < size && err == nil {
			if err = ctx.Err(); err != nil {
				break
			}
			var b StoredGroup
			if b.Head, err = readHead(s.file, off, head[:]); err != nil {
				break
			}
			if at < b.First || at >= b.End() || at > from && at != b.First {
				err = fmt.Errorf("journal: record %d is missing: %w", at, assay.ErrCorrupt)
				break
			}
			if buf, err = b.read(s, off, read, buf); err == nil {
				err = fn(&b)
			}
			at, off = b.End(), off+b.Size()
		}
		r.release(s)
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads the sections of a group whose head is known, into buf if that is large enough. It returns the memory that
// it used.
func (b *StoredGroup) read(s *segment, off int64, read Sections, buf []byte) ([]byte, error) {
	n := b.HeadLen() + b.publicEnd()
	if read == AllSections {
		n = int(b.Size())
	}
	if cap(buf) < n {
		buf = make([]byte, n+n/2)
	}
	buf = buf[:n]
	if err := readFull(s.file, buf, off); err != nil {
		return buf, err
	}
	b.body = buf[b.HeadLen():]
	switch read {
	case AllSections:
		b.raw, b.body = buf, buf[b.HeadLen():n-vault.MACSize]
		b.ops = b.body[b.personalEnd():]
	case KeyOpSections:
		b.ops = make([]byte, b.bodyLen()-b.personalEnd())
		return buf, readFull(s.file, b.ops, off+int64(b.HeadLen()+b.personalEnd()))
	}
	return buf, nil
}

// Scan calls fn with each record in [from, to), in order. With PublicSections there are no sealed parts.
func (r *Files) Scan(ctx context.Context, from, to uint64, read Sections,
	fn func(seq uint64, s StoredRecord) error) error {
	return r.Groups(ctx, from, to, read, func(b *StoredGroup) error {
		for seq := max(from, b.First); seq < min(to, b.End()); seq++ {
			s, err := b.At(int(seq - b.First))
			if err != nil {
				return err
			}
			if err := fn(seq, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// Check checks the authentication code of a group that was read with AllSections.
func (r *Files) Check(b *StoredGroup) error { return b.Head.Check(r.auth, b.raw) }
