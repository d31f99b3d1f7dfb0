// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/ledger/timestamp/timestamptest"
)

var message = []byte("log.example/decisions\n700\nFSsh4ERaAvFsOKNbYbUb5j0u4B5RpGx0eQnRnwJ8Uqk=\n\n— " +
	"log.example/decisions Az3g\n")

func authority(t testing.TB, o timestamptest.Options) *timestamptest.Authority {
	t.Helper()
	a, err := timestamptest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func stamp(t testing.TB, a *timestamptest.Authority) []byte {
	t.Helper()
	b, err := a.Token(message)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func failed(r Result) Check {
	if n := len(r.Findings); n > 0 && !r.Findings[n-1].OK {
		return r.Findings[n-1].Check
	}
	return ""
}

// TestVerify accepts tokens of each kind of key, with and without the issuer's
// certificate, with the issuer or the authority itself pinned, and with both
// digests that name the certificate.
func TestVerify(t *testing.T) {
	t.Parallel()
	for _, kind := range timestamptest.Kinds {
		a := authority(t, timestamptest.Options{Kind: kind})
		for _, old := range []bool{false, true} {
			for _, alone := range []bool{false, true} {
				a.OldCertID, a.OmitIssuer = old, alone
				b := stamp(t, a)
				for _, tt := range []struct {
					name  string
					trust Trust
					level Level
				}{
					{"issuer pinned", Trust{Certificates: [][]byte{a.CA}}, Stamped},
					{"authority pinned",
						Trust{Certificates: [][]byte{a.Leaf}, Policies: []string{"1.2", a.Policy.String()}}, Stamped},
					{"nobody pinned", Trust{}, Unknown},
				} {
					r := Verify(b, message, time.Now().Add(-time.Second), tt.trust)
					if r.Level != tt.level {
						t.Errorf("%s, old %v, alone %v, %s: %s", kind, old, alone, tt.name, r.Summary())
					}
					if d := time.Since(r.Time); d < -time.Second || d > time.Minute ||
						r.Accuracy != 1500*time.Millisecond || r.Authority != `"Test Time Stamps"` {
						t.Errorf("%s: %+v", kind, r)
					}
				}
			}
		}
		t.Logf("%s: a token of %d bytes", kind, len(stamp(t, a)))
	}
}

// TestRefused gives each check a reason to fail: that check, and no other, must
// refuse the token.
func TestRefused(t *testing.T) {
	t.Parallel()
	honest := authority(t, timestamptest.Options{})
	twin := authority(t, timestamptest.Options{}) // the same names, other keys
	usages := func(critical bool, ids ...asn1.ObjectIdentifier) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			v, err := asn1.Marshal(ids)
			if err != nil {
				t.Fatal(err)
			}
			c.ExtraExtensions = []pkix.Extension{{Id: oidExtKeyUsage, Critical: critical, Value: v}}
		}
	}
	long := time.Now().Add(-1000 * time.Hour)
	tests := []struct {
		name  string
		opts  timestamptest.Options
		edit  func(a *timestamptest.Authority)
		trust func(a *timestamptest.Authority) Trust // nil: the issuer
		of    []byte                                 // nil: message
		from  time.Time
		want  Check
	}{
		{name: "another checkpoint", of: []byte("another"), want: CheckImprint},
		{name: "another authority of the same name", trust: func(*timestamptest.Authority) Trust {
			return Trust{Certificates: [][]byte{twin.CA}}
		}, want: CheckAuthority},
		{name: "another policy", trust: func(a *timestamptest.Authority) Trust {
			return Trust{Certificates: [][]byte{a.CA}, Policies: []string{"1.2.3"}}
		}, want: CheckPolicy},
		{name: "before the record", from: time.Now().Add(time.Hour), want: CheckTime},
		{name: "the 30th of February", edit: func(a *timestamptest.Authority) {
			a.GenTime = "20260230120000Z"
		}, want: CheckFormat},
		{name: "no seconds", edit: func(a *timestamptest.Authority) { a.GenTime = "202602281200Z" }, want: CheckFormat},
		{name: "a local time", edit: func(a *timestamptest.Authority) {
			a.GenTime = "20260228120000+0100"
		}, want: CheckFormat},
		{name: "zeros at the end of the fraction", edit: func(a *timestamptest.Authority) {
			a.GenTime = "20260228120000.50Z"
		}, want: CheckFormat},
		{name: "a comma in the fraction", edit: func(a *timestamptest.Authority) {
			a.GenTime = "20260228120000,5Z"
		}, want: CheckFormat},
		{name: "words for a time", edit: func(a *timestamptest.Authority) {
			a.GenTime = "tomorrow"
		}, want: CheckFormat},
		{name: "the year 9999", edit: func(a *timestamptest.Authority) {
			a.GenTime = "99991231235959Z"
		}, want: CheckUsage},
		{name: "the year 1970", edit: func(a *timestamptest.Authority) {
			a.GenTime = "19700101000000Z"
		}, want: CheckUsage},
		{name: "certificate run out", opts: timestamptest.Options{From: long, To: long.Add(time.Hour)},
			want: CheckUsage},
		{name: "usage not critical", opts: timestamptest.Options{Template: usages(false, oidTimeStamping)},
			want: CheckUsage},
		{name: "two usages",
			opts: timestamptest.Options{Template: usages(true, oidTimeStamping,
				asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 3})}, want: CheckUsage},
		{name: "another usage",
			opts: timestamptest.Options{Template: usages(true, asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1})},
			want: CheckUsage},
		{name: "no usage", opts: timestamptest.Options{Template: func(c *x509.Certificate) {
			c.ExtraExtensions = nil
		}}, want: CheckUsage},
		{name: "a key that may not sign", opts: timestamptest.Options{Template: func(c *x509.Certificate) {
			c.KeyUsage = x509.KeyUsageKeyEncipherment
		}}, want: CheckUsage},
		{name: "an unknown critical extension", opts: timestamptest.Options{Template: func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions,
				pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}})
		}}, want: CheckAuthority},
		{name: "content exchanged under the signature", edit: func(a *timestamptest.Authority) {
			a.SignedContent = func(b []byte) []byte { return append(bytes.Clone(b), 0) }
		}, want: CheckSigner},
		{name: "the certificate of somebody else named", edit: func(a *timestamptest.Authority) {
			a.NamedLeaf, a.SentLeaf = honest.Leaf, honest.Leaf
		}, want: CheckSignature},
		{name: "the certificate exchanged", edit: func(a *timestamptest.Authority) {
			a.SentLeaf = honest.Leaf
		}, want: CheckSigner},
		{name: "an issuer that is none", trust: func(a *timestamptest.Authority) Trust {
			return Trust{Certificates: [][]byte{honest.Leaf}}
		}, want: CheckAuthority},
		{name: "a pinned certificate that is none", trust: func(a *timestamptest.Authority) Trust {
			return Trust{Certificates: [][]byte{{1, 2}}}
		}, want: CheckSigner},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := authority(t, tt.opts)
			if tt.edit != nil {
				tt.edit(a)
			}
			b := stamp(t, a)
			trust := Trust{Certificates: [][]byte{a.CA}}
			if tt.trust != nil {
				trust = tt.trust(a)
			}
			of := message
			if tt.of != nil {
				of = tt.of
			}
			r := Verify(b, of, tt.from, trust)
			if r.Level != Unproven || failed(r) != tt.want {
				t.Errorf("level %q, failed check %q, want %q: %+v", r.Level, failed(r), tt.want, r.Findings)
			}
			t.Logf("| time stamp | %s | 1 | 1 | 0 | verify: timestamp/%s 1 |", tt.name, tt.want)
		})
	}
}

// TestEveryBit flips each bit of a token, and cuts it short at each byte: all
// are refused.
func TestEveryBit(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, kind := range []timestamptest.Kind{timestamptest.P256, timestamptest.RSA} {
		a := authority(t, timestamptest.Options{Kind: kind})
		a.OmitIssuer = true
		b := stamp(t, a)
		trust := Trust{Certificates: [][]byte{a.CA}}
		if r := Verify(b, message, time.Time{}, trust); r.Level != Stamped {
			t.Fatal(r.Summary())
		}
		by := map[Check]int{}
		for i := range 8 * len(b) {
			b[i/8] ^= 1 << (i % 8)
			r := Verify(b, message, time.Time{}, trust)
			if r.Level != Unproven {
				t.Errorf("%s: bit %d of byte %d of %d: %s", kind, i%8, i/8, len(b), r.Summary())
			}
			by[failed(r)]++
			b[i/8] ^= 1 << (i % 8)
		}
		for n := range b {
			if r := Verify(b[:n], message, time.Time{}, trust); failed(r) != CheckFormat {
				t.Errorf("cut to %d bytes: %s", n, r.Summary())
			}
		}
		if r := Verify(append(bytes.Clone(b), 0), message, time.Time{}, trust); failed(r) != CheckFormat {
			t.Errorf("a byte after it: %s", r.Summary())
		}
		for c, n := range by {
			t.Logf("| time stamp | bit flipped | %d | %d | 0 | verify: timestamp/%s %d |", n, n, c, n)
		}
	}
}

// TestResponse reads answers to requests, and refuses answers to other requests.
func TestResponse(t *testing.T) {
	t.Parallel()
	a := authority(t, timestamptest.Options{})
	nonce := []byte{0x80, 2, 3}
	answer, err := a.Respond(Request(message, nonce))
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseResponse(answer, message, nonce)
	if err != nil {
		t.Fatal(err)
	}
	if r := Verify(b, message, time.Time{}, Trust{Certificates: [][]byte{a.CA}}); r.Level != Stamped {
		t.Error(r.Summary())
	}
	a.WrongNonce = true
	other, err := a.Respond(Request(message, nonce))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		answer, message []byte
		says            string
	}{
		"another nonce":  {other, message, "nonce"},
		"another digest": {answer, []byte("x"), "other bytes"},
		"refused":        {[]byte{0x30, 5, 0x30, 3, 2, 1, 2}, message, "status 2"},
		"not DER":        {[]byte("<html>"), message, "TimeStampResp"},
		"empty":          {nil, message, "TimeStampResp"},
		"too long":       {make([]byte, MaxResponseBytes+1), message, fmt.Sprint(MaxResponseBytes)},
		"no token":       {[]byte{0x30, 5, 0x30, 3, 2, 1, 0}, message, "TimeStampResp"},
	} {
		if _, err := ParseResponse(tt.answer, tt.message, nonce); err == nil ||
			!strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want it to say %q", name, err, tt.says)
		}
	}
}

// FuzzVerify: only the honest token is ever stamped, and any other input gives a
// finding.
func FuzzVerify(f *testing.F) {
	a := authority(f, timestamptest.Options{})
	a.OmitIssuer = true
	honest := stamp(f, a)
	f.Add(honest)
	for _, kind := range timestamptest.Kinds {
		f.Add(stamp(f, authority(f, timestamptest.Options{Kind: kind})))
	}
	trust := Trust{Certificates: [][]byte{a.CA}}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Verify(b, message, time.Time{}, trust)
		if r.Level == Stamped && !bytes.Equal(b, honest) {
			t.Errorf("%x is stamped", b)
		}
		if len(r.Findings) == 0 {
			t.Error("no finding")
		}
		_, _ = ParseResponse(b, message, []byte{1})
		_, _ = parseCertificate(b)
	})
}
