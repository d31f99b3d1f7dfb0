// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"crypto/x509"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestCertificateWarnings: the log warns of a certificate that has expired or soon
// will, when it is read and once a day, and the metrics have its end.
func TestCertificateWarnings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		age  time.Duration // what is issued is good for an hour, less this
		line string
	}{
		{0, "a certificate expires soon"}, {2 * time.Hour, "a certificate has expired"},
		{-2 * time.Hour, "a certificate is not valid yet"},
	} {
		ca := newAuthority(t)
		ca.age = c.age
		cert, key := ca.files(t.TempDir(), "server")
		var log lockedBuffer
		files := &tlsFiles{files: []string{cert, key}, log: slog.New(slog.NewTextHandler(&log, nil))}
		if err := files.load(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(log.String(), c.line) {
			t.Errorf("%v: %q, want %q", c.age, log.String(), c.line)
		}
		log.Reset()
		if files.configAt(time.Now().Add(time.Hour)); log.String() != "" {
			t.Errorf("said again within a day: %s", log.String())
		}
		if files.configAt(time.Now().Add(25 * time.Hour)); log.String() == "" {
			t.Error("not said again after a day")
		}
	}
	var quiet lockedBuffer
	warnOfCertificate(slog.New(slog.NewTextHandler(&quiet, nil)), "x",
		&x509.Certificate{NotBefore: start2026, NotAfter: start2026.AddDate(1, 0, 0)}, start2026.AddDate(0, 1, 0))
	if quiet.String() != "" {
		t.Errorf("a good certificate is warned of: %s", quiet.String())
	}
	ca := newAuthority(t)
	cert, key := ca.files(t.TempDir(), "server")
	conf, err := ReloadingTLS(cert, key, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{server: &Server{metrics: &metrics{registry: prometheus.NewRegistry()}, cfg: Config{TLS: conf}}}
	n.server.registerWarnings(n.server.metrics.registry)
	end, ok := certificateEnd(conf)
	var shown float64
	for line := range strings.Lines(n.shown()) {
		if rest, found := strings.CutPrefix(line, "assay_tls_certificate_end_seconds "); found {
			shown, err = strconv.ParseFloat(strings.TrimSpace(rest), 64)
		}
	}
	if !ok || err != nil || shown != float64(end.Unix()) || time.Until(end) > time.Hour {
		t.Errorf("the metrics show %v, the certificate ends at %v (%v)", shown, end, err)
	}
}

// TestKeyFilesOfOthers: a private key that every user can read is logged, and counted
// until its mode is changed.
func TestKeyFilesOfOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	open, closed := filepath.Join(dir, "open.key"), filepath.Join(dir, "closed.key")
	for _, f := range []string{open, closed} {
		if err := os.WriteFile(f, []byte("key"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	n := start(t, t.TempDir(),
		Config{KeyFiles: []string{"", filepath.Join(dir, "*.key")}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if !strings.Contains(n.shown(), "assay_key_files_exposed 1\n") {
		t.Error("the open key is not counted")
	}
	if err := os.Chmod(open, 0o600); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(n.shown(), "assay_key_files_exposed 0\n") {
		t.Error("a key that was mended is still counted")
	}
	n.stop()
	if got := strings.Count(log.String(), "a private key can be read"); got != 1 ||
		!strings.Contains(log.String(), open) {
		t.Errorf("%d lines: %s", got, log.String())
	}
}

// TestPlaintextWithKeys: keys on a public address without TLS are logged and counted;
// on loopback, or without keys, nothing is.
func TestPlaintextWithKeys(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes over a second")
	}
	for _, c := range []struct {
		address string
		cfg     Config
		want    bool
	}{
		{"192.0.2.1", Config{Auth: keys("ann:score")}, true},
		{"127.0.0.1", Config{Auth: keys("ann:score")}, false},
		{"192.0.2.1", Config{}, false},
	} {
		var log lockedBuffer
		c.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		n := start(t, t.TempDir(), c.cfg)
		n.stop()
		log.Reset()
		n.server.warnOfExposure(&net.TCPAddr{IP: net.ParseIP(c.address), Port: 1})
		if got := strings.Contains(log.String(), "without TLS"); got != c.want ||
			strings.Contains(n.shown(), "\nassay_plaintext_public 1\n") != c.want {
			t.Errorf("%s: %s", c.address, log.String())
		}
	}
}
