// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // names certificates in RFC 2634's attribute, and nothing else
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// Trust is what the verifier of a token knows from elsewhere.
type Trust struct {
	// Certificates are DER (base64 in JSON): of authorities, or of the issuers of
	// theirs. Without any, a token that agrees with itself is Unknown.
	Certificates [][]byte `json:"certificates,omitempty"`
	// Policies are object identifiers, such as "1.3.6.1.4.1.13762.3"; without
	// any, every policy is accepted.
	Policies []string `json:"policies,omitempty"`
}

// Check names one check of Verify.
type Check string

// The checks, in the order in which they are made.
const (
	CheckFormat    Check = "format"    // the token can be read
	CheckImprint   Check = "imprint"   // it is of these bytes
	CheckPolicy    Check = "policy"    // its policy is a trusted one
	CheckTime      Check = "time"      // its time is possible
	CheckSigner    Check = "signer"    // the certificate that it names and the signed attributes bind
	CheckUsage     Check = "usage"     // that certificate is for time stamps alone
	CheckSignature Check = "signature" // the certificate's key signed it
	CheckAuthority Check = "authority" // the certificate is pinned, or leads to one that is
)

// Finding is the outcome of one check, in a sentence for people.
type Finding struct {
	Check Check  `json:"check"`
	OK    bool   `json:"ok"`
	Text  string `json:"text"`
}

// Level says who vouches for the time.
type Level string

// The levels.
const (
	Unproven Level = "unproven" // a check failed
	Unknown  Level = "unknown"  // the token agrees with itself; no authority was pinned
	Stamped  Level = "stamped"  // a pinned authority signed it
)

// Result is what Verify found.
type Result struct {
	Level     Level
	Findings  []Finding // in order; the last one is the failure, if there is one
	Time      time.Time
	Accuracy  time.Duration
	Authority string // the signing certificate's common name, quoted
	Pinned    string // the pinned certificate's
}

// Summary is one line.
func (r *Result) Summary() string {
	switch r.Level {
	case Stamped:
		return fmt.Sprintf("stamped at %s (±%v) by %s", r.Time.Format(time.RFC3339Nano), r.Accuracy, r.Authority)
	case Unknown:
		return fmt.Sprintf("stamped at %s by %s, whom nobody here trusts", r.Time.Format(time.RFC3339Nano), r.Authority)
	}
	return "no time stamp: " + r.Findings[len(r.Findings)-1].Text
}

// Allowance is how far the clocks of the log and the authority may differ.
const Allowance = 5 * time.Minute

// Verify checks that a token stamps message. notBefore is a time before which
// message cannot have been made, such as that of a record below the checkpoint;
// zero if none is known. It stops at the first check that fails.
func Verify(raw, message []byte, notBefore time.Time, trust Trust) Result {
	v := verifier{result: Result{Level: Unproven}, trust: trust}
	t, err := parseToken(raw)
	if !v.record(CheckFormat, err, "the token is well-formed") {
		return v.result
	}
	v.token = t
	v.result.Time, v.result.Accuracy = t.info.time, t.info.accuracy
	_ = v.record(CheckImprint, t.info.checkImprint(message), "it is of this checkpoint") &&
		v.record(CheckPolicy, v.checkPolicy(), "policy "+t.info.policy.String()) &&
		v.record(CheckTime, v.checkTime(notBefore), t.info.time.Format(time.RFC3339Nano)) &&
		v.record(CheckSigner, v.checkSigner(), "the signed attributes bind the content and the certificate") &&
		v.record(CheckUsage, v.checkUsage(), "the certificate is for time stamps alone") &&
		v.record(CheckSignature, v.leaf.key.verify(t.algorithm, t.digest, t.signedBytes(), t.signature),
			"the certificate's key signed it") &&
		v.checkAuthority()
	return v.result
}

type verifier struct {
	token  *token
	trust  Trust
	leaf   *certificate
	result Result
}

func (v *verifier) record(c Check, err error, passed string) bool {
	if err != nil {
		passed = err.Error()
	}
	v.result.Findings = append(v.result.Findings, Finding{Check: c, OK: err == nil, Text: passed})
	return err == nil
}

func (i *info) checkImprint(message []byte) error {
	h := i.digest.New()
	h.Write(message)
	if !bytes.Equal(h.Sum(nil), i.imprint) {
		return errors.New("the token is of other bytes than this checkpoint")
	}
	return nil
}

func (v *verifier) checkPolicy() error {
	p := v.token.info.policy.String()
	if len(v.trust.Policies) > 0 && !slices.Contains(v.trust.Policies, p) {
		return fmt.Errorf("policy %s is none of the %d that are trusted", p, len(v.trust.Policies))
	}
	return nil
}

func (v *verifier) checkTime(notBefore time.Time) error {
	i := &v.token.info
	if !notBefore.IsZero() && i.time.Add(i.accuracy+Allowance).Before(notBefore) {
		return fmt.Errorf("stamped at %s, before what it covers was made (%s)", i.time.Format(time.RFC3339),
			notBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// checkSigner finds the certificate that signed, and checks what binds it and the
// content to the signature (RFC 3161, section 2.4.2; RFC 5035; RFC 5652,
// section 5.4).
func (v *verifier) checkSigner() error {
	t := v.token
	kind, err := t.attribute(oidContentType)
	if err != nil {
		return err
	}
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier(oidTSTInfo)
	if !bytes.Equal(kind, b.BytesOrPanic()) {
		return errors.New("the signed content type is not TSTInfo")
	}
	sum, err := t.attribute(oidMessageDigest)
	if err != nil {
		return err
	}
	h := t.digest.New()
	h.Write(t.content)
	var have cryptobyte.String
	if !sum.ReadASN1(&have, der.OCTET_STRING) || !bytes.Equal(have, h.Sum(nil)) {
		return errors.New("the signed digest is not that of the content")
	}
	id, err := t.certificateID()
	if err != nil {
		return err
	}
	known, err := v.certificates()
	if err != nil {
		return err
	}
	for _, c := range known {
		if id.matches(c) {
			v.leaf, v.result.Authority = c, c.name()
			break
		}
	}
	switch {
	case v.leaf == nil:
		return errors.New("the certificate that the token names is neither in it nor pinned")
	case t.signer.keyID == nil && !t.signer.names(v.leaf):
		return errors.New("the signer's name and number are not those of the certificate that the signed attributes " +
			"name")
	}
	return nil
}

// certificates are those of the token and the pinned ones.
func (v *verifier) certificates() ([]*certificate, error) {
	pinned, err := v.pinned()
	return append(slices.Clone(v.token.certificates), pinned...), err
}

func (v *verifier) pinned() (out []*certificate, err error) {
	for i, b := range v.trust.Certificates {
		c, err := parseCertificate(b)
		if err != nil {
			return nil, fmt.Errorf("pinned certificate %d: %w", i, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// certID is an ESSCertID or ESSCertIDv2: the digest of a certificate.
type certID struct {
	sum  []byte
	hash func([]byte) []byte
}

func (id certID) matches(c *certificate) bool { return bytes.Equal(id.hash(c.raw), id.sum) }

// certificateID reads the attribute that names the signer's certificate.
func (t *token) certificateID() (id certID, err error) {
	value, err := t.attribute(oidSigningCertV2)
	if err != nil {
		return id, err
	}
	old := value == nil
	if old {
		if value, err = t.attribute(oidSigningCertificate); err != nil {
			return id, err
		}
		if value == nil {
			return id, errors.New("no signed attribute names the signer's certificate")
		}
	}
	var in, ids, one, sum cryptobyte.String
	if !value.ReadASN1(&in, der.SEQUENCE) || !in.ReadASN1(&ids, der.SEQUENCE) || !ids.ReadASN1(&one, der.SEQUENCE) {
		return id, malformed("the name of the signer's certificate")
	}
	id.hash = func(b []byte) []byte { s := sha256.Sum256(b); return s[:] }
	if old {
		id.hash = func(b []byte) []byte { s := sha1.Sum(b); return s[:] }
	} else if one.PeekASN1Tag(der.SEQUENCE) { // not the default, SHA-256
		h, err := readDigest(&one)
		if err != nil {
			return id, err
		}
		id.hash = func(b []byte) []byte { x := h.New(); x.Write(b); return x.Sum(nil) }
	}
	if !one.ReadASN1(&sum, der.OCTET_STRING) {
		return id, malformed("the name of the signer's certificate")
	}
	id.sum = sum
	return id, nil
}

// checkUsage checks that the signer's certificate may stamp (RFC 3161, section 2.3).
func (v *verifier) checkUsage() error {
	switch {
	case !v.leaf.stampsOnly:
		return fmt.Errorf("%s is not for time stamps alone: want the extended key usage timeStamping, critical, and "+
			"no other", v.leaf.name())
	case !v.leaf.maySign:
		return fmt.Errorf("%s may not sign", v.leaf.name())
	case !v.leaf.valid(v.token.info.time):
		return fmt.Errorf("%s was not valid at %s", v.leaf.name(), v.token.info.time.Format(time.RFC3339))
	}
	return nil
}

// checkAuthority looks for a path from the signer's certificate to a pinned one.
func (v *verifier) checkAuthority() bool {
	pinned, err := v.pinned()
	if err == nil && len(pinned) == 0 {
		v.result.Level = Unknown
		return true
	}
	var by *certificate
	if err == nil {
		by, err = findPath(v.leaf, v.token.certificates, pinned, v.token.info.time)
	}
	if err != nil {
		err = fmt.Errorf("the authority %s is not trusted: %w", v.result.Authority, err)
		return v.record(CheckAuthority, err, "")
	}
	v.result.Level, v.result.Pinned = Stamped, by.name()
	return v.record(CheckAuthority, nil, "by "+v.result.Authority+", pinned as "+v.result.Pinned)
}
