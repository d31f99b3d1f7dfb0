// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/vault"
)

// keyShards and keysPerShard bound the keys kept in memory: 64 Ki subjects in
// each of two generations.
const (
	keyShards    = 64
	keysPerShard = 1024
)

// Subject is one subject's key, with its state.
type Subject struct {
	name           string
	key            *vault.Key
	tag            [16]byte
	wrapped        []byte      // for the records, until written; then the writer's
	generation     uint32      // of the master key that wrapped it
	persisted      atomic.Bool // the wrapped key is in a group, or in the store
	erasureWritten bool        // a group destroys the key: no later one may bring it back. The writer's
	used           atomic.Bool // a record is sealed under it, or about to be
}

// Key returns the key that seals the subject's records.
func (s *Subject) Key() *vault.Key { return s.key }

// keyring finds subject keys in memory or in the store, and makes new ones. The
// group of the first record that a new key seals makes it durable; it stays in
// memory until the store has it, so that no second one is ever made.
type keyring struct {
	db        *pebble.DB
	master    vault.Keys
	system    *Subject
	knownTags filter        // subject tags: most new subjects need no look-up in the database
	opened    openedKeys    // by id, for readers
	changes   atomic.Uint64 // keys that were taken out of use
	seed      maphash.Seed
	shards    [keyShards]keyShard
}

type keyShard struct {
	mu        sync.Mutex
	unsaved   map[string]*Subject // not in the store yet
	hot, cold map[string]*Subject // two generations; the cold one is dropped
}

func newKeyring(db *pebble.DB, master vault.Keys, system *vault.Key) *keyring {
	r := &keyring{db: db, master: master, system: &Subject{key: system}, seed: maphash.MakeSeed()}
	r.system.persisted.Store(true)
	for i := range r.shards {
		r.shards[i].unsaved = make(map[string]*Subject)
		r.shards[i].hot = make(map[string]*Subject)
	}
	return r
}

func (r *keyring) shard(name string) *keyShard {
	return &r.shards[maphash.String(r.seed, name)%keyShards]
}

// get returns the subject's key, making one if there is none.
func (r *keyring) get(name string) (*Subject, error) {
	if name == "" {
		return r.system, nil
	}
	sh := r.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s, err := r.find(sh, name)
	if errors.Is(err, assay.ErrNotFound) {
		s, err = r.create(sh, name)
	}
	if err == nil && !s.used.Load() {
		s.used.Store(true)
	}
	return s, err
}

// lookUp returns the subject's key, and makes none. assay.ErrNotFound: there is none.
func (r *keyring) lookUp(name string) (*Subject, error) {
	sh := r.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return r.find(sh, name)
}

// find looks in memory, then in the store. The shard is locked.
func (r *keyring) find(sh *keyShard, name string) (*Subject, error) {
	if s := sh.hot[name]; s != nil {
		return s, nil
	}
	if s := sh.unsaved[name]; s != nil {
		return s, nil
	}
	if s := sh.cold[name]; s != nil {
		sh.keep(name, s)
		return s, nil
	}
	tag := r.tag(name)
	if !r.knownTags.maybe(tag) {
		return nil, fmt.Errorf("store: the subject has no key: %w", assay.ErrNotFound)
	}
	idb, err := get(r.db, Subjects.key(tag))
	if err != nil {
		return nil, err
	}
	if len(idb) != 16 {
		return nil, fmt.Errorf("store: a subject's key id has %d bytes: %w", len(idb), assay.ErrCorrupt)
	}
	k, err := r.byID(vault.ID(idb))
	if err != nil {
		return nil, err
	}
	s := &Subject{name: name, key: k, tag: tag}
	s.persisted.Store(true)
	sh.keep(name, s)
	return s, nil
}

func (r *keyring) tag(name string) [16]byte { return r.system.key.Tag("subject", name) }

// create makes a subject's key, and changes nothing if that fails. The shard is locked.
func (r *keyring) create(sh *keyShard, name string) (*Subject, error) {
	k, err := vault.NewKey()
	if err != nil {
		return nil, err
	}
	s := &Subject{name: name, key: k, tag: r.tag(name), generation: r.master.Generation()}
	w, err := r.master.Wrap(k)
	if err != nil {
		return nil, err
	}
	s.wrapped = w[0]
	r.knownTags.add(s.tag)
	sh.unsaved[name] = s
	return s, nil
}

// keep puts s in the hot generation. The shard is locked.
func (sh *keyShard) keep(name string, s *Subject) {
	if len(sh.hot) >= keysPerShard {
		sh.cold, sh.hot = sh.hot, make(map[string]*Subject, keysPerShard)
	}
	sh.hot[name] = s
}

// saved is called once s's key is in the store.
func (r *keyring) saved(s *Subject) {
	sh := r.shard(s.name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.unsaved[s.name] == s {
		delete(sh.unsaved, s.name)
		sh.keep(s.name, s)
	}
}

// retireKey marks the subject's key dead and puts a new one in its place, for what the subject may do later.
// assay.ErrNotFound: there is no key.
func (r *keyring) retireKey(name string) (old *Subject, err error) {
	if name == "" {
		return nil, fmt.Errorf("erase: the subject has no name: %w", assay.ErrInvalid)
	}
	sh := r.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	old, err = r.find(sh, name)
	if err != nil {
		return nil, fmt.Errorf("erase: %w", err)
	}
	if !old.used.Load() && !old.persisted.Load() { // it replaced an erased key and was never used
		return nil, fmt.Errorf("erase: nothing is sealed for the subject since it was erased: %w", assay.ErrNotFound)
	}
	if _, err = r.create(sh, name); err != nil { // it takes old's place among those that are not in the store yet
		return nil, fmt.Errorf("erase: %w", err)
	}
	r.changes.Add(1)
	delete(sh.hot, name)
	delete(sh.cold, name)
	r.opened.drop(old.key.ID())
	return old, nil
}

// byID loads a key from the store. vault.ErrErased: it was destroyed.
func (r *keyring) byID(id vault.ID) (*vault.Key, error) {
	if id == r.system.key.ID() {
		return r.system.key, nil
	}
	k, wrapped, err := r.openStored(id)
	// A rotation may have wrapped it again, and destroyed the old master key meanwhile.
	for err != nil && wrapped != nil {
		before := wrapped
		if k, wrapped, err = r.openStored(id); bytes.Equal(before, wrapped) {
			break
		}
	}
	return k, err
}

// openStored opens a key as the store has it now. With an error it also returns the wrapped bytes, if there are any.
func (r *keyring) openStored(id vault.ID) (*vault.Key, []byte, error) {
	w, err := get(r.db, Keys.key(id))
	if errors.Is(err, assay.ErrNotFound) {
		if _, xerr := get(r.db, Erased.key(id)); xerr == nil {
			return nil, nil, vault.ErrErased
		}
		return nil, nil, fmt.Errorf("store: subject key %x is missing, and no erasure destroyed it: %w",
			id[:4], assay.ErrCorrupt)
	}
	if err != nil {
		return nil, nil, err
	}
	wrapped := vault.WrappedKey{ID: id, Bytes: w}
	if k := r.opened.find(wrapped); k != nil {
		return k, w, nil
	}
	k, err := unwrap(r.master, id, w)
	if err == nil {
		r.opened.keep(wrapped, k)
	}
	return k, w, err
}

func unwrap(m vault.Keys, id vault.ID, wrapped []byte) (*vault.Key, error) {
	keys, err := m.Unwrap(vault.WrappedKey{ID: id, Bytes: wrapped})
	if err != nil {
		return nil, err
	}
	return keys[0], nil
}

// systemKey loads the key of the records that concern no subject, or makes it.
func systemKey(db *pebble.DB, m vault.Keys) (*vault.Key, error) {
	idb, err := get(db, System.key())
	if errors.Is(err, assay.ErrNotFound) {
		k, err := vault.NewKey()
		if err != nil {
			return nil, err
		}
		w, err := m.Wrap(k)
		if err != nil {
			return nil, err
		}
		id := k.ID()
		b := db.NewBatch()
		defer b.Close()
		if err := errors.Join(
			b.Set(Version.key(), []byte{version}, nil),
			b.Set(System.key(), id[:], nil),
			b.Set(Keys.key(id), w[0], nil),
			b.Commit(pebble.Sync)); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		return k, nil
	}
	if err != nil {
		return nil, err
	}
	v, err := get(db, Version.key())
	if err != nil || len(v) != 1 || v[0] != version {
		return nil, fmt.Errorf("store: version %v, this program reads version %d: %w", v, version, assay.ErrCorrupt)
	}
	if len(idb) != 16 {
		return nil, fmt.Errorf("store: the system key's id has %d bytes: %w", len(idb), assay.ErrCorrupt)
	}
	id := vault.ID(idb)
	w, err := get(db, Keys.key(id))
	if err != nil {
		return nil, fmt.Errorf("store: system key: %w", err)
	}
	return unwrap(m, id, w)
}
