// SPDX-License-Identifier: Apache-2.0

package node

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenArchive reads files that describe an archive.
func TestOpenArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, creds := filepath.Join(dir, "archive.yaml"), filepath.Join(dir, "credentials")
	text := "[ledger]\naws_access_key_id = key\naws_secret_access_key = secret\n"
	if err := os.WriteFile(creds, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	const s3 = "endpoint: https://s3.example.com\nbucket: b\n"
	for _, c := range []struct{ text, place, fault string }{
		{"folder: " + dir, "the folder " + dir, ""},
		{s3 + "prefix: node/\ntimeout: 5s\nregion: eu\nprofile: ledger\ncredentials: " + creds,
			"the bucket b at https://s3.example.com", ""},
		{s3, "the bucket b at https://s3.example.com", ""},
		{"", "", `endpoint "" is not a URL`},
		{"folder: x\nbucket: b", "", "a folder takes no other setting"},
		{"endpoint: https://s3.example.com", "", "bucket is required"},
		{"endpoint: s3.example.com\nbucket: b", "", "is not a URL"},
		{"endpoint: https://s3.example.com/path\nbucket: b", "", "is not a URL"},
		{s3 + "timeout: soon", "", "not a time such as 30s"},
		{s3 + "ca: " + creds, "", "no certificate in PEM"},
		{s3 + "credentials: " + creds, "", "under [default]"},
		{s3 + "credentials: /nonexistent", "", "want aws_access_key_id"},
		{s3 + "buckets: b", "", "buckets"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := OpenArchive(path)
		switch {
		case c.fault != "":
			if err == nil || !strings.Contains(err.Error(), c.fault) ||
				!strings.Contains(err.Error(), "--archive "+path) {
				t.Errorf("%q: %v", c.text, err)
			}
		case err != nil || a.Place() != c.place:
			t.Errorf("%q: %v, %v", c.text, a, err)
		}
	}
	if a, err := OpenArchive(""); a != nil || err != nil {
		t.Errorf("without a file: %v, %v", a, err)
	}
}
