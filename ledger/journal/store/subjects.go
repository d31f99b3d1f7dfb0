// SPDX-License-Identifier: Apache-2.0

package store

import (
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/vault"
)

// OpenKeys loads the system's key with the master keys, or makes it. Subjects' keys can be used from then on.
func (s *Store) OpenKeys(master vault.Keys) error {
	system, err := systemKey(s.db, master)
	if err != nil {
		return err
	}
	s.master = master
	s.keys = newKeyring(s.db, master, system)
	return nil
}

// System returns the key of the records that concern no subject.
func (s *Store) System() *vault.Key { return s.keys.system.key }

// Subject returns a subject's key, making one if there is none; "" is the system.
func (s *Store) Subject(name string) (*Subject, error) { return s.keys.get(name) }

// FindSubject returns a subject's key, and makes none. assay.ErrNotFound: there is none.
func (s *Store) FindSubject(name string) (*Subject, error) { return s.keys.lookUp(name) }

// SubjectTag returns the pseudonym of a subject in the store.
func (s *Store) SubjectTag(name string) [16]byte { return s.keys.tag(name) }

// Key returns a key by its id. vault.ErrErased: it was destroyed.
func (s *Store) Key(id vault.ID) (*vault.Key, error) { return s.keys.byID(id) }

// RetireKey takes a subject's key out of use, for an erasure that is about to be recorded, and returns it. What the
// subject does later is sealed under a new key. assay.ErrNotFound: nothing is sealed for the subject.
func (s *Store) RetireKey(name string) (*Subject, error) { return s.keys.retireKey(name) }

// KeyChanges counts the keys that were taken out of use.
func (s *Store) KeyChanges() uint64 { return s.keys.changes.Load() }

// AddKeyUse adds a subject's key to a group that uses it, which makes the key durable, unless an earlier group did. The
// caller keeps the master key from being replaced until the group is durable. Only the writer calls it.
func (s *Store) AddKeyUse(g *Group, sub *Subject) error {
	if sub.persisted.Load() || sub.erasureWritten {
		return nil
	}
	if gen := s.master.Generation(); sub.generation != gen {
		w, err := s.wrapPatiently(sub.key)
		if err != nil {
			return err
		}
		sub.wrapped, sub.generation = w, gen
	}
	sub.persisted.Store(true)
	op := recordfile.KeyOp{Kind: recordfile.NewKey, Subject: sub.tag, Key: sub.key.ID(), Wrapped: sub.wrapped}
	g.Ops = append(g.Ops, op)
	g.made = append(g.made, sub)
	return nil
}

// AddKeyErasure adds to a group that its record seq destroys a subject's key. Only the writer calls it.
func (s *Store) AddKeyErasure(g *Group, sub *Subject, seq uint64) error {
	if err := s.AddKeyUse(g, sub); err != nil { // no record may have used it: whoever reads finds both
		return err
	}
	sub.erasureWritten = true
	op := recordfile.KeyOp{Kind: recordfile.EraseKey, Subject: sub.tag, Key: sub.key.ID(), Sequence: seq}
	g.Ops = append(g.Ops, op)
	return nil
}
