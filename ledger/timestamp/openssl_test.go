// SPDX-License-Identifier: Apache-2.0

package timestamp

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/assayrisk/assay/ledger/timestamp/timestamptest"
)

// openssl runs the second implementation; the test is skipped without it.
func openssl(t *testing.T, dir string, args ...string) error {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: the second implementation of RFC 3161 was not asked")
	}
	c := exec.CommandContext(t.Context(), path, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Logf("openssl %s: %s", args[0], out)
	}
	return err
}

func write(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestOpenSSLVerifies: openssl's verifier accepts and refuses the same tokens of
// our test authority.
func TestOpenSSLVerifies(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, kind := range timestamptest.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			dir := t.TempDir()
			a := authority(t, timestamptest.Options{Kind: kind})
			b := stamp(t, a)
			write(t, dir, "message", message)
			write(t, dir, "token", b)
			write(t, dir, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.CA}))
			verify := func(data, token string) bool {
				// "openssl ts" reads no PSS; "openssl cms" does, and does not check the message
				if kind == timestamptest.RSAPSS {
					return data != "other" && openssl(t, dir, "cms", "-verify", "-inform", "DER", "-in", token,
						"-CAfile", "ca.pem", "-purpose", "timestampsign", "-out", "info") == nil
				}
				return openssl(t, dir, "ts", "-verify", "-data", data, "-in", token, "-token_in",
					"-CAfile", "ca.pem") == nil
			}
			if !verify("message", "token") {
				t.Error("openssl refuses a token that this package takes")
			}
			write(t, dir, "other", []byte("other"))
			if verify("other", "token") {
				t.Error("openssl takes a token of another message")
			}
			flipped := bytes.Clone(b)
			flipped[len(b)-20] ^= 1 // the signature
			write(t, dir, "flipped", flipped)
			ours := Verify(flipped, message, time.Time{}, Trust{Certificates: [][]byte{a.CA}})
			if verify("message", "flipped") || failed(ours) != CheckSignature {
				t.Errorf("a changed signature: %s", ours.Summary())
			}
		})
	}
}

const opensslConfig = `[tsa]
default_tsa = one
[one]
serial = serial
crypto_device = builtin
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1, millisecs:500
ordering = no
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = %DIGEST%
signer_digest = sha256
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[unit]
basicConstraints = CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
`

// TestOpenSSLStamps has openssl answer our requests, with RSA and ECDSA keys
// and both names of the certificate, and verifies its tokens, here and in Python.
func TestOpenSSLStamps(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, tt := range []struct{ name, digest, alg, opt string }{
		{"RSA, ESSCertIDv2", "sha256", "RSA", "rsa_keygen_bits:2048"},
		{"RSA, ESSCertID", "sha1", "RSA", "rsa_keygen_bits:2048"},
		{"P-256", "sha256", "EC", "ec_paramgen_curve:P-256"},
		{"P-384, named by SHA-512", "sha512", "EC", "ec_paramgen_curve:P-384"},
		{"P-521", "sha384", "EC", "ec_paramgen_curve:P-521"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "conf", bytes.Replace([]byte(opensslConfig), []byte("%DIGEST%"), []byte(tt.digest), 1))
			nonce := []byte{1, 2, 3, 4, 5, 6, 7, 8}
			write(t, dir, "query", Request(message, nonce))
			for _, args := range [][]string{
				{"genpkey", "-algorithm", tt.alg, "-pkeyopt", tt.opt, "-out", "ca.key"},
				{"genpkey", "-algorithm", tt.alg, "-pkeyopt", tt.opt, "-out", "unit.key"},
				{"req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=Root", "-config", "conf", "-extensions", "ca",
					"-days", "2", "-out", "ca.pem"},
				{"req", "-new", "-key", "unit.key", "-subj", "/CN=Unit", "-config", "conf", "-out", "unit.csr"},
				{"x509", "-req", "-in", "unit.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "99", "-days",
					"2", "-extfile", "conf", "-extensions", "unit", "-out", "unit.pem"},
				{"ts", "-reply", "-config", "conf", "-queryfile", "query", "-signer", "unit.pem", "-inkey", "unit.key",
					"-chain", "ca.pem", "-out", "reply"},
			} {
				if err := openssl(t, dir, args...); err != nil {
					t.Fatal(err)
				}
			}
			b, err := ParseResponse(read(t, dir, "reply"), message, nonce)
			if err != nil {
				t.Fatal(err)
			}
			block, _ := pem.Decode(read(t, dir, "ca.pem"))
			trust := Trust{Certificates: [][]byte{block.Bytes}, Policies: []string{"1.2.3.4.1"}}
			if r := Verify(b, message, time.Now().Add(-time.Minute), trust); r.Level != Stamped ||
				r.Authority != `"Unit"` || r.Pinned != `"Root"` {
				t.Errorf("%s: %+v", r.Summary(), r.Findings)
			}
			if r := Verify(b, []byte("other"), time.Time{}, trust); failed(r) != CheckImprint {
				t.Error(r.Summary())
			}
			sameInPython(t, []judgedCase{{b, message, trust.Certificates, trust.Policies}, {b, message, nil, nil},
				{b, []byte("other"), trust.Certificates, nil}, {b, message, trust.Certificates, []string{"1.2.3"}}})
		})
	}
}
