// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	assay "github.com/assayrisk/assay"
)

// algEd25519 is the algorithm byte of a signed note's Ed25519 key
// (golang.org/x/mod/sumdb/note, C2SP signed-note).
const algEd25519 = 1

// maxOriginBytes bounds an origin line.
const maxOriginBytes = 256

// Key is a log's public key, written as a signed note's verifier key
// ("origin+hash+base64"). It checks checkpoints and promises.
type Key struct {
	Origin string
	Hash   uint32
	Public ed25519.PublicKey
}

// ParseKey reads a note verifier key.
func ParseKey(vkey string) (Key, error) {
	bad := func(why string) (Key, error) {
		return Key{}, fmt.Errorf("log key %q: %s; want origin+hash+base64 as the server prints it: %w",
			vkey, why, assay.ErrInvalid)
	}
	origin, rest, ok := strings.Cut(strings.TrimSpace(vkey), "+")
	hash, enc, ok2 := strings.Cut(rest, "+")
	if !ok || !ok2 {
		return bad("it does not have three parts")
	}
	if err := CheckOrigin(origin); err != nil {
		return bad(err.Error())
	}
	h, err := strconv.ParseUint(hash, 16, 32)
	if err != nil || len(hash) != 8 {
		return bad("the hash is not eight hexadecimal digits")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(enc)
	if err != nil {
		return bad("the key is not base64")
	}
	if len(raw) != 1+ed25519.PublicKeySize || raw[0] != algEd25519 {
		return bad("it is not an Ed25519 key")
	}
	k := Key{Origin: origin, Hash: uint32(h), Public: ed25519.PublicKey(raw[1:])}
	if keyHash(origin, raw) != k.Hash {
		return bad("the hash is not that of the name and key")
	}
	return k, nil
}

// NewKey returns the key of an origin.
func NewKey(origin string, public ed25519.PublicKey) Key {
	raw := append([]byte{algEd25519}, public...)
	return Key{Origin: origin, Hash: keyHash(origin, raw), Public: public}
}

// String returns the note verifier key.
func (k Key) String() string {
	raw := append([]byte{algEd25519}, k.Public...)
	return fmt.Sprintf("%s+%08x+%s", k.Origin, k.Hash, base64.StdEncoding.EncodeToString(raw))
}

func keyHash(origin string, raw []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(origin))
	h.Write([]byte("\n"))
	h.Write(raw)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// CheckOrigin reports whether s can name a log: a schema-less URL without
// spaces or plus signs, of at most 256 bytes, and not the first line of another
// kind of signed message.
func CheckOrigin(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("the origin is empty: %w", assay.ErrInvalid)
	case len(s) > maxOriginBytes:
		return fmt.Errorf("the origin has %d bytes, at most %d are allowed: %w", len(s),
			maxOriginBytes, assay.ErrInvalid)
	case !utf8.ValidString(s) || strings.ContainsAny(s, "+ \t\r\n\u0085\u00a0\u2028\u2029"):
		return fmt.Errorf("the origin has a space, a plus sign or bytes that are not UTF-8: %w", assay.ErrInvalid)
	case s == strings.TrimSuffix(promiseTag, "\n"):
		return fmt.Errorf("the origin %q is reserved for promises: %w", s, assay.ErrInvalid)
	}
	return nil
}
