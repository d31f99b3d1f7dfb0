// SPDX-License-Identifier: Apache-2.0

package journal

import (
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

// subject is one subject's key and what the writer must know of it.
type subject struct {
	key        *vault.Key
	tag        [16]byte
	wrapped    []byte      // for the records, until written; then the writer's
	generation uint32      // of the master key that wrapped it
	written    atomic.Bool // the wrapped key is in a group, or in the store
	dead       atomic.Bool // erased: never write its key again
	asked      atomic.Bool // a record is sealed under it, or about to be
}

// keyring finds subject keys: in memory, in the store, or by making a new one.
// A new key is made durable by the group of the first record that it seals, and
// stays in memory until the store has it, so that no second one is ever made.
type keyring struct {
	db     *pebble.DB
	master *vault.Master
	system *subject
	known  seenFilter // subject tags: most new subjects need no look into the store
	seed   maphash.Seed
	shards [keyShards]keyShard
}

type keyShard struct {
	mu        sync.Mutex
	fresh     map[string]*subject // not in the store yet
	hot, cold map[string]*subject // two generations; the cold one is dropped
}

func newKeyring(db *pebble.DB, master *vault.Master, system *vault.Key) *keyring {
	r := &keyring{db: db, master: master, system: &subject{key: system}, seed: maphash.MakeSeed()}
	r.system.written.Store(true)
	for i := range r.shards {
		r.shards[i].fresh = make(map[string]*subject)
		r.shards[i].hot = make(map[string]*subject)
	}
	return r
}

func (r *keyring) shard(name string) *keyShard {
	return &r.shards[maphash.String(r.seed, name)%keyShards]
}

// get returns the subject's key, making one if there is none.
func (r *keyring) get(name string) (*subject, error) {
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
	if err == nil && !s.asked.Load() {
		s.asked.Store(true)
	}
	return s, err
}

// find looks in memory, then in the store. The shard is locked.
func (r *keyring) find(sh *keyShard, name string) (*subject, error) {
	if s := sh.hot[name]; s != nil {
		return s, nil
	}
	if s := sh.fresh[name]; s != nil {
		return s, nil
	}
	if s := sh.cold[name]; s != nil {
		sh.keep(name, s)
		return s, nil
	}
	tag := r.tag(name)
	if !r.known.maybe(tag) {
		return nil, fmt.Errorf("store: the subject has no key: %w", assay.ErrNotFound)
	}
	idb, err := get(r.db, idKey(prefixSubject, tag))
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
	s := &subject{key: k, tag: tag}
	s.written.Store(true)
	sh.keep(name, s)
	return s, nil
}

func (r *keyring) tag(name string) [16]byte { return r.system.key.Tag("subject", name) }

// create makes a subject's key. The shard is locked.
func (r *keyring) create(sh *keyShard, name string) (*subject, error) {
	k, err := vault.NewKey()
	if err != nil {
		return nil, err
	}
	s := &subject{key: k, tag: r.tag(name), generation: r.master.Generation()}
	if s.wrapped, err = r.master.Wrap(k); err != nil {
		return nil, err
	}
	r.known.add(s.tag)
	sh.fresh[name] = s
	return s, nil
}

// keep puts s in the hot generation. The shard is locked.
func (sh *keyShard) keep(name string, s *subject) {
	if len(sh.hot) >= keysPerShard {
		sh.cold, sh.hot = sh.hot, make(map[string]*subject, keysPerShard)
	}
	sh.hot[name] = s
}

// settled is called once s's key is in the store.
func (r *keyring) settled(name string, s *subject) {
	sh := r.shard(name)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.fresh[name] == s {
		delete(sh.fresh, name)
		sh.keep(name, s)
	}
}

// bury marks the subject's key dead and puts a new one in its place, for
// what the subject may do later. assay.ErrNotFound: there is no key.
func (r *keyring) bury(name string) (old *subject, err error) {
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
	if !old.asked.Load() && !old.written.Load() { // it took the place of one that is erased
		return nil, fmt.Errorf("erase: nothing is sealed for the subject since it was erased: %w", assay.ErrNotFound)
	}
	old.dead.Store(true)
	delete(sh.hot, name)
	delete(sh.cold, name)
	delete(sh.fresh, name)
	_, err = r.create(sh, name)
	return old, err
}

// byID loads a key from the store. vault.ErrErased: it was destroyed.
func (r *keyring) byID(id vault.ID) (*vault.Key, error) {
	if id == r.system.key.ID() {
		return r.system.key, nil
	}
	w, err := get(r.db, idKey(prefixKey, id))
	if errors.Is(err, assay.ErrNotFound) {
		if _, xerr := get(r.db, idKey(prefixErased, id)); xerr == nil {
			return nil, vault.ErrErased
		}
		return nil, fmt.Errorf("store: subject key %x is missing, and no erasure destroyed it: %w", id[:4], assay.ErrCorrupt)
	}
	if err != nil {
		return nil, err
	}
	return r.master.Unwrap(id, w)
}
