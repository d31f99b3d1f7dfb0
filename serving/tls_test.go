// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/serving/auth"
)

// authority is a certificate authority of one test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	age  time.Duration // of what is issued, which is good for two hours
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, pool: x509.NewCertPool()}
	a.cert, a.key = a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "ca"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) issue(c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour-a.age),
		time.Now().Add(time.Hour-a.age)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return out, key
}

// files writes a certificate and its key as PEM.
func (a *authority) files(dir, name string) (cert, key string) {
	a.t.Helper()
	c, k := a.issue(&x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}})
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: c.Raw},
		key: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return cert, key
}

// pair is a certificate and its key to use.
func (a *authority) pair(name string) []tls.Certificate {
	a.t.Helper()
	p, err := tls.LoadX509KeyPair(a.files(a.t.TempDir(), name))
	if err != nil {
		a.t.Fatal(err)
	}
	return []tls.Certificate{p}
}

// text is the authority's own certificate as PEM.
func (a *authority) text() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// trusted writes the authority's certificate to a file.
func (a *authority) trusted(file string) {
	a.t.Helper()
	if err := os.WriteFile(file, a.text(), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// TestTLS: a client certificate is a credential, one of another authority is not
// accepted, and a renewed server certificate is used without a restart.
func TestTLS(t *testing.T) {
	if testing.Short() {
		t.Skip("takes over a second")
	}
	ca, other, dir := newAuthority(t), newAuthority(t), t.TempDir()
	caFile := filepath.Join(dir, "ca.pem")
	ca.trusted(caFile)
	cert, key := ca.files(dir, "server")
	cfg, err := ReloadingTLS(cert, key, caFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, t.TempDir(),
		Config{TLS: cfg,
			Auth: auth.Config{
				Certificates: []auth.Certificate{{Name: "platform", Subject: "client", Roles: []string{"score"}}}}})
	score := func(id string, certs []tls.Certificate) error {
		c := n.dial(assayclient.Config{Attempts: 1, LogKey: n.journal.Key(),
			TLS: &tls.Config{RootCAs: ca.pool, ServerName: "server", Certificates: certs}})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.Score(ctx, id, application(id, 10, 600))
		return err
	}
	if err := score("good", ca.pair("client")); err != nil {
		t.Errorf("a configured certificate: %v", err)
	}
	if err := score("unknown", ca.pair("eve")); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a subject that is not configured: %v", err)
	}
	if err := score("none", nil); status.Code(err) != codes.Unauthenticated {
		t.Errorf("no certificate: %v", err)
	}
	if err := score("foreign", other.pair("client")); err == nil {
		t.Error("a certificate of another authority was let in")
	}
	served := func() string {
		raw, err := n.conn.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		c := tls.Client(raw, &tls.Config{RootCAs: ca.pool, ServerName: "server", NextProtos: []string{"h2"}})
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
	}
	before := served()
	ca.files(dir, "server")
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(cert, later, later); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); served() == before; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the renewed certificate is not served")
		}
	}
	if err := os.WriteFile(cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(tlsCheckEvery + 100*time.Millisecond)
	served() // the one before stays in use
}

// TestCertificateAsGate: over real handshakes, a certificate whose subject is not
// configured comes with a good key. It is ignored while no subject is configured,
// and refused if one is.
func TestCertificateAsGate(t *testing.T) {
	for name, c := range map[string]struct {
		listed []auth.Certificate
		code   codes.Code
	}{
		"no subject listed": {nil, codes.OK},
		"another subject listed": {[]auth.Certificate{{Name: "platform", Subject: "client", Roles: []string{"score"}}},
			codes.Unauthenticated},
	} {
		t.Run(name, func(t *testing.T) {
			ca, dir := newAuthority(t), t.TempDir()
			caFile := filepath.Join(dir, "ca.pem")
			ca.trusted(caFile)
			cert, key := ca.files(dir, "server")
			cfg, err := ReloadingTLS(cert, key, caFile, nil)
			if err != nil {
				t.Fatal(err)
			}
			who := keys("ann:score")
			who.Certificates = c.listed
			n := start(t, t.TempDir(), Config{TLS: cfg, Auth: who})
			for key, want := range map[string]codes.Code{"ann-key": c.code, "eve-key": codes.Unauthenticated,
				"": codes.Unauthenticated} {
				client := n.dial(assayclient.Config{APIKey: key, Attempts: 1, LogKey: n.journal.Key(),
					TLS: &tls.Config{RootCAs: ca.pool, ServerName: "server", Certificates: ca.pair("mesh")}})
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				_, err := client.Score(ctx, "r", application("r", 10, 600))
				cancel()
				if status.Code(err) != want {
					t.Errorf("with the key %q: %v, want %v", key, err, want)
				}
			}
		})
	}
}

// TestMalformedFrames: bytes that are not HTTP/2 close their connection alone.
func TestMalformedFrames(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir(), Config{})
	preface := "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	for _, s := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00\x01\x02",
		preface + "\xff\xff\xff\x00\x00\x00\x00\x00\x00", preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" +
			"\x00\x00\x04\x01\x04\x00\x00\x00\x01\xff\xff\xff\xff",
		preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x05\x00\x01\x00\x00\x00\x01\x00\xff\xff\xff\xff"} {
		c, err := n.conn.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(2 * time.Second))
		_, _ = c.Write([]byte(s))
		_, _ = c.Read(make([]byte, 64))
		c.Close()
	}
	if _, err := n.client.Score(t.Context(), "after", application("e", 10, 600)); err != nil {
		t.Errorf("after malformed connections: %v", err)
	}
}
