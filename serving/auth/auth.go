// SPDX-License-Identifier: Apache-2.0

// Package auth answers two questions about a call: who calls, and may they.
//
// Who calls (auth.go, tokens.go): an API key (only its SHA-256 is configured; keys
// are random, so nobody finds a key from its hash), a JWT from an OpenID Connect
// issuer, or a client certificate that the TLS layer has verified. A call with a
// credential that is not accepted is refused, even if it has another one that
// would be: a wrong key never falls back to a weaker identity, and neither does a
// verified certificate whose subject is not configured. If no subject is
// configured at all, certificates are not credentials: the network may demand
// them, and the key or the token says who calls.
//
// May they (roles.go): one table, Methods, has the roles for each full method
// name; any one of them is enough. A method that is not in the table is refused.
//
// Nothing here logs, and no error repeats a credential. TestMatrix in package
// serving runs each method with each role and kind of credential.
package auth

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
)

// Key is one API key, by the SHA-256 of its bytes in hexadecimal.
type Key struct {
	Name   string   `yaml:"name" doc:"The caller's name in records; request ids are unique within it. Used once in the file. 1 to 128 bytes."`
	SHA256 string   `yaml:"sha256" doc:"SHA-256 of the key in hexadecimal, never the key."`
	Roles  []string `yaml:"roles" doc:"What the caller may do: score, record, read, audit, admin."`
}

// Certificate maps the subject of a verified client certificate to roles.
// Subject is its common name, or a URI or DNS name of it.
type Certificate struct {
	Name    string   `yaml:"name" doc:"As for a key."`
	Subject string   `yaml:"subject" doc:"Common name of the client's certificate, or a URI or DNS name in it. Needs tls-client-ca. Once one subject is listed, a certificate with any other is refused, even with a good key; while none is listed, certificates are not credentials."`
	Roles   []string `yaml:"roles" doc:"As for a key."`
}

// Config lists the credentials that are accepted. The zero value accepts none.
type Config struct {
	Keys         []Key         `yaml:"keys"`
	Certificates []Certificate `yaml:"certificates"`
	Issuers      []Issuer      `yaml:"issuers"`
	// Open gives every caller the name "local" and all roles. It is meant for
	// loopback; package serving refuses it on any other address.
	Open bool `yaml:"-"`
}

// Authenticator knows callers by their credentials. It is safe for concurrent use.
type Authenticator struct {
	open  bool
	keys  map[[sha256.Size]byte]Caller
	certs map[string]Caller
	jwt   *tokens
}

// New checks the configuration. It dials no issuer: their keys are fetched
// when the first token comes.
func New(cfg Config) (*Authenticator, error) {
	a := &Authenticator{open: cfg.Open, keys: map[[sha256.Size]byte]Caller{}, certs: map[string]Caller{}}
	names := map[string]bool{}
	caller := func(kind, name string, roles []string) (Caller, error) {
		if name == "" || len(name) > 128 {
			return Caller{},
				fmt.Errorf("auth: a %s has no name (1 to 128 bytes): records name it, and request ids are unique "+
					"within it", kind)
		}
		if names[name] {
			return Caller{}, fmt.Errorf("auth: the name %q is used twice", name)
		}
		names[name] = true
		r, err := ParseRoles(roles)
		if err != nil {
			return Caller{}, fmt.Errorf("auth: %s %q: %w", kind, name, err)
		}
		return Caller{Name: name, Roles: r}, nil
	}
	for _, k := range cfg.Keys {
		c, err := caller("key", k.Name, k.Roles)
		if err != nil {
			return nil, err
		}
		b, err := hex.DecodeString(k.SHA256)
		if err != nil || len(b) != sha256.Size {
			return nil, fmt.Errorf("auth: key %q: sha256: want the 64 hexadecimal digits of the key's SHA-256, not "+
				"the key", k.Name)
		}
		h := [sha256.Size]byte(b)
		if _, dup := a.keys[h]; dup {
			return nil, fmt.Errorf("auth: key %q has the same hash as another", k.Name)
		}
		a.keys[h] = c
	}
	for _, k := range cfg.Certificates {
		c, err := caller("certificate", k.Name, k.Roles)
		if err != nil {
			return nil, err
		}
		if k.Subject == "" {
			return nil, fmt.Errorf("auth: certificate %q: subject: want a common name, URI or DNS name", k.Name)
		}
		if _, dup := a.certs[k.Subject]; dup {
			return nil, fmt.Errorf("auth: certificate %q has the same subject as another", k.Name)
		}
		a.certs[k.Subject] = c
	}
	var err error
	a.jwt, err = newTokens(cfg.Issuers)
	return a, err
}

// Configured reports whether any credential can be accepted.
func (a *Authenticator) Configured() bool {
	return len(a.keys)+len(a.certs)+len(a.jwt.issuers) > 0
}

// Credential is what a call carries.
type Credential struct {
	APIKey      string            // header x-api-key
	Bearer      string            // header authorization, after "Bearer "
	Malformed   bool              // an authorization header of another form
	Certificate *x509.Certificate // leaf that TLS has verified, or nil
}

// ParseAuthorization fills c from the value of an authorization header.
func (c *Credential) ParseAuthorization(v string) {
	const prefix = "bearer "
	if len(v) > len(prefix) && strings.EqualFold(v[:len(prefix)], prefix) {
		c.Bearer = v[len(prefix):]
		return
	}
	c.Malformed = true
}

// Authenticate returns who calls. Its errors match ErrUnauthenticated.
func (a *Authenticator) Authenticate(ctx context.Context, c Credential) (Caller, error) {
	switch {
	case c.Malformed:
		return Caller{}, fmt.Errorf("%w: the authorization header must be a bearer token", ErrUnauthenticated)
	case a.refusesCertificate(c.Certificate):
		return Caller{}, fmt.Errorf("%w: the client certificate's subject is not configured", ErrUnauthenticated)
	case c.APIKey != "" && c.Bearer != "":
		return Caller{}, fmt.Errorf("%w: send one credential: an API key or a bearer token", ErrUnauthenticated)
	case c.APIKey != "":
		if k, ok := a.keys[sha256.Sum256([]byte(c.APIKey))]; ok {
			return k, nil
		}
		return Caller{}, fmt.Errorf("%w: the API key is not known", ErrUnauthenticated)
	case c.Bearer != "":
		return a.jwt.caller(ctx, c.Bearer)
	case c.Certificate != nil:
		if k, ok := a.certificateCaller(c.Certificate); ok {
			return k, nil
		}
	}
	if a.open {
		return Caller{Name: "local", Roles: AllRoles}, nil
	}
	if c.Certificate != nil {
		return Caller{},
			fmt.Errorf("%w: no certificate's subject is configured, so a client certificate does not say who "+
				"calls: send an API key (x-api-key) or a bearer token with it", ErrUnauthenticated)
	}
	return Caller{}, fmt.Errorf("%w: send an API key (x-api-key), a bearer token, or a client certificate",
		ErrUnauthenticated)
}

// VerifiedBefore returns the caller of a bearer token that was verified before and
// has not expired. It asks no issuer.
func (a *Authenticator) VerifiedBefore(c Credential) (Caller, bool) {
	if a.refusesCertificate(c.Certificate) {
		return Caller{}, false // Authenticate refuses it
	}
	return a.jwt.verifiedBefore(c.Bearer)
}

// Plausible reports whether a bearer token is worth verifying: it names a
// configured issuer and has not expired.
func (a *Authenticator) Plausible(c Credential) bool { return a.jwt.plausible(c.Bearer) }

// refusesCertificate reports whether certificates are credentials and the subject
// of c is not configured.
func (a *Authenticator) refusesCertificate(c *x509.Certificate) bool {
	if c == nil || a.open || len(a.certs) == 0 {
		return false
	}
	_, ok := a.certificateCaller(c)
	return !ok
}

func (a *Authenticator) certificateCaller(c *x509.Certificate) (Caller, bool) {
	if k, ok := a.certs[c.Subject.CommonName]; ok && c.Subject.CommonName != "" {
		return k, true
	}
	for _, u := range c.URIs {
		if k, ok := a.certs[u.String()]; ok {
			return k, true
		}
	}
	for _, d := range c.DNSNames {
		if k, ok := a.certs[d]; ok {
			return k, true
		}
	}
	return Caller{}, false
}
