// SPDX-License-Identifier: Apache-2.0

// Package timestamptest is a time-stamping authority for tests: real keys, real
// certificates, real tokens, and a setting for each thing that can be wrong.
package timestamptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // the certificate's name in RFC 2634's attribute
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"
)

// Kind is a kind of key and signature.
type Kind string

// The kinds.
const (
	RSA    Kind = "RSA, PKCS #1 v1.5"
	RSAPSS Kind = "RSA, PSS"
	P256   Kind = "ECDSA, P-256"
	P384   Kind = "ECDSA, P-384"
)

// Kinds are all of them.
var Kinds = []Kind{RSA, RSAPSS, P256, P384}

// Authority is a CA and a time-stamping unit below it. The fields after the
// keys may be changed before a token is made.
type Authority struct {
	Kind  Kind
	CA    []byte // certificate, DER
	Leaf  []byte // certificate, DER
	caKey crypto.Signer
	key   crypto.Signer

	Now           func() time.Time
	Policy        asn1.ObjectIdentifier
	OldCertID     bool                // name the certificate by ESSCertID (SHA-1) instead of ESSCertIDv2
	OmitIssuer    bool                // send no issuer along
	GenTime       string              // instead of the time of Now
	WrongNonce    bool                // answer another request
	NamedLeaf     []byte              // certificate that the token names instead of Leaf
	SentLeaf      []byte              // sent along in place of Leaf
	SignedContent func([]byte) []byte // the signed digest is of what this makes of the TSTInfo
	mu            sync.Mutex
	Requests      int // served over HTTP
}

// Options of a new authority.
type Options struct {
	Kind     Kind
	Template func(*x509.Certificate) // changes the unit's certificate before it is signed
	From, To time.Time               // validity; zero: around now
	Issuer   *Authority              // its CA issued the certificate of this one's CA; nil: self-signed
}

// New makes keys and certificates.
func New(o Options) (*Authority, error) {
	if o.Kind == "" {
		o.Kind = P256
	}
	if o.From.IsZero() {
		o.From, o.To = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	}
	a := &Authority{Kind: o.Kind, Now: time.Now, Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}}
	var err error
	if a.caKey, err = newKey(o.Kind); err != nil {
		return nil, err
	}
	if a.key, err = newKey(o.Kind); err != nil {
		return nil, err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"}, NotBefore: o.From, NotAfter: o.To,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, SignatureAlgorithm: o.Kind.x509(),
	}
	above, aboveKey := ca, a.caKey
	if o.Issuer != nil {
		ca.Subject.CommonName = "Test Issuer"
		if above, err = x509.ParseCertificate(o.Issuer.CA); err != nil {
			return nil, err
		}
		aboveKey = o.Issuer.caKey
	}
	if a.CA, err = x509.CreateCertificate(rand.Reader, ca, above, a.caKey.Public(), aboveKey); err != nil {
		return nil, err
	}
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		return nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(77), Subject: pkix.Name{CommonName: "Test Time Stamps"},
		NotBefore: o.From, NotAfter: o.To,
		KeyUsage: x509.KeyUsageDigitalSignature, SignatureAlgorithm: o.Kind.x509(),
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage}},
	}
	if o.Template != nil {
		o.Template(leaf)
	}
	a.Leaf, err = x509.CreateCertificate(rand.Reader, leaf, ca, a.key.Public(), a.caKey)
	return a, err
}

func newKey(k Kind) (crypto.Signer, error) {
	switch k {
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case RSA, RSAPSS:
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return nil, errors.New("unknown kind of key " + string(k))
}

func (k Kind) x509() x509.SignatureAlgorithm {
	return map[Kind]x509.SignatureAlgorithm{RSA: x509.SHA256WithRSA, RSAPSS: x509.SHA256WithRSAPSS,
		P256: x509.ECDSAWithSHA256, P384: x509.ECDSAWithSHA256}[k]
}

// ServeHTTP answers an application/timestamp-query (RFC 3161, section 3.4).
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Requests++
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/timestamp-query" {
		http.Error(w, "want a POST of a time-stamp query", http.StatusBadRequest)
		return
	}
	answer, err := a.Respond(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(answer)
}

// Respond answers a TimeStampReq with a TimeStampResp.
func (a *Authority) Respond(request []byte) ([]byte, error) {
	s := cryptobyte.String(request)
	var in, imprint cryptobyte.String
	var version int
	nonce, cert := new(big.Int), false
	if !s.ReadASN1(&in, der.SEQUENCE) || !s.Empty() || !in.ReadASN1Integer(&version) || version != 1 ||
		!in.ReadASN1Element(&imprint, der.SEQUENCE) || !in.ReadASN1Integer(nonce) ||
		!in.ReadASN1Boolean(&cert) || !cert || !in.Empty() {
		return nil, errors.New("not a TimeStampReq with nonce and certReq")
	}
	if a.WrongNonce {
		nonce.Add(nonce, big.NewInt(1))
	}
	t, err := a.token(imprint, nonce)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(0) })
		b.AddBytes(t)
	})
	return b.Bytes()
}

// Token stamps a message.
func (a *Authority) Token(message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	var b cryptobyte.Builder
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		digest(b)
		b.AddASN1OctetString(sum[:])
	})
	imprint, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	return a.token(imprint, nil)
}

func oid(b *cryptobyte.Builder, n ...int) { b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier(n)) }

func digest(b *cryptobyte.Builder) {
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) { oid(b, 2, 16, 840, 1, 101, 3, 4, 2, 1); b.AddASN1NULL() })
}

func (a *Authority) info(imprint []byte, nonce *big.Int) ([]byte, error) {
	at := a.GenTime
	if at == "" {
		at = a.Now().UTC().Format("20060102150405.999Z")
	}
	var b cryptobyte.Builder
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1ObjectIdentifier(a.Policy)
		b.AddBytes(imprint)
		b.AddASN1Int64(1 << 40)
		b.AddASN1(der.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(at)) })
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(1)
			b.AddASN1Int64WithTag(500, der.Tag(0).ContextSpecific())
		})
		if nonce != nil {
			b.AddASN1BigInt(nonce)
		}
	})
	return b.Bytes()
}

// token is ContentInfo with SignedData.
func (a *Authority) token(imprint []byte, nonce *big.Int) ([]byte, error) {
	info, err := a.info(imprint, nonce)
	if err != nil {
		return nil, err
	}
	named := a.Leaf
	if a.NamedLeaf != nil {
		named = a.NamedLeaf
	}
	attributes := a.attributes(info, named)
	signature, algorithm, err := a.sign(attributes)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(named)
	if err != nil {
		return nil, err
	}
	certs := a.Leaf
	if a.SentLeaf != nil {
		certs = a.SentLeaf
	}
	var b cryptobyte.Builder
	b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		oid(b, 1, 2, 840, 113549, 1, 7, 2)
		b.AddASN1(der.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(3)
				b.AddASN1(der.SET, digest)
				b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
					oid(b, 1, 2, 840, 113549, 1, 9, 16, 1, 4)
					b.AddASN1(der.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
						b.AddASN1OctetString(info)
					})
				})
				b.AddASN1(der.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
					b.AddBytes(certs)
					if !a.OmitIssuer {
						b.AddBytes(a.CA)
					}
				})
				b.AddASN1(der.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1Int64(1)
						b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddBytes(cert.RawIssuer)
							b.AddASN1BigInt(cert.SerialNumber)
						})
						digest(b)
						b.AddASN1(der.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
							b.AddBytes(attributes)
						})
						b.AddBytes(algorithm)
						b.AddASN1OctetString(signature)
					})
				})
			})
		})
	})
	return b.Bytes()
}

// attributes are the signed ones, in DER's order of a set.
func (a *Authority) attributes(info, cert []byte) []byte {
	if a.SignedContent != nil {
		info = a.SignedContent(info)
	}
	sum := sha256.Sum256(info)
	var b cryptobyte.Builder
	attribute := func(id []int, value func(*cryptobyte.Builder)) {
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) { oid(b, id...); b.AddASN1(der.SET, value) })
	}
	attribute([]int{1, 2, 840, 113549, 1, 9, 3}, func(b *cryptobyte.Builder) {
		oid(b, 1, 2, 840, 113549, 1, 9, 16, 1, 4)
	})
	id, hash := []int{1, 2, 840, 113549, 1, 9, 16, 2, 47}, sha256.Sum256(cert)
	name := hash[:]
	if a.OldCertID {
		old := sha1.Sum(cert)
		id[8], name = 12, old[:]
	}
	ess := func() {
		attribute(id, func(b *cryptobyte.Builder) {
			b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(name) })
				})
			})
		})
	}
	attribute([]int{1, 2, 840, 113549, 1, 9, 4}, func(b *cryptobyte.Builder) { b.AddASN1OctetString(sum[:]) })
	ess()
	return b.BytesOrPanic()
}

func (a *Authority) sign(attributes []byte) (signature, algorithm []byte, err error) {
	var set, alg cryptobyte.Builder
	set.AddASN1(der.SET, func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	sum := sha256.Sum256(set.BytesOrPanic())
	var opts crypto.SignerOpts = crypto.SHA256
	alg.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) {
		switch a.Kind {
		case P256, P384:
			oid(b, 1, 2, 840, 10045, 4, 3, 2)
		case RSA:
			oid(b, 1, 2, 840, 113549, 1, 1, 11)
			b.AddASN1NULL()
		case RSAPSS:
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
			oid(b, 1, 2, 840, 113549, 1, 1, 10)
			b.AddASN1(der.SEQUENCE, pssParameters)
		}
	})
	signature, err = a.key.Sign(rand.Reader, sum[:], opts)
	return signature, alg.BytesOrPanic(), err
}

func pssParameters(b *cryptobyte.Builder) {
	in := func(n uint8, fn func(*cryptobyte.Builder)) { b.AddASN1(der.Tag(n).ContextSpecific().Constructed(), fn) }
	in(0, digest)
	in(1, func(b *cryptobyte.Builder) {
		b.AddASN1(der.SEQUENCE, func(b *cryptobyte.Builder) { oid(b, 1, 2, 840, 113549, 1, 1, 8); digest(b) })
	})
	in(2, func(b *cryptobyte.Builder) { b.AddASN1Int64(32) })
}
