// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// record reads one record.
func (r *records) record(seq uint64) (stored, error) {
	s, off, err := r.locate(seq)
	if err != nil {
		return stored{}, err
	}
	defer r.release(s)
	var head [frameHead]byte
	f, err := readHead(s.file, off, head[:])
	if err != nil {
		return stored{}, err
	}
	if seq < f.first || seq >= f.end() {
		return stored{}, fmt.Errorf("journal: record %d is not in the group of records %d to %d: %w", seq, f.first, f.end()-1, assay.ErrCorrupt)
	}
	table := make([]byte, f.tableLen())
	if err := readFull(s.file, table, off+frameHead); err != nil {
		return stored{}, err
	}
	public, sealed, err := f.row(table, int(seq-f.first))
	if err != nil {
		return stored{}, err
	}
	b := make([]byte, public[1]-public[0]+sealed[1]-sealed[0])
	p, x := b[:public[1]-public[0]], b[public[1]-public[0]:]
	if err := readFull(s.file, p, off+frameHead+int64(f.tableLen()+public[0])); err != nil {
		return stored{}, err
	}
	if err := readFull(s.file, x, off+frameHead+int64(f.publicEnd()+sealed[0])); err != nil {
		return stored{}, err
	}
	out := parsePublic(p)
	out.sealed = x
	return out, nil
}

// group reads the head, the table and the public section of the group that
// holds seq.
func (r *records) group(seq uint64) (frame, []byte, error) {
	s, off, err := r.locate(seq)
	if err != nil {
		return frame{}, nil, err
	}
	defer r.release(s)
	var head [frameHead]byte
	f, err := readHead(s.file, off, head[:])
	if err != nil {
		return frame{}, nil, err
	}
	if seq < f.first || seq >= f.end() {
		return frame{}, nil, fmt.Errorf("journal: record %d is in no group: %w", seq, assay.ErrCorrupt)
	}
	body := make([]byte, f.publicEnd())
	return f, body, readFull(s.file, body, off+frameHead)
}

// part says how much of each group a walk reads.
type part int

const (
	publicPart part = iota // head, table and public section
	wholeGroup
	keyOps // public part, then the ops section alone
)

// block is a group as a walk gives it; its bytes are lent.
type block struct {
	frame
	body []byte // table and public section; all of it with wholeGroup
	ops  []byte // with wholeGroup and keyOps
	raw  []byte // the whole frame, with wholeGroup
}

// groups calls fn with each group that holds a record in [from, to), in order;
// all of them must be there.
func (r *records) groups(ctx context.Context, from, to uint64, what part, fn func(f *block) error) error {
	var buf []byte
	var head [frameHead]byte
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
			var f block
			if f.frame, err = readHead(s.file, off, head[:]); err != nil {
				break
			}
			if at < f.first || at >= f.end() || at > from && at != f.first {
				err = fmt.Errorf("journal: record %d is missing: %w", at, assay.ErrCorrupt)
				break
			}
			n := frameHead + f.publicEnd()
			if what == wholeGroup {
				n = int(f.size())
			}
			if cap(buf) < n {
				buf = make([]byte, n+n/2)
			}
			buf = buf[:n]
			if err = readFull(s.file, buf, off); err != nil {
				break
			}
			f.body = buf[frameHead:]
			switch what {
			case wholeGroup:
				f.raw, f.body = buf, buf[frameHead:n-vault.MACSize]
				f.ops = f.body[len(f.body)-int(f.frame.ops):]
			case keyOps:
				f.ops = make([]byte, f.frame.ops)
				err = readFull(s.file, f.ops, off+int64(frameHead+f.bodyLen())-int64(f.frame.ops))
			}
			if err == nil {
				err = fn(&f)
			}
			at, off = f.end(), off+f.size()
		}
		r.release(s)
		if err != nil {
			return err
		}
	}
	return nil
}

// scan calls fn with each record in [from, to), in order. Its bytes are lent;
// with publicPart there is no sealed part.
func (r *records) scan(ctx context.Context, from, to uint64, what part, fn func(seq uint64, s stored) error) error {
	return r.groups(ctx, from, to, what, func(f *block) error {
		for seq := max(from, f.first); seq < min(to, f.end()); seq++ {
			s, err := f.at(f.body, int(seq-f.first))
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

// recover checks the groups of the last file and makes a torn one blank again.
//
// One group is written at a time, and the next only after the sync: a power cut
// can tear the last one alone. Damage with a group after it is not of a cut.
func (r *records) recover(first uint64) (torn int64, err error) {
	path := r.path(first)
	f, err := r.fs.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return 0, fmt.Errorf("records: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("records: %w", err)
	}
	b := make([]byte, st.Size())
	if err := readFull(f, b, 0); err != nil {
		return 0, err
	}
	next, whole := first, int64(0)
	for whole < int64(len(b)) {
		h, err := parseFrame(b[whole:])
		if err == nil && h.first == next && whole+h.size() <= int64(len(b)) {
			err = h.check(r.auth, b[whole:whole+h.size()])
		} else if err == nil {
			err = fmt.Errorf("group of records %d to %d: it does not follow record %d, or is cut short: %w", h.first, h.end()-1, next, assay.ErrCorrupt)
		}
		if err != nil {
			if why := r.notTorn(b[whole:]); why != "" {
				return 0, fmt.Errorf("records: %s, byte %d: %w; %s, so no power cut did this", path, whole, err, why)
			}
			break
		}
		next, whole = h.end(), whole+h.size()
	}
	rest := b[whole:]
	for len(rest) > 0 && rest[len(rest)-1] == 0 {
		rest = rest[:len(rest)-1]
	}
	if len(rest) == 0 {
		return 0, nil
	}
	if _, err := f.WriteAt(make([]byte, len(rest)), whole); err != nil {
		return 0, fmt.Errorf("records: %w", err)
	}
	if err := f.SyncData(); err != nil {
		return 0, fmt.Errorf("records: %w", err)
	}
	return int64(len(rest)), nil
}

// tornHeads is how many heads of groups may stand in a torn tail: a cut leaves
// one. The bound also keeps a file full of made-up heads, each of which would
// have everything behind it checked, from holding the start up.
const tornHeads = 16

// notTorn looks for what a cut does not leave behind: a whole, authentic group,
// of whichever records, or many heads of groups. An old group that was written
// again is found too. "" means that a cut can have left b.
func (r *records) notTorn(b []byte) (why string) {
	for heads := 0; ; {
		i := bytes.Index(b, []byte(frameMagic))
		if i < 0 {
			return ""
		}
		h, err := parseFrame(b[i:])
		if err == nil && int64(len(b)-i) >= h.size() && h.check(r.auth, b[i:int64(i)+h.size()]) == nil {
			return fmt.Sprintf("a whole group of record %d follows", h.first)
		}
		if err == nil {
			if heads++; heads > tornHeads {
				return fmt.Sprintf("more than %d heads of groups follow", tornHeads)
			}
		}
		b = b[i+1:]
	}
}
