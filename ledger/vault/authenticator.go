// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"

	assay "github.com/assayrisk/assay"
)

// groupInfo separates the domain of an Authenticator's key. Frozen.
const groupInfo = "assay/group authentication key/v1\n"

// Sizes of what an Authenticator makes, in bytes.
const (
	NonceSize = 12
	MACSize   = 16
)

// Authenticator makes and checks authentication codes: AES-256-GMAC (NIST SP
// 800-38D) under a key derived from a Key. It is safe for concurrent use.
type Authenticator struct{ aead cipher.AEAD }

// Authenticator returns the authenticator of k.
func (k *Key) Authenticator() (*Authenticator, error) {
	sk := k.expand(groupInfo, 1, nil, nil)
	block, err := aes.NewCipher(sk[:])
	if err != nil {
		return nil, fmt.Errorf("authenticator: %w", err)
	}
	g, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("authenticator: %w", err)
	}
	return &Authenticator{g}, nil
}

// Nonce writes a random nonce into b[:NonceSize]. One nonce must not serve two
// messages.
func (a *Authenticator) Nonce(b []byte) { rand.Read(b[:NonceSize]) }

// Append appends the code of data under nonce to dst. dst may be data itself.
func (a *Authenticator) Append(dst, nonce, data []byte) []byte {
	var mac [MACSize]byte
	return append(dst, a.aead.Seal(mac[:0], nonce, nil, data)...)
}

// Check returns an error that matches assay.ErrCorrupt unless mac is the code of
// data under nonce.
func (a *Authenticator) Check(mac, nonce, data []byte) error {
	if len(mac) != MACSize {
		return fmt.Errorf("authentication code: %d bytes, want %d: %w", len(mac), MACSize, assay.ErrCorrupt)
	}
	if _, err := a.aead.Open(nil, nonce, mac, data); err != nil {
		return fmt.Errorf("the authentication code is wrong: %w", assay.ErrCorrupt)
	}
	return nil
}
