// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"encoding/hex"
	"fmt"

	assay "github.com/assayrisk/assay"
)

// Address is an account or contract on an EVM chain. Its text is "0x" and 40
// hexadecimal digits, in lower case.
type Address [20]byte

// Hash is a Keccak-256 hash: of a block, a transaction or a trie node. Its text
// is "0x" and 64 hexadecimal digits, in lower case.
type Hash [32]byte

// LogID names a log in the contract: SHA-256("assay/log-id/v1\n" || origin),
// where origin is the first line of the log's checkpoints.
func LogID(origin string) Hash {
	return Hash(assay.Sum("assay/log-id/v1\n", []byte(origin)))
}

// ParseAddress reads what String writes, in either case.
func ParseAddress(s string) (Address, error) {
	var a Address
	return a, parseHex("address", s, a[:])
}

// ParseHash reads what String writes, in either case.
func ParseHash(s string) (Hash, error) {
	var h Hash
	return h, parseHex("hash", s, h[:])
}

func (a Address) String() string { return "0x" + hex.EncodeToString(a[:]) }

func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// IsZero reports whether a is the zero address, which nobody has.
func (a Address) IsZero() bool { return a == Address{} }

// IsZero reports whether h is the zero hash, which nothing has.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText writes String.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// MarshalText writes String.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (a *Address) UnmarshalText(b []byte) error { return parseHex("address", string(b), a[:]) }

// UnmarshalText reads what MarshalText writes.
func (h *Hash) UnmarshalText(b []byte) error { return parseHex("hash", string(b), h[:]) }

func parseHex(what, s string, dst []byte) error {
	if len(s) != 2+2*len(dst) || s[0] != '0' || s[1] != 'x' {
		return fmt.Errorf("%s: want 0x and %d hexadecimal digits, got %d characters: %w", what, 2*len(dst),
			len(s), assay.ErrInvalid)
	}
	if _, err := hex.Decode(dst, []byte(s[2:])); err != nil {
		return fmt.Errorf("%s: %w: %w", what, err, assay.ErrInvalid)
	}
	return nil
}
