// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	assay "github.com/assayrisk/assay"
)

// SecretSize is the length of a subject key in bytes.
const SecretSize = 32

// Domain separators. Frozen.
const (
	recordInfo = "assay/record keys/v1\n"
	sealInfo   = "assay/sealing key/v1\n"
	tagInfo    = "assay/tag/v1\n"
)

// Overhead is what Seal adds to a plaintext: nonce and tag.
const Overhead = 12 + 16

// ID names a subject key. It is random: it says nothing about the subject.
type ID [16]byte

// Key is one subject's key. It is safe for concurrent use.
type Key struct {
	id       ID
	secret   [SecretSize]byte
	innerPad [sha256.BlockSize]byte // HMAC's two blocks of the secret
	outerPad [sha256.BlockSize]byte
	aead     cipher.AEAD
}

// NewKey draws a new key.
func NewKey() (*Key, error) {
	var id ID
	var secret [SecretSize]byte
	rand.Read(id[:])
	rand.Read(secret[:])
	return newKey(id, secret[:])
}

func newKey(id ID, secret []byte) (*Key, error) {
	if len(secret) != SecretSize {
		return nil, fmt.Errorf("subject key: %d bytes, want %d: %w", len(secret), SecretSize, assay.ErrCorrupt)
	}
	k := &Key{id: id}
	copy(k.secret[:], secret)
	copy(k.innerPad[:], secret)
	copy(k.outerPad[:], secret)
	for i := range k.innerPad {
		k.innerPad[i] ^= 0x36
		k.outerPad[i] ^= 0x5c
	}
	sk := k.expand(sealInfo, 1, nil, nil)
	block, err := aes.NewCipher(sk[:])
	if err != nil {
		return nil, fmt.Errorf("subject key: %w", err)
	}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("subject key: %w", err)
	}
	return k, nil
}

// ID returns the key's id.
func (k *Key) ID() ID { return k.id }

// CommitmentKeys returns the two commitment keys of the record with this
// sequence number: HKDF-Expand (RFC 5869, section 2.3) of the subject key, with
// tag || sequence (big-endian) as info, 64 bytes.
func (k *Key) CommitmentKeys(seq uint64) (decision, vector [32]byte) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], seq)
	decision = k.expand(recordInfo, 1, nil, b[:])
	vector = k.expand(recordInfo, 2, &decision, b[:])
	return decision, vector
}

// Tag returns a pseudonym of the parts under this key, 16 bytes: equal parts have
// equal tags, and without the key a tag says nothing.
func (k *Key) Tag(parts ...string) (tag [16]byte) {
	buf := make([]byte, 0, 192)
	for _, p := range parts {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(p)))
		buf = append(buf, p...)
	}
	full := k.expand(tagInfo, 1, nil, buf)
	copy(tag[:], full[:])
	return tag
}

// Seal appends nonce || AES-256-GCM(plaintext) to dst, bound to the data ad.
// Nonces are random: one key must not seal more than 2^32 records.
func (k *Key) Seal(dst, plaintext, ad []byte) []byte {
	var nonce [12]byte
	rand.Read(nonce[:])
	dst = append(dst, nonce[:]...)
	return k.aead.Seal(dst, nonce[:], plaintext, ad)
}

// Open reverses Seal.
func (k *Key) Open(dst, sealed, ad []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, fmt.Errorf("sealed part: %d bytes, want at least %d: %w", len(sealed), Overhead, assay.ErrCorrupt)
	}
	out, err := k.aead.Open(dst, sealed[:12], sealed[12:], ad)
	if err != nil {
		return nil, fmt.Errorf("sealed part: its bytes, its record or its key are not those it was sealed with: %w",
			assay.ErrCorrupt)
	}
	return out, nil
}

// expand is one round of HKDF-Expand with SHA-256:
// T(i) = HMAC(prk, T(i-1) || info || data || i), T(0) empty. It is written by
// hand because each record needs two and the library allocates for each;
// TestExpandIsHKDF compares the two.
func (k *Key) expand(info string, i byte, prev *[32]byte, data []byte) [32]byte {
	var stack [256]byte
	buf := append(stack[:0], k.innerPad[:]...)
	if i > 1 {
		buf = append(buf, prev[:]...)
	}
	buf = append(buf, info...)
	buf = append(buf, data...)
	buf = append(buf, i)
	sum := sha256.Sum256(buf)
	var outer [96]byte
	copy(outer[:], k.outerPad[:])
	copy(outer[64:], sum[:])
	return sha256.Sum256(outer[:])
}
