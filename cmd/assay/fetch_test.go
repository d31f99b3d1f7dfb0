// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestFetchCommand(t *testing.T) {
	const body = "x,target\n1,0\n2,1\n"
	calls := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 1 {
			http.Error(w, "later", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte(body))
	}))
	defer srv.Close()
	d := sha256.Sum256([]byte(body))
	dir, good, other := t.TempDir(), hex.EncodeToString(d[:]), strings.Repeat("ab", 32)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"mine"}, 2, "--sha256"},
		{[]string{"mine", "--url", srv.URL}, 2, "--sha256"},
		{[]string{"mine", "--url", srv.URL, "--sha256", "12"}, 2, "--sha256"},
		{[]string{"credit_data", "--url", srv.URL, "--sha256", good}, 2, "is known"},
		{[]string{"mine", "--url", srv.URL, "--sha256", other}, 1, "SHA-256"},
		{[]string{"../mine", "--url", srv.URL, "--sha256", good}, 1, "plain name"},
	} {
		if _, stderr, code := assayRun(t, append([]string{"data", "fetch", "--dir", dir}, c.args...)...); code !=
			c.code || !strings.Contains(stderr, c.says) {
			t.Errorf("data fetch %v: status %d, %s", c.args, code, stderr)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Fatalf("data fetch %v failed and left %v (%v)", c.args, left, err)
		}
	}
	for _, args := range [][]string{{"mine", "--url", srv.URL, "--sha256", good}, {"credit_data"}} {
		out, stderr, code := assayRun(t, append([]string{"data", "fetch", "--dir", dir}, args...)...)
		if code != 0 {
			t.Fatal(stderr)
		}
		b, err := os.ReadFile(strings.TrimSpace(out))
		if err != nil || args[0] == "mine" && string(b) != body {
			t.Errorf("data fetch %v: %q, %v", args, b, err)
		}
	}
}
