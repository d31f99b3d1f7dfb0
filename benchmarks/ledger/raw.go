// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// rawLog is what the journal is compared with: a group commit with a leader. A
// writer that finds no commit under way writes all the bytes that have gathered,
// and syncs them.
type rawLog struct {
	f   *os.File
	off int64

	mu struct {
		sync.Mutex
		buf     []byte // of the group being filled
		freeBuf []byte // reused for the next group
		filling uint64 // number of the group being filled
		done    uint64 // number of the last group that is synced
		leader  bool   // a writer is committing
		err     error
	}
	synced *sync.Cond
}

func (l *rawLog) append(b []byte) error {
	m := &l.mu
	m.Lock()
	defer m.Unlock()
	m.buf = append(m.buf, b...)
	for mine := m.filling; m.done < mine; {
		if m.leader {
			l.synced.Wait()
			continue
		}
		m.leader = true
		out, g, off := m.buf, m.filling, l.off
		m.buf, m.freeBuf = m.freeBuf[:0], nil
		m.filling++
		l.off += int64(len(out))
		m.Unlock()
		_, err := l.f.WriteAt(out, off)
		if err == nil {
			err = unix.Fdatasync(int(l.f.Fd()))
		}
		m.Lock()
		m.freeBuf, m.done, m.leader = out[:0], g, false
		m.err = errors.Join(m.err, err)
		l.synced.Broadcast()
	}
	return m.err
}

// measureRaw appends records of size bytes to a raw log, in a file that is
// written full of zeros before if prealloc is set.
func measureRaw(path string, size, writers int, length time.Duration, prealloc bool) (result, error) {
	f, err := os.Create(path)
	if err != nil {
		return result{}, err
	}
	defer func() { f.Close(); os.Remove(path) }()
	if prealloc {
		zero := make([]byte, 1<<20)
		for off := int64(0); off < 1<<30; off += int64(len(zero)) {
			if _, err := f.WriteAt(zero, off); err != nil {
				return result{}, err
			}
		}
		if err := f.Sync(); err != nil {
			return result{}, err
		}
	}
	l := &rawLog{f: f}
	l.mu.filling = 1
	l.synced = sync.NewCond(&l.mu)
	b := make([]byte, size)
	return runWriters(writers, length, func() error { return l.append(b) })
}
