// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxTokenBytes bounds a token that is read.
const MaxTokenBytes = 64 << 10

// maxCertificates bounds those that come with a token.
const maxCertificates = 16

// token is a TimeStampToken: CMS SignedData over one TSTInfo, by one signer.
type token struct {
	info         info
	content      []byte // TSTInfo, the signed content
	certificates []*certificate

	signer     signerID
	digest     crypto.Hash
	attributes cryptobyte.String // the content of signedAttrs
	algorithm  algorithm
	signature  []byte
}

// signerID names the signer's certificate: by issuer and serial number, or by key
// id.
type signerID struct {
	issuer []byte
	serial *big.Int
	keyID  []byte
}

// info is a TSTInfo (RFC 3161, section 2.4.2).
type info struct {
	policy   asn1.ObjectIdentifier
	digest   crypto.Hash
	imprint  []byte
	serial   *big.Int
	time     time.Time
	accuracy time.Duration
	nonce    *big.Int // nil: none
}

// parseToken reads a token, all of b.
func parseToken(b []byte) (*token, error) {
	if len(b) > MaxTokenBytes {
		return nil, fmt.Errorf("%d bytes, at most %d are read", len(b), MaxTokenBytes)
	}
	s := cryptobyte.String(b)
	var outer, wrapped, in cryptobyte.String
	var id asn1.ObjectIdentifier
	if !s.ReadASN1(&outer, der.SEQUENCE) || !s.Empty() || !outer.ReadASN1ObjectIdentifier(&id) ||
		!outer.ReadASN1(&wrapped, explicitTag(0)) || !outer.Empty() {
		return nil, malformed("the token")
	}
	if !id.Equal(oidSignedData) {
		return nil, fmt.Errorf("content type %s is not SignedData", id)
	}
	var version int
	var digests, encap, signers cryptobyte.String
	if !wrapped.ReadASN1(&in, der.SEQUENCE) || !wrapped.Empty() || !in.ReadASN1Integer(&version) || version != 3 ||
		!in.ReadASN1(&digests, der.SET) || !in.ReadASN1(&encap, der.SEQUENCE) {
		return nil, malformed("SignedData of version 3")
	}
	t := new(token)
	if err := t.readContent(encap); err != nil {
		return nil, err
	}
	if err := t.readCertificates(&in); err != nil {
		return nil, err
	}
	if !in.ReadASN1(&signers, der.SET) || !in.Empty() {
		return nil, malformed("the list of signers (revocation lists are not accepted)")
	}
	if err := t.readSigner(&signers); err != nil {
		return nil, err
	}
	if !signers.Empty() {
		return nil, errors.New("more than one signer")
	}
	if d, err := readDigest(&digests); err != nil || d != t.digest || !digests.Empty() {
		return nil, errors.New("the digests that SignedData lists are not the signer's")
	}
	return t, nil
}

func (t *token) readContent(encap cryptobyte.String) error {
	var id asn1.ObjectIdentifier
	var wrapped, content cryptobyte.String
	if !encap.ReadASN1ObjectIdentifier(&id) || !encap.ReadASN1(&wrapped, explicitTag(0)) || !encap.Empty() ||
		!wrapped.ReadASN1(&content, der.OCTET_STRING) || !wrapped.Empty() {
		return malformed("the signed content")
	}
	if !id.Equal(oidTSTInfo) {
		return fmt.Errorf("the signed content is of type %s, not TSTInfo", id)
	}
	t.content = content
	var err error
	t.info, err = parseInfo(content)
	return err
}

// readCertificates reads the certificates of the token. Attribute certificates and
// other kinds are not accepted.
func (t *token) readCertificates(in *cryptobyte.String) error {
	var list cryptobyte.String
	var there bool
	if !in.ReadOptionalASN1(&list, &there, explicitTag(0)) {
		return malformed("the list of certificates")
	}
	for !list.Empty() {
		var one cryptobyte.String
		if len(t.certificates) == maxCertificates || !list.ReadASN1Element(&one, der.SEQUENCE) {
			return fmt.Errorf("the list of certificates is not well-formed or has more than %d", maxCertificates)
		}
		c, err := parseCertificate(one)
		if err != nil {
			return err
		}
		t.certificates = append(t.certificates, c)
	}
	return nil
}

func (t *token) readSigner(signers *cryptobyte.String) (err error) {
	var in, keyID cryptobyte.String
	var version int
	if !signers.ReadASN1(&in, der.SEQUENCE) || !in.ReadASN1Integer(&version) {
		return malformed("a signer")
	}
	switch version {
	case 1:
		var name, issuer cryptobyte.String
		t.signer.serial = new(big.Int)
		if !in.ReadASN1(&name, der.SEQUENCE) || !name.ReadASN1Element(&issuer, der.SEQUENCE) ||
			!name.ReadASN1Integer(t.signer.serial) || !name.Empty() {
			return malformed("a signer's name")
		}
		t.signer.issuer = issuer
	case 3:
		if !in.ReadASN1(&keyID, der.Tag(0).ContextSpecific()) {
			return malformed("a signer's key id")
		}
		t.signer.keyID = keyID
	default:
		return fmt.Errorf("a signer of version %d, want 1 or 3", version)
	}
	if t.digest, err = readDigest(&in); err != nil {
		return err
	}
	var signature cryptobyte.String
	if !in.ReadASN1(&t.attributes, explicitTag(0)) {
		return errors.New("no signed attributes")
	}
	if t.algorithm, err = readAlgorithm(&in); err != nil {
		return err
	}
	if !in.ReadASN1(&signature, der.OCTET_STRING) || !in.Empty() {
		return malformed("the signature (unsigned attributes are not accepted)")
	}
	t.signature = signature
	return nil
}

// signedBytes are the bytes that the signature covers: the attributes under the tag
// of a SET (RFC 5652, section 5.4).
func (t *token) signedBytes() []byte {
	var b cryptobyte.Builder
	b.AddASN1(der.SET, func(b *cryptobyte.Builder) { b.AddBytes(t.attributes) })
	return b.BytesOrPanic()
}

// attribute returns the one value of a signed attribute, nil if it is absent.
func (t *token) attribute(id asn1.ObjectIdentifier) (cryptobyte.String, error) {
	var found cryptobyte.String
	for list := t.attributes; !list.Empty(); {
		var attr, values, value cryptobyte.String
		var got asn1.ObjectIdentifier
		var tag der.Tag
		if !list.ReadASN1(&attr, der.SEQUENCE) || !attr.ReadASN1ObjectIdentifier(&got) ||
			!attr.ReadASN1(&values, der.SET) || !attr.Empty() {
			return nil, malformed("a signed attribute")
		}
		if !got.Equal(id) {
			continue
		}
		if found != nil || !values.ReadAnyASN1Element(&value, &tag) || !values.Empty() {
			return nil, fmt.Errorf("attribute %s is there twice, or does not have one value", id)
		}
		found = value
	}
	return found, nil
}

// names reports whether c is the certificate that the signer names.
func (s signerID) names(c *certificate) bool {
	if s.serial == nil {
		return false // by key id: only the attribute ESSCertID decides
	}
	return s.serial.Cmp(c.serial) == 0 && bytes.Equal(s.issuer, c.issuer)
}

func parseInfo(b []byte) (i info, err error) {
	s := cryptobyte.String(b)
	var in, imprint, hash, rest cryptobyte.String
	var version int
	i.serial = new(big.Int)
	if !s.ReadASN1(&in, der.SEQUENCE) || !s.Empty() || !in.ReadASN1Integer(&version) || version != 1 ||
		!in.ReadASN1ObjectIdentifier(&i.policy) || !in.ReadASN1(&imprint, der.SEQUENCE) {
		return i, malformed("TSTInfo of version 1")
	}
	if i.digest, err = readDigest(&imprint); err != nil {
		return i, err
	}
	if !imprint.ReadASN1(&hash, der.OCTET_STRING) || !imprint.Empty() || !in.ReadASN1Integer(i.serial) {
		return i, malformed("TSTInfo")
	}
	i.imprint = hash
	if i.time, err = readGenTime(&in); err != nil {
		return i, err
	}
	if i.accuracy, err = readAccuracy(&in); err != nil {
		return i, err
	}
	ordering := false
	if in.PeekASN1Tag(der.BOOLEAN) && !in.ReadASN1Boolean(&ordering) {
		return i, malformed("TSTInfo")
	}
	if in.PeekASN1Tag(der.INTEGER) {
		i.nonce = new(big.Int)
		if !in.ReadASN1Integer(i.nonce) {
			return i, malformed("TSTInfo's nonce")
		}
	}
	var there bool
	if !in.ReadOptionalASN1(&rest, &there, explicitTag(0)) { // the authority's name: its certificate says it
		return i, malformed("TSTInfo")
	}
	if !in.Empty() {
		return i, errors.New("TSTInfo has extensions, which this program does not know")
	}
	return i, nil
}

// readGenTime reads GeneralizedTime as RFC 3161 has it: YYYYMMDDhhmmss[.s...]Z,
// the fraction without zeros at its end.
func readGenTime(s *cryptobyte.String) (t time.Time, err error) {
	var text cryptobyte.String
	if !s.ReadASN1(&text, der.GeneralizedTime) {
		return t, malformed("genTime")
	}
	t, err = time.Parse("20060102150405Z", string(text))
	if err == nil && t.Format("20060102150405.999999999Z") == string(text) {
		return t, nil
	}
	return t, fmt.Errorf("genTime %q is not a time in the form of RFC 3161", string(text[:min(len(text), 32)]))
}

// readAccuracy reads the optional Accuracy: seconds, [0] millis, [1] micros.
func readAccuracy(s *cryptobyte.String) (d time.Duration, err error) {
	if !s.PeekASN1Tag(der.SEQUENCE) {
		return 0, nil
	}
	var in cryptobyte.String
	if !s.ReadASN1(&in, der.SEQUENCE) {
		return 0, malformed("accuracy")
	}
	if in.PeekASN1Tag(der.INTEGER) {
		var n int64
		if !in.ReadASN1Integer(&n) || n < 0 || n > 1<<31 {
			return 0, malformed("accuracy")
		}
		d = time.Duration(n) * time.Second
	}
	for i, unit := range []time.Duration{time.Millisecond, time.Microsecond} {
		tag := der.Tag(i).ContextSpecific()
		if in.PeekASN1Tag(tag) {
			var n int64
			if !in.ReadASN1Int64WithTag(&n, tag) || n < 1 || n > 999 {
				return 0, malformed("accuracy")
			}
			d += time.Duration(n) * unit
		}
	}
	if !in.Empty() {
		return 0, malformed("accuracy")
	}
	return d, nil
}
