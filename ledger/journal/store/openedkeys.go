// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"sync"

	"github.com/assayrisk/assay/ledger/vault"
)

// openedPerGeneration bounds the opened keys that are kept in each of two generations: some 16 MB.
const openedPerGeneration = 8192

// openedKeys keeps keys that were unwrapped for a reader: the master keys may be in another process, or in a device. A
// key is found only together with its row in the store, so that an erased one is not.
type openedKeys struct {
	mu        sync.Mutex
	hot, cold map[vault.ID]openedKey // the cold one is dropped
}

type openedKey struct {
	wrapped []byte
	key     *vault.Key
}

// find returns the key that was unwrapped from these bytes, nil if it is not kept.
func (o *openedKeys) find(w vault.WrappedKey) *vault.Key {
	o.mu.Lock()
	defer o.mu.Unlock()
	k, ok := o.hot[w.ID]
	if !ok {
		if k, ok = o.cold[w.ID]; ok {
			o.add(w.ID, k)
		}
	}
	if !bytes.Equal(k.wrapped, w.Bytes) {
		return nil
	}
	return k.key
}

func (o *openedKeys) keep(w vault.WrappedKey, k *vault.Key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.add(w.ID, openedKey{w.Bytes, k})
}

// add puts a key in the hot generation. o is locked.
func (o *openedKeys) add(id vault.ID, k openedKey) {
	if len(o.hot) >= openedPerGeneration || o.hot == nil {
		o.cold, o.hot = o.hot, make(map[vault.ID]openedKey)
	}
	o.hot[id] = k
}

// drop forgets a key that is destroyed.
func (o *openedKeys) drop(id vault.ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.hot, id)
	delete(o.cold, id)
}
