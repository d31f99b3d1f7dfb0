// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Issuer is one OpenID Connect issuer whose tokens are accepted.
type Issuer struct {
	URL      string `yaml:"url" doc:"The issuer, as in the token's iss."`
	Audience string `yaml:"audience" doc:"As in the token's aud."`
	KeysURL  string `yaml:"keys_url" doc:"Where the signing keys (JWKS) are. Empty: found by discovery."`
	Claim    string `yaml:"claim" doc:"The claim that lists roles. Empty: roles."`
	Prefix   string `yaml:"prefix" doc:"Removed from the claim's values: with the prefix assay: the value assay:score is the role score. Values without the prefix, and names that are not roles, are ignored."`
	// Client fetches the keys; nil: one with a timeout of 10 s.
	Client *http.Client `yaml:"-"`
}

// Bounds on the length of a token and on the tokens that are remembered.
const (
	maxToken  = 16 << 10
	maxCached = 4096
)

// tokens verifies JWTs. It remembers a verified token by its hash until the token
// expires, so that a signature is checked once for each token, not for each call.
type tokens struct {
	issuers []issuer
	mu      struct {
		sync.Mutex
		cached map[[sha256.Size]byte]cachedToken
	}
}

type issuer struct {
	Issuer
	mu struct {
		sync.Mutex
		verifier *oidc.IDTokenVerifier
	}
}

type cachedToken struct {
	caller Caller
	expiry time.Time
}

func newTokens(in []Issuer) (*tokens, error) {
	t := &tokens{issuers: make([]issuer, len(in))}
	t.mu.cached = map[[sha256.Size]byte]cachedToken{}
	for i, is := range in {
		if is.URL == "" || is.Audience == "" {
			return nil, errors.New("auth: an issuer needs url and audience: a token for another audience must not be " +
				"accepted here")
		}
		if is.Claim == "" {
			is.Claim = "roles"
		}
		if is.Client == nil {
			is.Client = &http.Client{Timeout: 10 * time.Second}
		}
		t.issuers[i].Issuer = is
	}
	return t, nil
}

func (t *tokens) caller(ctx context.Context, raw string) (Caller, error) {
	if len(t.issuers) == 0 {
		return Caller{}, fmt.Errorf("%w: bearer tokens are not accepted here", ErrUnauthenticated)
	}
	if len(raw) > maxToken {
		return Caller{}, fmt.Errorf("%w: the token is longer than %d bytes", ErrUnauthenticated, maxToken)
	}
	if c, ok := t.verifiedBefore(raw); ok {
		return c, nil
	}
	h := sha256.Sum256([]byte(raw))
	for i := range t.issuers {
		is := &t.issuers[i]
		v, err := is.verifier()
		if err != nil {
			continue // the issuer cannot be reached; another may know the token
		}
		tok, err := v.Verify(oidc.ClientContext(ctx, is.Client), raw)
		if err != nil {
			continue
		}
		found, err := is.caller(tok)
		if err != nil {
			return Caller{}, err
		}
		t.remember(h, cachedToken{found, tok.Expiry})
		return found, nil
	}
	return Caller{}, fmt.Errorf("%w: no configured issuer vouches for the token", ErrUnauthenticated)
}

// verifiedBefore returns the caller of a token that was verified before.
func (t *tokens) verifiedBefore(raw string) (Caller, bool) {
	if len(raw) > maxToken {
		return Caller{}, false
	}
	h := sha256.Sum256([]byte(raw))
	t.mu.Lock()
	c, ok := t.mu.cached[h]
	t.mu.Unlock()
	return c.caller, ok && time.Now().Before(c.expiry)
}

// plausible reports whether a token claims that a configured issuer made it and
// that it has not expired. Anybody can make such a token; all others are not worth
// verifying.
func (t *tokens) plausible(raw string) bool {
	parts := strings.Split(raw, ".")
	if len(raw) > maxToken || len(parts) != 3 {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims struct {
		Issuer string  `json:"iss"`
		Expiry float64 `json:"exp"`
	}
	if json.Unmarshal(b, &claims) != nil || claims.Expiry < float64(time.Now().Unix()) {
		return false
	}
	for i := range t.issuers {
		if t.issuers[i].URL == claims.Issuer {
			return true
		}
	}
	return false
}

func (t *tokens) remember(h [sha256.Size]byte, c cachedToken) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.mu.cached) >= maxCached {
		now := time.Now()
		for k, v := range t.mu.cached {
			if !now.Before(v.expiry) {
				delete(t.mu.cached, k)
			}
		}
		if len(t.mu.cached) >= maxCached {
			clear(t.mu.cached)
		}
	}
	t.mu.cached[h] = c
}

// verifier returns the issuer's verifier, and makes it when it is first needed.
func (is *issuer) verifier() (*oidc.IDTokenVerifier, error) {
	is.mu.Lock()
	defer is.mu.Unlock()
	if is.mu.verifier != nil {
		return is.mu.verifier, nil
	}
	cfg := &oidc.Config{ClientID: is.Audience}
	// The key set outlives the call, so it must not hang on the call's context.
	ctx := oidc.ClientContext(context.Background(), is.Client)
	if is.KeysURL != "" {
		is.mu.verifier = oidc.NewVerifier(is.URL, oidc.NewRemoteKeySet(ctx, is.KeysURL), cfg)
		return is.mu.verifier, nil
	}
	p, err := oidc.NewProvider(ctx, is.URL)
	if err != nil {
		return nil, err
	}
	is.mu.verifier = p.VerifierContext(ctx, cfg)
	return is.mu.verifier, nil
}

func (is *issuer) caller(tok *oidc.IDToken) (Caller, error) {
	claims := map[string]any{}
	if err := tok.Claims(&claims); err != nil {
		return Caller{}, fmt.Errorf("%w: the token's claims cannot be read", ErrUnauthenticated)
	}
	var values []string
	switch v := claims[is.Claim].(type) {
	case string:
		values = []string{v}
	case []any:
		for _, x := range v {
			if s, ok := x.(string); ok {
				values = append(values, s)
			}
		}
	}
	var roles Roles
	for _, v := range values {
		if len(v) < len(is.Prefix) || v[:len(is.Prefix)] != is.Prefix {
			continue
		}
		if r, err := ParseRoles([]string{v[len(is.Prefix):]}); err == nil {
			roles |= r
		}
	}
	if tok.Subject == "" || len(tok.Subject) > 256 {
		return Caller{}, fmt.Errorf("%w: the token has no subject", ErrUnauthenticated)
	}
	// Issuer and subject together, so that no issuer can name a caller of another.
	return Caller{Name: "oidc:" + is.URL + "#" + tok.Subject, Roles: roles}, nil
}
