// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/bounded"
)

// wrapInfo binds a wrapped key to its use. Frozen.
const wrapInfo = "assay/subject key/v1\n"

// maxMasterBytes bounds the master key file.
const maxMasterBytes = 1 << 20

// AEAD encrypts under a key that is kept elsewhere, such as in a cloud KMS. It is
// Tink's interface.
type AEAD = tink.AEAD

// Master keeps the master keys in a file: a Tink keyset (AES-256-GCM). The file
// has mode 0600, and is in clear or encrypted under a key encryption key of the
// caller's, such as a cloud KMS's.
type Master struct {
	path string
	kek  AEAD

	mu struct {
		sync.RWMutex
		handle     *keyset.Handle
		aead       tink.AEAD
		generation uint32
	}
}

// OpenMaster reads the master key file, or makes it if there is none. With a
// kek the file is encrypted under it.
func OpenMaster(path string, kek AEAD) (*Master, error) {
	m := &Master{path: path, kek: kek}
	b, err := bounded.ReadFile(path, maxMasterBytes)
	if errors.Is(err, fs.ErrNotExist) {
		h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		return m, m.replace(h)
	}
	if errors.Is(err, bounded.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", err, assay.ErrCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	var h *keyset.Handle
	if kek != nil {
		h, err = keyset.ReadWithAssociatedData(keyset.NewJSONReader(bytes.NewReader(b)), kek, []byte(wrapInfo))
	} else {
		h, err = insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(b)))
	}
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w: %w", path, err, assay.ErrCorrupt)
	}
	return m, m.use(h)
}

func (m *Master) use(h *keyset.Handle) error {
	a, err := aead.New(h)
	if err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	m.mu.Lock()
	m.mu.handle, m.mu.aead = h, a
	m.mu.generation++
	m.mu.Unlock()
	return nil
}

// replace makes h durable, then uses it.
func (m *Master) replace(h *keyset.Handle) error {
	var b bytes.Buffer
	var err error
	if m.kek != nil {
		err = h.WriteWithAssociatedData(keyset.NewJSONWriter(&b), m.kek, []byte(wrapInfo))
	} else {
		err = insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b))
	}
	if err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	if err := WriteFile(m.path, b.Bytes()); err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	return m.use(h)
}

var _ Keys = (*Master)(nil)

// Wrap implements Keys.
func (m *Master) Wrap(keys ...*Key) ([][]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([][]byte, len(keys))
	for i, k := range keys {
		var err error
		if out[i], err = m.mu.aead.Encrypt(k.secret[:], append([]byte(wrapInfo), k.id[:]...)); err != nil {
			return nil, fmt.Errorf("subject key: wrap: %w", err)
		}
	}
	return out, nil
}

// Unwrap implements Keys.
func (m *Master) Unwrap(wrapped ...WrappedKey) ([]*Key, error) {
	m.mu.RLock()
	a := m.mu.aead
	m.mu.RUnlock()
	out := make([]*Key, len(wrapped))
	for i, w := range wrapped {
		if len(w.Bytes) > 0 && w.Bytes[0] == wrappedByProgram {
			return nil, fmt.Errorf("subject key %x: a program keeps the master key that wrapped it: say which, with "+
				"the setting keys (--keys FILE): %w", w.ID[:4], assay.ErrPrecondition)
		}
		secret, err := a.Decrypt(w.Bytes, append([]byte(wrapInfo), w.ID[:]...))
		if err != nil {
			return nil, errNotOpened(w.ID)
		}
		if out[i], err = newKey(w.ID, secret); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Rotate implements Keys.
func (m *Master) Rotate() error {
	m.mu.RLock()
	km := keyset.NewManagerFromHandle(m.mu.handle)
	m.mu.RUnlock()
	id, err := km.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = km.SetPrimary(id)
	}
	if err != nil {
		return fmt.Errorf("master key: rotate: %w", err)
	}
	h, err := km.Handle()
	if err != nil {
		return fmt.Errorf("master key: rotate: %w", err)
	}
	return m.replace(h)
}

// Generation implements Keys.
func (m *Master) Generation() uint32 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.mu.generation
}

// Rotating implements Keys.
func (m *Master) Rotating() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.mu.handle.Len() > 1
}

// DestroyOldKeys implements Keys.
func (m *Master) DestroyOldKeys() error {
	m.mu.RLock()
	h := m.mu.handle
	m.mu.RUnlock()
	primary, err := h.Primary()
	if err != nil {
		return fmt.Errorf("master key: retire: %w", err)
	}
	km := keyset.NewManagerFromHandle(h)
	for i := range h.Len() {
		e, err := h.Entry(i)
		if err != nil {
			return fmt.Errorf("master key: retire: %w", err)
		}
		if e.KeyID() == primary.KeyID() {
			continue
		}
		if err := km.Delete(e.KeyID()); err != nil {
			return fmt.Errorf("master key: retire: %w", err)
		}
	}
	if h, err = km.Handle(); err != nil {
		return fmt.Errorf("master key: retire: %w", err)
	}
	return m.replace(h)
}

// WriteFile replaces a file of mode 0600 so that after a crash it has either the
// old or the new content: temporary file, fsync, rename, fsync of the directory.
// The temporary file always has the same name, so that the next write removes
// what a crash left of a master key. A file must have one writer at a time.
func WriteFile(path string, b []byte) error {
	dir := filepath.Dir(path)
	f, err := os.OpenFile(filepath.Join(dir, "."+filepath.Base(path)+".tmp"), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // a no-op after the rename
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
