// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/vault"
)

// Party is somebody whom records name, under the key that it had when it was looked up. The zero Party is nobody.
type Party struct{ subject *store.Subject }

// ID is the party number: the random id of the party's key. An erasure destroys the key; a party that comes again has
// another number.
func (p Party) ID() vault.ID {
	if p.subject == nil {
		return vault.ID{}
	}
	return p.subject.Key().ID()
}

// Party looks a party up by its name, as Record.Subject has it, and makes a key if it has none. Who looks up, and
// gets a sequence number later, compares KeyChanges: a party that was erased between the two must be looked up again.
func (j *Journal) Party(name string) (Party, error) {
	s, err := j.store.Subject(name)
	return Party{s}, err
}

// FindParty looks a party up by its name, and makes no key; ok is false if it has none.
func (j *Journal) FindParty(name string) (p Party, ok bool, err error) {
	s, err := j.store.FindSubject(name)
	if errors.Is(err, assay.ErrNotFound) {
		return Party{}, false, nil
	}
	return Party{s}, err == nil, err
}

// KeyChanges counts the keys that were taken out of use.
func (j *Journal) KeyChanges() uint64 { return j.store.KeyChanges() }

// appendBusiness appends the plaintext of the business part: the number of parties as an unsigned varint, each as a
// byte 0 for the owner of the personal part or a byte 1 and its number, then Business.
func (r *Record) appendBusiness(b []byte, owner vault.ID) []byte {
	b = binary.AppendUvarint(b, uint64(len(r.Parties)))
	for _, p := range r.Parties {
		id := p.ID()
		if id == owner {
			b = append(b, 0)
			continue
		}
		b = append(append(b, 1), id[:]...)
	}
	return append(b, r.Business...)
}

// parseBusiness reads what appendBusiness writes into r.
func (r *Record) parseBusiness(b []byte, owner vault.ID) error {
	bad := func() error { return fmt.Errorf("record: the business part is damaged: %w", assay.ErrCorrupt) }
	n, w := binary.Uvarint(b)
	if w <= 0 || n > maxParties {
		return bad()
	}
	b = b[w:]
	for range n {
		switch {
		case len(b) > 0 && b[0] == 0:
			r.PartyNumbers, b = append(r.PartyNumbers, owner), b[1:]
		case len(b) > 16 && b[0] == 1:
			r.PartyNumbers, b = append(r.PartyNumbers, vault.ID(b[1:17])), b[17:]
		default:
			return bad()
		}
	}
	r.Business = b
	return nil
}

// programmeKeys are the keys of business parts, by blocks of numbers. A few blocks are kept.
type programmeKeys struct {
	system *vault.Key
	mu     sync.RWMutex
	blocks map[uint64]*vault.Key
}

const maxProgrammeKeys = 64

// of returns the key of the business part of a record.
func (k *programmeKeys) of(seq uint64) (*vault.Key, error) {
	block := seq / vault.ProgrammeBlock
	k.mu.RLock()
	key := k.blocks[block]
	k.mu.RUnlock()
	if key != nil {
		return key, nil
	}
	key, err := k.system.ProgrammeKey(block)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.blocks == nil || len(k.blocks) >= maxProgrammeKeys {
		k.blocks = map[uint64]*vault.Key{}
	}
	k.blocks[block] = key
	return key, nil
}
