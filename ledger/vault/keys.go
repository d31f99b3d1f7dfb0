// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"errors"
	"fmt"

	assay "github.com/assayrisk/assay"
)

// ErrErased is returned for a record whose subject's key was destroyed.
var ErrErased = errors.New("the subject was erased: its key is destroyed")

// Keys keeps the master keys, which wrap subject keys. One of them, the newest, wraps; older ones are there during a
// rotation alone, and unwrap. A Keys is safe for concurrent use.
//
// An error matches assay.ErrUnavailable if the keys cannot be reached now, so that trying again later can succeed.
type Keys interface {
	// Wrap encrypts subject keys under the newest master key, each bound to its id. Result i is of key i.
	Wrap(keys ...*Key) ([][]byte, error)
	// Unwrap decrypts what Wrap made. assay.ErrCorrupt: no master key that is left opens one of them under its id.
	Unwrap(wrapped ...WrappedKey) ([]*Key, error)
	// Rotate adds a master key, under which Wrap wraps from now on. It is durable when Rotate returns. After an error
	// there may be a new master key or not; another Rotate makes one more.
	Rotate() error
	// DestroyOldKeys destroys every master key but the newest. What only they unwrap is unreadable from then on, in
	// backups too.
	DestroyOldKeys() error
	// Generation changes whenever the master keys do. What was wrapped in another generation may be wrapped under a
	// key that is about to be destroyed.
	Generation() uint32
	// Rotating reports whether an older master key is still kept: a rotation has begun, and subject keys may still
	// have to be wrapped again.
	Rotating() bool
}

// WrappedKey is a subject key as Keys.Wrap returned it, with its id.
type WrappedKey struct {
	ID    ID
	Bytes []byte
}

// First bytes of a wrapped key: who wrapped it. Frozen.
const (
	wrappedByFile    = 1 // Tink's own prefix
	wrappedByProgram = 2
)

func errNotOpened(id ID) error {
	return fmt.Errorf("subject key %x: the master key does not open it (was the master key replaced, or is this an "+
		"older copy?): %w", id[:4], assay.ErrCorrupt)
}
