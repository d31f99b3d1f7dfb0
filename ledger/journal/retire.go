// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/assayrisk/assay/ledger/vault"
)

// Retire drops the private parts of all subjects' records before a number, because
// their retention has passed, and returns how many it dropped. What the system
// itself recorded stays whole: it is about no subject, and a start needs it to know
// which model and policy stand. Leaves, promises and the log stay, receipts that
// are in somebody's hands still verify, and request ids are still known. It may be
// called while the journal runs.
func (j *Journal) Retire(ctx context.Context, before uint64) (n int, err error) {
	before = min(before, j.durable.Load())
	mark, err := number(j.db, metaKey(metaRetired))
	if err == nil && before > mark {
		err = j.db.Set(metaKey(metaRetired), binary.BigEndian.AppendUint64(nil, before), pebble.Sync)
	}
	if err != nil {
		return 0, fmt.Errorf("retire: %w", err)
	}
	j.rec.mu.Lock()
	firsts := slices.Clone(j.rec.firsts)
	j.rec.mu.Unlock()
	for _, first := range firsts {
		if first >= before {
			break
		}
		m, err := j.retireFile(ctx, first, before, first == firsts[len(firsts)-1])
		if n += m; err != nil {
			return n, fmt.Errorf("retire: %w", err)
		}
	}
	return n, nil
}

// retireFile writes a record file again without the sealed parts of records
// before a number. The writer waits if it is the one that it goes on in.
func (j *Journal) retireFile(ctx context.Context, first, before uint64, last bool) (n int, err error) {
	if last {
		j.writeMu.Lock()
		defer j.writeMu.Unlock()
		if err := j.rec.roll(); err != nil {
			return 0, err
		}
	}
	s, err := j.rec.acquire(first)
	if err != nil {
		return 0, err
	}
	defer j.rec.release(s)
	end := s.end
	if n, err = j.countSealed(ctx, first, min(before, end)); n == 0 || err != nil {
		return 0, err
	}
	err = replaceFile(j.cfg.FS, j.rec.path(first), func(w io.Writer) error {
		return j.rec.groups(ctx, first, end, wholeGroup, func(f *block) error {
			b, err := f.stripped(j.rec.auth, before, j.keys.system.key.ID())
			if err == nil {
				_, err = w.Write(b)
			}
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	j.rec.forget(first)
	return n, nil
}

func (j *Journal) countSealed(ctx context.Context, from, to uint64) (n int, err error) {
	err = j.rec.scan(ctx, from, to, wholeGroup, func(_ uint64, s stored) error {
		if len(s.sealed) > 0 && s.key != j.keys.system.key.ID() {
			n++
		}
		return nil
	})
	return n, err
}

// stripped returns a group's frame without the sealed parts of records before a
// number, but for those under one key.
func (f *block) stripped(auth *vault.Authenticator, before uint64, kept vault.ID) ([]byte, error) {
	out := f.frame
	b := make([]byte, frameHead, f.size())
	b = append(b, f.body[:f.publicEnd()]...)
	out.sealed = 0
	for i := range int(f.count) {
		s, err := f.at(f.body, i)
		if err != nil {
			return nil, err
		}
		if f.first+uint64(i) >= before || s.key == kept {
			b = append(b, s.sealed...)
			out.sealed += uint32(len(s.sealed))
		}
		binary.BigEndian.PutUint32(b[frameHead+i*frameRow+4:], out.sealed)
	}
	return out.seal(auth, append(b, f.ops...))
}

// copyTo copies the records below a number, which ends a group. Whole files are
// linked where the file system can: they do not change, a retired one is
// another file.
func (r *records) copyTo(dir string, upto uint64) error {
	if err := r.fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	r.mu.Lock()
	firsts := slices.Clone(r.firsts)
	r.mu.Unlock()
	for i, first := range firsts {
		if first >= upto {
			break
		}
		to := r.fs.PathJoin(dir, segmentName(first))
		if i+1 < len(firsts) && firsts[i+1] <= upto {
			if err := vfs.LinkOrCopy(r.fs, r.path(first), to); err != nil {
				return err
			}
			continue
		}
		err := replaceFile(r.fs, to, func(w io.Writer) error {
			return r.groups(context.Background(), first, upto, wholeGroup, func(f *block) error {
				_, err := w.Write(f.raw)
				return err
			})
		})
		if err != nil {
			return err
		}
	}
	return syncDir(r.fs, dir)
}
