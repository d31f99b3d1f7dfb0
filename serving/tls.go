// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// tlsCheckEvery is how often, at most, the files are checked for changes.
const tlsCheckEvery = time.Second

// tlsWarnEvery is how often the log warns of certificates that expire soon.
const tlsWarnEvery = 24 * time.Hour

// ReloadingTLS makes a server's TLS configuration from PEM files, and reads them
// again when one of them changes: new handshakes use the new certificate, and open
// connections go on. If the changed files cannot be used, that is logged, and the
// last configuration stays in use. clientCA may be empty; with it, a client that
// presents a certificate must present one under these CAs.
func ReloadingTLS(cert, key, clientCA string, log *slog.Logger) (*tls.Config, error) {
	if cert == "" || key == "" {
		return nil, errors.New("tls: a certificate and its key are both needed")
	}
	r := &tlsFiles{files: []string{cert, key}, log: log}
	if clientCA != "" {
		r.files = append(r.files, clientCA)
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if err := r.load(); err != nil {
		return nil, err
	}
	c := r.mu.current.Clone()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return r.configAt(time.Now()), nil }
	return c, nil
}

type tlsFiles struct {
	files []string // certificate, key, and the client CA if there is one
	log   *slog.Logger
	mu    struct {
		sync.Mutex
		current *tls.Config
		stamps  []time.Time
		checked time.Time
		warned  time.Time // of certificates that expire
		// authorities are the client CA's certificates.
		authorities []*x509.Certificate
	}
}

// configAt returns the configuration for a handshake.
func (r *tlsFiles) configAt(at time.Time) *tls.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.Sub(r.mu.warned) >= tlsWarnEvery {
		r.warnOfExpiry(at)
	}
	if at.Sub(r.mu.checked) >= tlsCheckEvery {
		r.mu.checked = at
		if s, err := r.modTimes(); err != nil {
			r.log.Error("tls: the files cannot be read; the last configuration stays in use", "error", err)
		} else if !equalTimes(s, r.mu.stamps) {
			if err := r.read(s); err != nil {
				r.log.Error("tls: the changed files cannot be used; the last configuration stays in use", "error", err)
			} else {
				r.log.Info("tls: the files are loaded again")
			}
		}
	}
	return r.mu.current
}

func (r *tlsFiles) load() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := r.modTimes()
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	r.mu.checked = time.Now()
	return r.read(s)
}

// read makes the configuration; call it with mu held.
func (r *tlsFiles) read(stamps []time.Time) error {
	pair, err := tls.LoadX509KeyPair(r.files[0], r.files[1])
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}
	var cas []*x509.Certificate
	if len(r.files) > 2 {
		text, err := os.ReadFile(r.files[2])
		if err != nil {
			return fmt.Errorf("tls: %w", err)
		}
		if cas, err = parseAuthorities(text); err != nil {
			return fmt.Errorf("tls: %s: %w", r.files[2], err)
		}
		c.ClientCAs = x509.NewCertPool()
		for _, ca := range cas {
			c.ClientCAs.AddCert(ca)
		}
		c.ClientAuth = tls.VerifyClientCertIfGiven
	}
	r.mu.current, r.mu.stamps = c, stamps
	r.mu.authorities, r.mu.warned = cas, time.Time{}
	r.warnOfExpiry(time.Now())
	return nil
}

// warnOfExpiry logs which certificates have expired or will soon; call it with mu
// held.
func (r *tlsFiles) warnOfExpiry(at time.Time) {
	r.mu.warned = at
	if leaf := r.mu.current.Certificates[0].Leaf; leaf != nil {
		warnOfCertificate(r.log, r.files[0], leaf, at)
	}
	for i, c := range r.mu.authorities {
		warnOfCertificate(r.log, fmt.Sprintf("%s, certificate %d", r.files[2], i+1), c, at)
	}
}

// parseAuthorities reads all certificates of a PEM file. A file that is cut short
// is an error: it would shut out the clients of the certificates after the cut.
func parseAuthorities(text []byte) (out []*x509.Certificate, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(out)+1, err)
		}
		out = append(out, c)
	}
	read := len(out)
	if begun := bytes.Count(text, []byte("-----BEGIN CERTIFICATE-----")); read == 0 || read != begun {
		return nil, fmt.Errorf("%d certificates begin in the file and %d can be read; write it again, in PEM", begun,
			read)
	}
	return out, nil
}

func (r *tlsFiles) modTimes() ([]time.Time, error) {
	s := make([]time.Time, len(r.files))
	for i, f := range r.files {
		info, err := os.Stat(f)
		if err != nil {
			return nil, err
		}
		s[i] = info.ModTime()
	}
	return s, nil
}

func equalTimes(a, b []time.Time) bool {
	for i := range a {
		if !a[i].Equal(b[i]) {
			return false
		}
	}
	return true
}
