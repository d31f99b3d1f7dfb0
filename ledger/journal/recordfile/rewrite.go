// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/assayrisk/assay/ledger/vault"
)

// DropPersonal writes the file that begins with first again, without the personal parts of the records before a number,
// except those under the key kept. It returns how many it dropped. A file in the archive is written here first, and is
// moved there anew once the old object is removed. Nobody may append to that file meanwhile (see Roll); it may be read.
func (r *Files) DropPersonal(ctx context.Context, first, before uint64, kept vault.ID) (n int, err error) {
	moved, err := r.Archived(first)
	if err != nil {
		return 0, err
	}
	var a *away
	if moved {
		if a, err = r.readAway(first); err != nil || a.Dropped >= min(before, a.End) {
			return 0, err
		}
	}
	n, unused, err := r.dropPersonal(ctx, first, before, kept)
	if err != nil {
		return 0, err
	}
	if moved && n == 0 {
		a.Dropped = min(before, a.End)
		return 0, r.writeAway(a)
	}
	err = r.discardObject(ctx, first, unused) // if there is one: of a file that was moved, or of an attempt to
	if moved && err == nil {
		_, err = r.moveAway(ctx, first, min(before, a.End))
	}
	return n, err
}

// dropPersonal is DropPersonal for a file wherever it is; the new one is here. It also returns what forget does.
func (r *Files) dropPersonal(ctx context.Context, first, before uint64, kept vault.ID) (n int, unused <-chan struct{},
	err error) {
	s, err := r.acquire(first)
	if err != nil {
		return 0, nil, err
	}
	defer r.release(s)
	end := s.end
	err = r.Scan(ctx, first, min(before, end), AllSections, func(_ uint64, s StoredRecord) error {
		if len(s.Personal) > 0 && s.Key != kept {
			n++
		}
		return nil
	})
	if n == 0 || err != nil {
		return 0, nil, err
	}
	err = replaceFile(r.fs, r.path(first), func(w io.Writer) error {
		return r.Groups(ctx, first, end, AllSections, func(b *StoredGroup) error {
			if err := r.Check(b); err != nil {
				return err
			}
			out, err := b.withoutPersonal(r.auth, before, kept)
			if err == nil {
				_, err = w.Write(out)
			}
			return err
		})
	})
	if err != nil {
		return 0, nil, err
	}
	return n, r.forget(first), nil
}

// withoutPersonal returns a group's frame without the personal parts of the records before a number, except those under
// one key.
func (b *StoredGroup) withoutPersonal(auth *vault.Authenticator, before uint64, kept vault.ID) ([]byte, error) {
	h := b.Head
	out := make([]byte, h.HeadLen(), b.Size())
	out = append(out, b.body[:b.businessEnd()]...)
	table := out[h.HeadLen():][:h.tableLen()]
	h.personal = 0
	for i := range int(b.Count) {
		s, err := b.At(i)
		if err != nil {
			return nil, err
		}
		if b.First+uint64(i) >= before || s.Key == kept {
			out = append(out, s.Personal...)
			h.personal += uint32(len(s.Personal))
		}
		binary.BigEndian.PutUint32(table[(i+1)*h.rowLen()-4:], h.personal)
	}
	return h.Seal(auth, append(out, b.ops...))
}

// CopyTo copies the records below a number, which ends a group, to another directory. It links whole files where the
// file system can: they do not change, and DropPersonal makes a new file. Of a file that was moved to an archive it
// copies what says where that is.
func (r *Files) CopyTo(dir string, upto uint64) error {
	if err := r.fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	firsts := r.FirstSequences()
	for i, first := range firsts {
		if first >= upto {
			break
		}
		to := r.fs.PathJoin(dir, fileName(first))
		moved, err := r.Archived(first)
		if err != nil {
			return err
		}
		if i+1 < len(firsts) && firsts[i+1] <= upto {
			from := r.path(first)
			if moved {
				from, to = r.awayPath(first), r.fs.PathJoin(dir, awayName(first))
			}
			if err := vfs.LinkOrCopy(r.fs, from, to); err != nil {
				return err
			}
			continue
		}
		err = replaceFile(r.fs, to, func(w io.Writer) error {
			return r.Groups(context.Background(), first, upto, AllSections, func(b *StoredGroup) error {
				_, err := w.Write(b.raw)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	return syncDir(r.fs, dir)
}
