// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// recover checks the groups of the last file and overwrites a torn one with zeros.
//
// One group is written at a time, and the next one only after the sync: a power
// cut can only tear the last one. Damage that a group follows has another cause.
func (r *Files) recover(first uint64) (torn int64, err error) {
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
		h, err := ParseHead(b[whole:])
		if err == nil && h.First == next && whole+h.Size() <= int64(len(b)) {
			err = h.Check(r.auth, b[whole:whole+h.Size()])
		} else if err == nil {
			err = errNotFollowing(&h, next)
		}
		if err != nil {
			if why := r.whyNotTorn(b[whole:]); why != "" {
				return 0, fmt.Errorf("records: %s, byte %d: %w; %s, so no power cut did this", path, whole, err, why)
			}
			break
		}
		next, whole = h.End(), whole+h.Size()
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

// maxTornHeads is how many heads of groups may be in a torn tail: a power cut
// leaves one. The bound also limits the work on a file full of made-up heads, for
// each of which everything after it would be checked.
const maxTornHeads = 16

// whyNotTorn looks for what a power cut cannot leave: a whole, authentic group of
// any records, or many heads of groups. That also finds an old group that was
// written again. "" means that a power cut can have left b.
func (r *Files) whyNotTorn(b []byte) (why string) {
	for heads := 0; ; {
		i := bytes.Index(b, []byte(magicPrefix))
		if i < 0 {
			return ""
		}
		h, err := ParseHead(b[i:])
		if err == nil && int64(len(b)-i) >= h.Size() && h.Check(r.auth, b[i:int64(i)+h.Size()]) == nil {
			return fmt.Sprintf("a whole group of record %d follows", h.First)
		}
		if err == nil {
			if heads++; heads > maxTornHeads {
				return fmt.Sprintf("more than %d heads of groups follow", maxTornHeads)
			}
		}
		b = b[i+1:]
	}
}
