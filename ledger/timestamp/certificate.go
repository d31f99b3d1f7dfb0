// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// certificate is the part of an X.509 certificate (RFC 5280) that a verifier needs.
type certificate struct {
	raw, signedBody []byte
	serial          *big.Int
	issuer, subject []byte // names as they are encoded
	from, to        time.Time
	key             publicKey
	alg             algorithm
	signature       []byte

	stampsOnly          bool // extended key usage: time-stamping alone, critical
	ca                  bool
	maxPath             int  // -1: no limit
	maySign             bool // key usage allows signatures of data
	maySignCertificates bool // key usage allows signatures of certificates
	unknownCritical     asn1.ObjectIdentifier
}

// parseCertificate reads one certificate, all of b.
func parseCertificate(b []byte) (*certificate, error) {
	c := &certificate{raw: b, maxPath: -1, maySign: true, maySignCertificates: true}
	s := cryptobyte.String(b)
	var cert, tbs, tbsBody, issuer, subject, validity, spki cryptobyte.String
	if !s.ReadASN1(&cert, der.SEQUENCE) || !s.Empty() || !cert.ReadASN1Element(&tbs, der.SEQUENCE) {
		return nil, malformed("a certificate")
	}
	c.signedBody = tbs
	var err error
	if c.alg, err = readAlgorithm(&cert); err != nil {
		return nil, err
	}
	if !cert.ReadASN1BitStringAsBytes(&c.signature) || !cert.Empty() {
		return nil, malformed("a certificate's signature")
	}
	var version int64
	c.serial = new(big.Int)
	if !tbs.ReadASN1(&tbsBody, der.SEQUENCE) || !readVersion(&tbsBody, &version) || version != 2 ||
		!tbsBody.ReadASN1Integer(c.serial) {
		return nil, errors.New("a certificate is not of version 3")
	}
	inner, err := readAlgorithm(&tbsBody)
	if err != nil {
		return nil, err
	}
	if !inner.oid.Equal(c.alg.oid) || !bytes.Equal(inner.params, c.alg.params) {
		return nil, errors.New("a certificate names two signature algorithms")
	}
	if !tbsBody.ReadASN1Element(&issuer, der.SEQUENCE) || !tbsBody.ReadASN1(&validity, der.SEQUENCE) ||
		!tbsBody.ReadASN1Element(&subject, der.SEQUENCE) || !tbsBody.ReadASN1Element(&spki, der.SEQUENCE) {
		return nil, malformed("a certificate's body")
	}
	c.issuer, c.subject = issuer, subject
	if c.from, err = readTime(&validity); err == nil {
		c.to, err = readTime(&validity)
	}
	if err != nil || !validity.Empty() {
		return nil, malformed("a certificate's validity")
	}
	if c.key, err = parseKey(spki); err != nil {
		return nil, err
	}
	for n := uint8(1); n <= 2; n++ { // unique identifiers, which nobody uses
		if !tbsBody.SkipOptionalASN1(der.Tag(n).ContextSpecific()) {
			return nil, malformed("a certificate's body")
		}
	}
	return c, c.extensions(&tbsBody)
}

func readVersion(s *cryptobyte.String, v *int64) bool {
	var in cryptobyte.String
	return s.ReadASN1(&in, explicitTag(0)) && in.ReadASN1Integer(v) && in.Empty()
}

// extensions reads the extensions that decide what the key may do.
func (c *certificate) extensions(tbs *cryptobyte.String) error {
	var outer, list cryptobyte.String
	var there bool
	if !tbs.ReadOptionalASN1(&outer, &there, explicitTag(3)) || !tbs.Empty() ||
		there && (!outer.ReadASN1(&list, der.SEQUENCE) || !outer.Empty()) {
		return malformed("a certificate's list of extensions")
	}
	seen := map[string]bool{}
	for !list.Empty() {
		var ext, value cryptobyte.String
		var id asn1.ObjectIdentifier
		critical := false
		if !list.ReadASN1(&ext, der.SEQUENCE) || !ext.ReadASN1ObjectIdentifier(&id) ||
			ext.PeekASN1Tag(der.BOOLEAN) && !ext.ReadASN1Boolean(&critical) ||
			!ext.ReadASN1(&value, der.OCTET_STRING) || !ext.Empty() {
			return malformed("a certificate's extension")
		}
		if seen[id.String()] {
			return fmt.Errorf("a certificate has extension %s twice", id)
		}
		seen[id.String()] = true
		switch {
		case id.Equal(oidExtKeyUsage):
			var uses cryptobyte.String
			var use asn1.ObjectIdentifier
			if !value.ReadASN1(&uses, der.SEQUENCE) || !value.Empty() || !uses.ReadASN1ObjectIdentifier(&use) {
				return malformed("an extended key usage")
			}
			c.stampsOnly = critical && uses.Empty() && use.Equal(oidTimeStamping)
		case id.Equal(oidBasicConstraints):
			var in cryptobyte.String
			if !value.ReadASN1(&in, der.SEQUENCE) || !value.Empty() ||
				in.PeekASN1Tag(der.BOOLEAN) && !in.ReadASN1Boolean(&c.ca) ||
				in.PeekASN1Tag(der.INTEGER) && (!in.ReadASN1Integer(&c.maxPath) || c.maxPath < 0) || !in.Empty() {
				return malformed("basic constraints")
			}
		case id.Equal(oidKeyUsage):
			var bits asn1.BitString
			if !value.ReadASN1BitString(&bits) || !value.Empty() {
				return malformed("a key usage")
			}
			c.maySign = bits.At(0) == 1 || bits.At(1) == 1
			c.maySignCertificates = bits.At(5) == 1
		case critical && c.unknownCritical == nil:
			c.unknownCritical = id
		}
	}
	return nil
}

// readTime reads a UTCTime or GeneralizedTime of RFC 5280: to the second, in Z.
func readTime(s *cryptobyte.String) (t time.Time, err error) {
	ok := false
	if s.PeekASN1Tag(der.UTCTime) {
		ok = s.ReadASN1UTCTime(&t)
	} else {
		ok = s.ReadASN1GeneralizedTime(&t)
	}
	if !ok || t.Location() != time.UTC {
		return t, malformed("a time")
	}
	return t, nil
}

// name is the subject's common name, for people; without one, the serial.
func (c *certificate) name() string {
	s := cryptobyte.String(c.subject)
	var names, set, pair, value cryptobyte.String
	for s.ReadASN1(&names, der.SEQUENCE); !names.Empty(); {
		var id asn1.ObjectIdentifier
		var tag der.Tag
		if !names.ReadASN1(&set, der.SET) || !set.ReadASN1(&pair, der.SEQUENCE) ||
			!pair.ReadASN1ObjectIdentifier(&id) || !pair.ReadAnyASN1(&value, &tag) {
			break
		}
		if id.Equal(oidCommonName) && len(value) <= 128 {
			return fmt.Sprintf("%q", string(value))
		}
	}
	return fmt.Sprintf("certificate %x", c.serial)
}

// valid reports whether t lies in the certificate's validity, bounds included.
func (c *certificate) valid(t time.Time) bool { return !t.Before(c.from) && !t.After(c.to) }

// AppendPEM appends the certificates of a PEM file, for Trust.
func AppendPEM(to [][]byte, file []byte) ([][]byte, error) {
	n := len(to)
	for {
		block, rest := pem.Decode(file)
		if block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			if _, err := parseCertificate(block.Bytes); err != nil {
				return to, err
			}
			to = append(to, block.Bytes)
		}
		file = rest
	}
	if len(to) == n {
		return to, errors.New("the file holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")
	}
	return to, nil
}

// maxIssuers bounds a path, and with it the signatures that are checked.
const maxIssuers = 4

// findPath returns the pinned certificate that leaf leads to at a time: leaf
// itself, its issuer, or the issuer of its issuer, and so on. others are
// certificates that came with the token; nobody needs to trust them.
func findPath(leaf *certificate, others, pinned []*certificate, at time.Time) (*certificate, error) {
	why := errors.New("none of the pinned certificates is its own or its issuer's")
	c := leaf
	for depth := range maxIssuers + 1 {
		if !c.valid(at) {
			return nil, fmt.Errorf("%s was not valid at %s", c.name(), at.Format(time.RFC3339))
		}
		for _, p := range pinned {
			if bytes.Equal(p.raw, c.raw) {
				return p, nil
			}
		}
		if c.unknownCritical != nil {
			return nil, fmt.Errorf("%s has the critical extension %s, which this program does not know",
				c.name(), c.unknownCritical)
		}
		var up *certificate
		for i, p := range append(pinned[:len(pinned):len(pinned)], others...) {
			if !bytes.Equal(p.subject, c.issuer) {
				continue
			}
			if err := p.mayIssue(depth); err != nil {
				why = err
				continue
			}
			if err := p.key.verify(c.alg, 0, c.signedBody, c.signature); err != nil {
				why = fmt.Errorf("%s did not sign %s: %w", p.name(), c.name(), err)
				continue
			}
			if i < len(pinned) {
				if !p.valid(at) {
					return nil, fmt.Errorf("%s was not valid at %s", p.name(), at.Format(time.RFC3339))
				}
				return p, nil
			}
			up = p
			break
		}
		if up == nil || bytes.Equal(up.raw, c.raw) {
			return nil, why
		}
		c = up
	}
	return nil, fmt.Errorf("more than %d certificates lie between it and one that is pinned", maxIssuers)
}

// mayIssue checks that a certificate may have issued another, with that many
// issuers below it.
func (c *certificate) mayIssue(below int) error {
	switch {
	case !c.ca || !c.maySignCertificates:
		return fmt.Errorf("%s may not issue certificates", c.name())
	case c.maxPath >= 0 && below > c.maxPath:
		return fmt.Errorf("%s may not issue a path of %d issuers", c.name(), below)
	}
	return nil
}
