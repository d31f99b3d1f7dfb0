// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// expiryWarning is how long before a certificate expires the log warns of it.
const expiryWarning = 30 * 24 * time.Hour

// warnOfCertificate logs that a certificate has expired, will expire soon, or is
// not valid yet.
func warnOfCertificate(log *slog.Logger, what string, c *x509.Certificate, now time.Time) {
	switch {
	case now.After(c.NotAfter):
		log.Error("tls: a certificate has expired: peers refuse it", "certificate", what, "since", c.NotAfter)
	case now.Before(c.NotBefore):
		log.Error("tls: a certificate is not valid yet: peers refuse it", "certificate", what, "from", c.NotBefore)
	case c.NotAfter.Sub(now) < expiryWarning:
		log.Warn("tls: a certificate expires soon", "certificate", what, "at", c.NotAfter, "in",
			fmt.Sprintf("%.0f days", c.NotAfter.Sub(now).Hours()/24))
	}
}

// certificateEnd is when the server's certificate expires; ok is false when there
// is none.
func certificateEnd(c *tls.Config) (end time.Time, ok bool) {
	if c != nil && c.GetConfigForClient != nil {
		if now, err := c.GetConfigForClient(nil); err == nil && now != nil {
			c = now
		}
	}
	if c == nil || len(c.Certificates) == 0 || len(c.Certificates[0].Certificate) == 0 {
		return time.Time{}, false
	}
	leaf := c.Certificates[0].Leaf
	if leaf == nil {
		var err error
		if leaf, err = x509.ParseCertificate(c.Certificates[0].Certificate[0]); err != nil {
			return time.Time{}, false
		}
	}
	return leaf.NotAfter, true
}

// exposedKeys lists the files of Config.KeyFiles that users other than the owner
// and the group can read or write.
func exposedKeys(patterns []string) (out []string) {
	for _, p := range patterns {
		files, _ := filepath.Glob(p)
		for _, f := range files {
			if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o006 != 0 &&
				othersCanEnter(f) {
				out = append(out, f)
			}
		}
	}
	return out
}

// othersCanEnter reports whether others can enter the file's folder.
func othersCanEnter(file string) bool {
	info, err := os.Stat(filepath.Dir(file))
	return err != nil || info.Mode().Perm()&fs.FileMode(0o001) != 0
}

// warnOfExposure logs how others can learn credentials or keys.
func (s *Server) warnOfExposure(a net.Addr) {
	s.plaintextPublic.Store(s.auth.Configured() && s.cfg.TLS == nil && !loopback(a))
	if s.plaintextPublic.Load() {
		s.log.Warn("credentials are configured and the address is public, without TLS: whoever sees the traffic has "+
			"the keys; configure tls-cert and tls-key, or terminate TLS in front of this server on the same machine",
			"address", a.String())
	}
	for _, f := range exposedKeys(s.cfg.KeyFiles) {
		s.log.Warn("a private key can be read by every user of this machine: chmod 600", "file", f)
	}
}

// registerWarnings adds the metrics for alerts about keys and certificates.
func (s *Server) registerWarnings(r *prometheus.Registry) {
	gauge := func(name, help string, fn func() float64) { registerGauge(r, name, help, fn) }
	gauge("assay_key_files_exposed", "Files with private keys that every user of the machine can read.",
		func() float64 {
			return float64(len(exposedKeys(s.cfg.KeyFiles)))
		})
	gauge("assay_plaintext_public", "1 while credentials are accepted on a public address without TLS.",
		func() float64 {
			if s.plaintextPublic.Load() {
				return 1
			}
			return 0
		})
	if s.cfg.TLS == nil {
		return
	}
	gauge("assay_tls_certificate_end_seconds", "When the server's certificate expires, in seconds since 1970.",
		func() float64 {
			end, ok := certificateEnd(s.cfg.TLS)
			if !ok {
				return 0
			}
			return float64(end.Unix())
		})
}
