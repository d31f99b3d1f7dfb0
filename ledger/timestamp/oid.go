// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"crypto"
	_ "crypto/sha256" // the digests below
	_ "crypto/sha512"
	"encoding/asn1"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers, of RFC 3161, 3279, 4055, 5035, 5280, 5652, 5754 and 5816.
var (
	oidSignedData         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTSTInfo            = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidContentType        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningCertificate = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 12}
	oidSigningCertV2      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidTimeStamping       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}

	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidExtKeyUsage      = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidCommonName       = asn1.ObjectIdentifier{2, 5, 4, 3}

	oidRSA   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidPSS   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidECKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidP256  = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	oidP384  = asn1.ObjectIdentifier{1, 3, 132, 0, 34}
	oidP521  = asn1.ObjectIdentifier{1, 3, 132, 0, 35}
)

// digests are the digests that tokens may use. SHA-1 is not among them: it is only
// used to name certificates in the attribute of RFC 2634.
var digests = []struct {
	oid  asn1.ObjectIdentifier
	hash crypto.Hash
}{
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, crypto.SHA256},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, crypto.SHA384},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, crypto.SHA512},
}

// scheme is a kind of signature.
type scheme uint8

const (
	pkcs1 scheme = iota + 1
	pss
	ecdsaDER
)

// signatures are the algorithms that name their digest; PSS has it in its
// parameters.
var signatures = []struct {
	oid    asn1.ObjectIdentifier
	scheme scheme
	hash   crypto.Hash
}{
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, pkcs1, crypto.SHA256},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}, pkcs1, crypto.SHA384},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}, pkcs1, crypto.SHA512},
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}, ecdsaDER, crypto.SHA256},
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}, ecdsaDER, crypto.SHA384},
	{asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}, ecdsaDER, crypto.SHA512},
}

// algorithm is an AlgorithmIdentifier.
type algorithm struct {
	oid    asn1.ObjectIdentifier
	params cryptobyte.String // one element, or nothing
}

func readAlgorithm(s *cryptobyte.String) (a algorithm, err error) {
	var in cryptobyte.String
	if !s.ReadASN1(&in, der.SEQUENCE) || !in.ReadASN1ObjectIdentifier(&a.oid) {
		return a, malformed("an algorithm")
	}
	a.params = in
	return a, nil
}

// hasNoParameters reports whether the parameters are absent or NULL.
func (a algorithm) hasNoParameters() bool {
	return len(a.params) == 0 || slices.Equal(a.params, []byte{5, 0})
}

// digest reads a digest's AlgorithmIdentifier.
func readDigest(s *cryptobyte.String) (crypto.Hash, error) {
	a, err := readAlgorithm(s)
	if err != nil {
		return 0, err
	}
	for _, d := range digests {
		if d.oid.Equal(a.oid) && a.hasNoParameters() {
			return d.hash, nil
		}
	}
	return 0, fmt.Errorf("digest %s is not SHA-256, SHA-384 or SHA-512", a.oid)
}

func malformed(what string) error { return fmt.Errorf("%s is not well-formed DER", what) }

// explicitTag reads an optional element under a context-specific tag.
func explicitTag(n uint8) der.Tag { return der.Tag(n).ContextSpecific().Constructed() }
