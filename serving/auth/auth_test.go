// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/serving/auth/authtest"
)

func hashOf(key string) string {
	h := sha256.Sum256([]byte(key))
	return hex.EncodeToString(h[:])
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	is := authtest.NewIssuer(t)
	claims := func(more map[string]any) map[string]any {
		c := map[string]any{"iss": is.URL, "aud": "assay", "sub": "ann", "exp": time.Now().Add(time.Hour).Unix(),
			"roles": []string{"assay:score", "assay:nothing", "admin"}}
		for k, v := range more {
			c[k] = v
		}
		return c
	}
	a, err := New(Config{
		Keys:         []Key{{Name: "platform", SHA256: hashOf("secret-key"), Roles: []string{"score", "record"}}},
		Certificates: []Certificate{{Name: "auditor", Subject: "auditor.example", Roles: []string{"audit"}}},
		Issuers:      []Issuer{{URL: is.URL, Audience: "assay", Prefix: "assay:"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	good := is.Token(t, claims(nil))
	for _, c := range []struct {
		name  string
		cred  Credential
		want  string
		roles Roles
	}{
		{"nothing", Credential{}, "", 0},
		{"key", Credential{APIKey: "secret-key"}, "platform", Score | Record},
		{"wrong key", Credential{APIKey: "secret-kez"}, "", 0},
		{"the hash is not the key", Credential{APIKey: hashOf("secret-key")}, "", 0},
		{"token", Credential{Bearer: good}, "oidc:" + is.URL + "#ann", Score},
		{"token again", Credential{Bearer: good}, "oidc:" + is.URL + "#ann", Score},
		{"expired", Credential{Bearer: is.Token(t, claims(map[string]any{"exp": 1}))}, "", 0},
		{"other audience", Credential{Bearer: is.Token(t, claims(map[string]any{"aud": "other"}))}, "", 0},
		{"other issuer", Credential{Bearer: is.Token(t, claims(map[string]any{"iss": "https://example.org"}))}, "", 0},
		{"forged", Credential{Bearer: authtest.NewIssuer(t).Token(t, claims(nil))}, "", 0},
		{"no roles", Credential{Bearer: is.Token(t, claims(map[string]any{"roles": "none"}))},
			"oidc:" + is.URL + "#ann", 0},
		{"no subject", Credential{Bearer: is.Token(t, claims(map[string]any{"sub": ""}))}, "", 0},
		{"not a token", Credential{Bearer: "a.b.c"}, "", 0},
		{"long", Credential{Bearer: strings.Repeat("a", maxToken+1)}, "", 0},
		{"two credentials", Credential{APIKey: "secret-key", Bearer: good}, "", 0},
		{"malformed", Credential{APIKey: "secret-key", Malformed: true}, "", 0},
		{"certificate", Credential{Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "auditor.example"}}},
			"auditor", Audit},
		{"certificate by DNS name", Credential{Certificate: &x509.Certificate{DNSNames: []string{"auditor.example"}}},
			"auditor", Audit},
		{"unknown certificate", Credential{Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "eve"}}}, "",
			0},
		{"good key with an unknown certificate",
			Credential{APIKey: "secret-key", Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "eve"}}}, "",
			0},
		{"good token with an unknown certificate",
			Credential{Bearer: good, Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "eve"}}}, "", 0},
		{"wrong key with a good certificate",
			Credential{APIKey: "x", Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "auditor.example"}}},
			"", 0},
	} {
		got, err := a.Authenticate(context.Background(), c.cred)
		if again, ok := a.VerifiedBefore(c.cred); ok && c.cred.Certificate != nil && again != got {
			t.Errorf("%s: remembered as %+v, authenticated as %+v", c.name, again, got)
		}
		if c.want == "" {
			if !errors.Is(err, ErrUnauthenticated) {
				t.Errorf("%s: got %+v, %v, want not authenticated", c.name, got, err)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || c.cred.Bearer != "" &&
				strings.Contains(err.Error(), c.cred.Bearer)) {
				t.Errorf("%s: the error repeats the credential: %v", c.name, err)
			}
			continue
		}
		if err != nil || got.Name != c.want || got.Roles != c.roles {
			t.Errorf("%s: got %+v, %v, want %s with %s", c.name, got, err, c.want, c.roles)
		}
	}
}

// TestCertificatesAsGate: while no subject is configured, certificates are not
// credentials, and the key or the token that comes with one says who calls.
func TestCertificatesAsGate(t *testing.T) {
	t.Parallel()
	is := authtest.NewIssuer(t)
	a, err := New(Config{Keys: []Key{{Name: "platform", SHA256: hashOf("k"), Roles: []string{"score"}}},
		Issuers: []Issuer{{URL: is.URL, Audience: "assay"}}})
	if err != nil {
		t.Fatal(err)
	}
	token := is.Token(t,
		map[string]any{"iss": is.URL, "aud": "assay", "sub": "ann", "exp": time.Now().Add(time.Hour).Unix(),
			"roles": []string{"score"}})
	cert := &x509.Certificate{Subject: pkix.Name{CommonName: "mesh"}}
	for name, c := range map[string]struct {
		cred Credential
		want string
	}{
		"with a key":       {Credential{APIKey: "k", Certificate: cert}, "platform"},
		"with a token":     {Credential{Bearer: token, Certificate: cert}, "oidc:" + is.URL + "#ann"},
		"with a wrong key": {Credential{APIKey: "l", Certificate: cert}, ""},
		"alone":            {Credential{Certificate: cert}, ""},
	} {
		got, err := a.Authenticate(t.Context(), c.cred)
		if got.Name != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %+v, %v, want %q", name, got, err, c.want)
		}
		if again, ok := a.VerifiedBefore(c.cred); ok != (c.cred.Bearer != "") || ok && again != got {
			t.Errorf("%s: remembered as %+v, %v", name, again, ok)
		}
	}
	if _, err := a.Authenticate(t.Context(), Credential{Certificate: cert}); !strings.Contains(fmt.Sprint(err),
		"no certificate's subject is configured") {
		t.Errorf("a certificate alone: %v", err)
	}
}

func TestTokenIsVerifiedOnceAndNotPastItsEnd(t *testing.T) {
	t.Parallel()
	is := authtest.NewIssuer(t)
	a, err := New(Config{Issuers: []Issuer{{URL: is.URL, Audience: "assay"}}})
	if err != nil {
		t.Fatal(err)
	}
	tok := is.Token(t,
		map[string]any{"iss": is.URL, "aud": "assay", "sub": "ann",
			"exp": time.Now().Add(1500*time.Millisecond).Unix() + 1, "roles": []string{"score"}})
	for range 3 {
		if _, err := a.Authenticate(context.Background(), Credential{Bearer: tok}); err != nil {
			t.Fatal(err)
		}
	}
	if n := is.Fetched(); n != 1 {
		t.Errorf("the issuer's keys were fetched %d times for one token, want 1", n)
	}
	for h, c := range a.jwt.mu.cached {
		c.expiry = time.Now().Add(-2 * time.Hour)
		a.jwt.mu.cached[h] = c
	}
	if _, err := a.Authenticate(context.Background(), Credential{Bearer: tok}); err != nil {
		t.Errorf("a cached token past its expiry must be verified again, got %v", err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	tk, err := newTokens(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * maxCached {
		tk.remember(sha256.Sum256(fmt.Append(nil, i)), cachedToken{expiry: time.Now().Add(time.Hour)})
	}
	if n := len(tk.mu.cached); n > maxCached {
		t.Errorf("%d tokens cached, at most %d are allowed", n, maxCached)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	h := hashOf("k")
	for _, c := range []struct {
		name, want string
		cfg        Config
	}{
		{"the key itself", "not the key", Config{Keys: []Key{{Name: "a", SHA256: "secret", Roles: []string{"score"}}}}},
		{"no role", "no roles", Config{Keys: []Key{{Name: "a", SHA256: h}}}},
		{"unknown role", "want one of score, record, read, audit, admin; did you mean \"score\"?",
			Config{Keys: []Key{{Name: "a", SHA256: h, Roles: []string{"scroe"}}}}},
		{"no such role", "want one of", Config{Keys: []Key{{Name: "a", SHA256: h, Roles: []string{"root"}}}}},
		{"no name", "no name", Config{Keys: []Key{{SHA256: h, Roles: []string{"score"}}}}},
		{"name twice", "used twice",
			Config{Keys: []Key{{Name: "a", SHA256: h, Roles: []string{"score"}},
				{Name: "a", SHA256: hashOf("l"), Roles: []string{"score"}}}}},
		{"hash twice", "same hash",
			Config{Keys: []Key{{Name: "a", SHA256: h, Roles: []string{"score"}},
				{Name: "b", SHA256: h, Roles: []string{"score"}}}}},
		{"no subject", "subject", Config{Certificates: []Certificate{{Name: "a", Roles: []string{"score"}}}}},
		{"no audience", "audience", Config{Issuers: []Issuer{{URL: "https://example.org"}}}},
	} {
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", c.name, err, c.want)
		}
	}
}

func TestOpenLetsEveryoneIn(t *testing.T) {
	t.Parallel()
	a, err := New(Config{Open: true})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := a.Authenticate(context.Background(), Credential{}); err != nil || c.Roles != AllRoles {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := a.Authenticate(context.Background(), Credential{APIKey: "x"}); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("a wrong key must be refused even there, got %v", err)
	}
	closed, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := closed.Authenticate(context.Background(), Credential{}); !errors.Is(err, ErrUnauthenticated) {
		t.Errorf("the zero configuration must let nobody in, got %v", err)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	tb := NewTable()
	if err := tb.Allow(Caller{Roles: AllRoles}, "/assay.v1.Scoring/NotThere"); !errors.Is(err, ErrForbidden) {
		t.Errorf("a method that is not in the table must be refused, got %v", err)
	}
	if tb.Public("/assay.v1.Scoring/NotThere") || !tb.Public("/grpc.health.v1.Health/Check") {
		t.Error("public methods are those of the table alone")
	}
	for m, need := range Methods() {
		for r := Roles(1); r <= Admin; r <<= 1 {
			want := need == Public || need&r != 0
			if got := tb.Allow(Caller{Roles: r}, m) == nil; got != want {
				t.Errorf("%s with role %s: allowed %v, want %v", m, r, got, want)
			}
		}
	}
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add("Bearer abc")
	f.Add("basic Zm9v")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		var c Credential
		c.ParseAuthorization(s)
		if c.Malformed == (c.Bearer != "") {
			t.Errorf("%q is neither a token nor malformed", s)
		}
	})
}
