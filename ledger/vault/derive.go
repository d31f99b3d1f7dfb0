// SPDX-License-Identifier: Apache-2.0

package vault

import "encoding/binary"

// stateInfo separates the domain of the key that snapshots are sealed under. Frozen.
const stateInfo = "assay/state key/v1\n"

// StateKey returns the key of the snapshots of what decisions read, but for the rows about somebody: its secret is
// HKDF-Expand of k with the domain, its id is zero.
func (k *Key) StateKey() (*Key, error) {
	secret := k.expand(stateInfo, 1, nil, nil)
	return newKey(ID{}, secret[:])
}

// programmeInfo separates the domain of the keys that business parts are sealed under. Frozen.
const programmeInfo = "assay/programme key/v1\n"

// ProgrammeBlock is how many sequence numbers one programme key serves: nonces are random, and one key must not seal
// more than 2^32 parts.
const ProgrammeBlock = 1 << 24

// ProgrammeKey returns the key of the business parts of one block of sequence numbers: its secret is HKDF-Expand of k
// with the domain and the block's number (8 bytes, big-endian), its id is zero. It lives as long as k does, so that no
// erasure takes a business part away.
func (k *Key) ProgrammeKey(block uint64) (*Key, error) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], block)
	secret := k.expand(programmeInfo, 1, nil, b[:])
	return newKey(ID{}, secret[:])
}
