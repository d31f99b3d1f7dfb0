// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxResponseBytes bounds an authority's answer.
const MaxResponseBytes = MaxTokenBytes + 4096

// Request returns a TimeStampReq (RFC 3161, section 2.4.1) for the SHA-256 of
// message that asks for the authority's certificate. The nonce ties the answer
// to the request: use a new random one each time, of at most 16 bytes.
func Request(message, nonce []byte) []byte {
	sum := sha256.Sum256(message)
	var b cryptobyte.Builder
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(digests[0].oid)
				b.AddASN1NULL()
			})
			b.AddASN1OctetString(sum[:])
		})
		b.AddASN1BigInt(new(big.Int).SetBytes(nonce))
		b.AddASN1Boolean(true)
	})
	return b.BytesOrPanic()
}

// ParseResponse reads a TimeStampResp and returns its token if it answers the
// request for message with that nonce. Verify says what the token is worth.
func ParseResponse(response, message, nonce []byte) ([]byte, error) {
	bad := errors.New("the answer is not a TimeStampResp of RFC 3161")
	if len(response) > MaxResponseBytes {
		return nil, fmt.Errorf("the answer has more than %d bytes", MaxResponseBytes)
	}
	s := cryptobyte.String(response)
	var in, status, raw cryptobyte.String
	var code int
	if !s.ReadASN1(&in, der.SEQUENCE) || !s.Empty() || !in.ReadASN1(&status, der.SEQUENCE) ||
		!status.ReadASN1Integer(&code) {
		return nil, bad
	}
	if code != 0 && code != 1 { // granted, granted with modifications
		return nil, fmt.Errorf("the authority refused with status %d", code)
	}
	if !in.ReadASN1Element(&raw, der.SEQUENCE) || !in.Empty() {
		return nil, bad
	}
	t, err := parseToken(raw)
	if err != nil {
		return nil, err
	}
	if err := t.info.checkImprint(message); err != nil {
		return nil, err
	}
	if t.info.nonce == nil || t.info.nonce.Cmp(new(big.Int).SetBytes(nonce)) != 0 {
		return nil, errors.New("the answer is to another request: its nonce is another")
	}
	return raw, nil
}
