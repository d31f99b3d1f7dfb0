// SPDX-License-Identifier: Apache-2.0

package recordfile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	assay "github.com/assayrisk/assay"
)

// Archive keeps files elsewhere, as objects that are written once. Names have no slash. Its methods may be called
// concurrently. An error matches assay.ErrUnavailable if the archive cannot be reached now, and assay.ErrCorrupt if an
// object is not there, or is shorter than it should be.
type Archive interface {
	// Place says where the archive is, for people.
	Place() string
	// Put stores an object of size bytes. It is durable when Put returns.
	Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error
	// ReadAt reads len(b) bytes of an object.
	ReadAt(ctx context.Context, name string, b []byte, off int64) error
	// Remove removes an object, with every version that the archive keeps of it. One that is not there is no error.
	// assay.ErrPrecondition: a version stays.
	Remove(ctx context.Context, name string) error
	// CheckRemoval tries whether what is removed is gone. assay.ErrPrecondition says why it would not be.
	CheckRemoval(ctx context.Context) error
}

const (
	readAhead   = 16       // chunks that are fetched at once by who reads one after the other
	cachedBytes = 32 << 20 // of archived files in memory
)

// remoteFile reads a moved file. Every chunk is compared with its digest.
type remoteFile struct {
	away    *away
	archive Archive // nil: none is configured
	cache   *chunkCache
	next    atomic.Int64 // the chunk after those that were read last
}

// ReadAt implements io.ReaderAt for the whole object.
func (f *remoteFile) ReadAt(b []byte, off int64) (n int, err error) {
	size := f.away.size()
	if off >= size || off < 0 {
		return 0, io.EOF
	}
	if most := size - off; int64(len(b)) > most {
		b, err = b[:most], io.EOF
	}
	if len(b) == 0 {
		return 0, err
	}
	from, to := off/chunkBytes, (off+int64(len(b))-1)/chunkBytes+1
	ahead := to
	if last := f.next.Swap(to); from > 0 && (last == from || last == from+1) { // behind it, or in it again
		ahead = min(to+readAhead, int64(len(f.away.Chunks)/sha256.Size))
	}
	for i := from; i < to; i++ {
		chunk, ferr := f.chunk(i, ahead)
		if ferr != nil {
			return n, ferr
		}
		n += copy(b[n:], chunk[off+int64(n)-i*chunkBytes:])
	}
	return n, err
}

// Close implements io.Closer.
func (f *remoteFile) Close() error { return nil }

// chunk returns a chunk. If it is not in the cache, those behind it that are wanted and not there are fetched with it,
// up to the number to.
func (f *remoteFile) chunk(i, to int64) ([]byte, error) {
	if c := f.cache.get(chunkKey{f.away.Object, i}); c != nil {
		return c, nil
	}
	if f.archive == nil {
		return nil, fmt.Errorf("records: the records %d to %d were moved to an archive, %s: name it with the setting "+
			"archive (--archive FILE): %w", f.away.First, f.away.End-1, f.away.Place, assay.ErrPrecondition)
	}
	n := int64(1)
	for i+n < to && n < 2*readAhead && !f.cache.has(chunkKey{f.away.Object, i + n}) {
		n++
	}
	b := make([]byte, min(n*chunkBytes, f.away.size()-i*chunkBytes))
	if err := f.archive.ReadAt(context.Background(), f.away.Object, b, i*chunkBytes); err != nil {
		return nil, fmt.Errorf("records: the records %d to %d are in an archive, %s, as %s: %w", f.away.First,
			f.away.End-1, f.archive.Place(), f.away.Object, err)
	}
	for k := range n {
		c := b[k*chunkBytes : min((k+1)*chunkBytes, int64(len(b)))]
		if got := sha256.Sum256(c); !bytes.Equal(got[:], f.away.Chunks[(i+k)*sha256.Size:][:sha256.Size]) {
			return nil, fmt.Errorf("records: the archive's object %s is not what was moved there: bytes %d to %d have "+
				"another digest: %w", f.away.Object, (i+k)*chunkBytes, (i+k)*chunkBytes+int64(len(c)), assay.ErrCorrupt)
		}
		f.cache.put(chunkKey{f.away.Object, i + k}, c)
	}
	return b[:min(chunkBytes, int64(len(b)))], nil
}

// chunkKey is a chunk of an object.
type chunkKey struct {
	object string
	number int64
}

// chunkCache keeps the chunks that were used last, in two generations of cachedBytes/2.
type chunkCache struct {
	mu        sync.Mutex
	hot, cold map[chunkKey][]byte
}

func (c *chunkCache) get(k chunkKey) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.hot[k]
	if !ok {
		if b, ok = c.cold[k]; ok {
			c.add(k, b)
		}
	}
	return b
}

func (c *chunkCache) has(k chunkKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hot[k] != nil || c.cold[k] != nil
}

func (c *chunkCache) put(k chunkKey, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(k, bytes.Clone(b)) // the rest of what was fetched with it may go
}

// add puts a chunk in the hot generation. c is locked.
func (c *chunkCache) add(k chunkKey, b []byte) {
	if c.hot == nil || len(c.hot) >= cachedBytes/2/chunkBytes {
		c.cold, c.hot = c.hot, make(map[chunkKey][]byte)
	}
	c.hot[k] = b
}

// drop forgets an object.
func (c *chunkCache) drop(object string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range []map[chunkKey][]byte{c.hot, c.cold} {
		for k := range m {
			if k.object == object {
				delete(m, k)
			}
		}
	}
}
