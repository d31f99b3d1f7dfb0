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

// ErrErased is returned for a record whose subject's key was destroyed.
var ErrErased = errors.New("the subject was erased: its key is destroyed")

// wrapInfo binds a wrapped key to its use. Frozen.
const wrapInfo = "assay/subject key/v1\n"

// maxMasterBytes bounds the master key file.
const maxMasterBytes = 1 << 20

// AEAD encrypts under a key that is kept elsewhere, such as in a cloud KMS. It is
// Tink's interface.
type AEAD = tink.AEAD

// Master is the master key: a Tink keyset (AES-256-GCM) that wraps subject keys.
// Its file has mode 0600, and is in clear or encrypted under a key encryption key
// of the caller's, such as a cloud KMS's.
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

// Wrap encrypts a subject key under the newest master key.
func (m *Master) Wrap(k *Key) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	b, err := m.mu.aead.Encrypt(k.secret[:], append([]byte(wrapInfo), k.id[:]...))
	if err != nil {
		return nil, fmt.Errorf("subject key: wrap: %w", err)
	}
	return b, nil
}

// Unwrap decrypts what Wrap made.
func (m *Master) Unwrap(id ID, wrapped []byte) (*Key, error) {
	m.mu.RLock()
	secret, err := m.mu.aead.Decrypt(wrapped, append([]byte(wrapInfo), id[:]...))
	m.mu.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("subject key: the master key does not open it (was the master key replaced, or is "+
			"this an older copy?): %w", assay.ErrCorrupt)
	}
	return newKey(id, secret)
}

// Rotate adds a new master key and wraps with it from now on; the old one still
// unwraps, until DestroyOldKeys. Both are durable when Rotate returns.
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

// Generation changes whenever the keyset does. What was wrapped in another
// generation may be wrapped under a key that is about to be destroyed.
func (m *Master) Generation() uint32 {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.mu.generation
}

// Rotating reports whether an older master key is still kept: a rotation has
// begun, and subject keys may still have to be wrapped again.
func (m *Master) Rotating() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.mu.handle.Len() > 1
}

// DestroyOldKeys destroys every master key but the newest. What only they unwrap is
// unreadable from then on, in backups too.
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
