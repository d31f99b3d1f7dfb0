// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// publicKey is an RSA or an ECDSA key.
type publicKey struct {
	rsa   *rsa.PublicKey
	ecdsa *ecdsa.PublicKey
	pss   bool // the key is for PSS alone
}

// Sizes of RSA keys that are accepted, in bits: smaller ones are too weak, larger
// ones take too long.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// parseKey reads a SubjectPublicKeyInfo.
func parseKey(spki []byte) (k publicKey, err error) {
	s := cryptobyte.String(spki)
	var in cryptobyte.String
	var bits []byte
	if !s.ReadASN1(&in, der.SEQUENCE) || !s.Empty() {
		return k, malformed("a public key")
	}
	a, err := readAlgorithm(&in)
	if err != nil {
		return k, err
	}
	if !in.ReadASN1BitStringAsBytes(&bits) || !in.Empty() {
		return k, malformed("a public key")
	}
	switch {
	case a.oid.Equal(oidRSA) && a.hasNoParameters(), a.oid.Equal(oidPSS):
		body := cryptobyte.String(bits)
		var nums cryptobyte.String
		n, e := new(big.Int), 0
		if !body.ReadASN1(&nums, der.SEQUENCE) || !body.Empty() || !nums.ReadASN1Integer(n) ||
			!nums.ReadASN1Integer(&e) || !nums.Empty() {
			return k, malformed("an RSA key")
		}
		if n.Sign() <= 0 || n.Bit(0) == 0 || n.BitLen() < minRSABits || n.BitLen() > maxRSABits || e < 3 ||
			e&1 == 0 || e > 1<<31-1 {
			return k, fmt.Errorf("an RSA key of %d bits and exponent %d: want %d to %d bits and an odd exponent",
				n.BitLen(), e, minRSABits, maxRSABits)
		}
		return publicKey{rsa: &rsa.PublicKey{N: n, E: e}, pss: a.oid.Equal(oidPSS)}, nil
	case a.oid.Equal(oidECKey):
		var id asn1.ObjectIdentifier
		if !a.params.ReadASN1ObjectIdentifier(&id) || !a.params.Empty() {
			return k, malformed("an elliptic curve's name")
		}
		for _, c := range []struct {
			id    asn1.ObjectIdentifier
			curve elliptic.Curve
		}{{oidP256, elliptic.P256()}, {oidP384, elliptic.P384()}, {oidP521, elliptic.P521()}} {
			if !c.id.Equal(id) {
				continue
			}
			k.ecdsa, err = ecdsa.ParseUncompressedPublicKey(c.curve, bits)
			return k, err
		}
		return k, fmt.Errorf("curve %s is not P-256, P-384 or P-521", id)
	}
	return k, fmt.Errorf("keys of kind %s are not accepted: want RSA or ECDSA", a.oid)
}

// verify checks a signature over signed. digest is the one that is given next to
// the signature and must agree with its algorithm; 0: none is given.
func (k publicKey) verify(a algorithm, digest crypto.Hash, signed, signature []byte) error {
	kind, hash, salt, err := a.signature(digest)
	if err != nil {
		return err
	}
	if digest != 0 && digest != hash {
		return fmt.Errorf("the signature is over %s, the digest given with it is %s", hash, digest)
	}
	h := hash.New()
	h.Write(signed)
	sum := h.Sum(nil)
	switch {
	case kind == ecdsaDER && k.ecdsa != nil:
		if !ecdsa.VerifyASN1(k.ecdsa, sum, signature) {
			return errors.New("the ECDSA signature is wrong")
		}
		return nil
	case kind == pkcs1 && k.rsa != nil && !k.pss:
		return rsa.VerifyPKCS1v15(k.rsa, hash, sum, signature)
	case kind == pss && k.rsa != nil:
		return rsa.VerifyPSS(k.rsa, hash, sum, signature, &rsa.PSSOptions{SaltLength: salt, Hash: hash})
	}
	return errors.New("the signature's algorithm is not the key's")
}

// signature returns what a signature's AlgorithmIdentifier asks for. The plain RSA
// identifier does not name a digest: it takes the one given next to it (RFC 3370,
// section 3.2).
func (a algorithm) signature(given crypto.Hash) (kind scheme, hash crypto.Hash, salt int, err error) {
	if a.oid.Equal(oidRSA) && a.hasNoParameters() && given != 0 {
		return pkcs1, given, 0, nil
	}
	if a.oid.Equal(oidPSS) {
		hash, salt, err = a.pssParams()
		return pss, hash, salt, err
	}
	for _, s := range signatures {
		if s.oid.Equal(a.oid) && a.hasNoParameters() {
			return s.scheme, s.hash, 0, nil
		}
	}
	return 0, 0, 0,
		fmt.Errorf("signatures of kind %s are not accepted: want RSA (PKCS #1 v1.5 or PSS) or ECDSA with SHA-2", a.oid)
}

// pssParams reads RSASSA-PSS-params (RFC 4055, section 3.1). The defaults are
// SHA-1 and are refused.
func (a algorithm) pssParams() (hash crypto.Hash, salt int, err error) {
	s, in := a.params, cryptobyte.String(nil)
	var h, m, l cryptobyte.String
	bad := malformed("the parameters of a PSS signature")
	if !s.ReadASN1(&in, der.SEQUENCE) || !s.Empty() || !in.ReadASN1(&h, explicitTag(0)) ||
		!in.ReadASN1(&m, explicitTag(1)) ||
		!in.ReadASN1(&l, explicitTag(2)) {
		return 0, 0, bad
	}
	if hash, err = readDigest(&h); err != nil {
		return 0, 0, err
	}
	mgf, err := readAlgorithm(&m)
	if err != nil || !mgf.oid.Equal(oidMGF1) || !h.Empty() || !m.Empty() {
		return 0, 0, bad
	}
	inner, err := readDigest(&mgf.params)
	if err != nil || inner != hash || !mgf.params.Empty() {
		return 0, 0, errors.New("a PSS signature must use one digest for message and mask")
	}
	if !l.ReadASN1Integer(&salt) || !l.Empty() || salt < 0 || salt > 64 {
		return 0, 0, bad
	}
	var trailer cryptobyte.String
	var there bool
	one := 1
	if !in.ReadOptionalASN1(&trailer, &there, explicitTag(3)) || !in.Empty() ||
		there && (!trailer.ReadASN1Integer(&one) || one != 1) {
		return 0, 0, bad
	}
	if salt == 0 {
		return 0, 0, errors.New("a PSS signature without a salt")
	}
	return hash, salt, nil
}
