// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/archive"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

func open(t *testing.T, c archive.Config) recordfile.Archive {
	t.Helper()
	a, err := archive.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func put(t *testing.T, a recordfile.Archive, name string, b []byte) {
	t.Helper()
	if err := a.Put(t.Context(), name, bytes.NewReader(b), int64(len(b))); err != nil {
		t.Fatal(err)
	}
}

// TestBucket stores, reads and removes in a bucket that keeps versions, and in one that does not.
func TestBucket(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	for _, versions := range []bool{false, true} {
		c := g.bucket(t, fmt.Sprintf("plain-%v", versions), versions, false)
		a := open(t, c)
		if err := a.CheckRemoval(t.Context()); err != nil {
			t.Errorf("versions %v: %v", versions, err)
		}
		if left := g.versions(t, c.Bucket); len(left) > 0 {
			t.Errorf("versions %v: the test of removal leaves %v", versions, left)
		}
		secret := make([]byte, 20<<20) // several parts, if it were stored in parts
		rand.Read(secret)
		put(t, a, "one", secret)
		put(t, a, "one", secret)
		put(t, a, "one-and-more", []byte("its name begins with the other's"))
		if n := len(g.versions(t, c.Bucket)); n < 2 || versions && n < 3 {
			t.Errorf("versions %v: %d objects and versions", versions, n)
		}
		got := make([]byte, 70_000)
		for _, off := range []int64{0, 12345, int64(len(secret) - len(got))} {
			if err := a.ReadAt(t.Context(), "one", got, off); err != nil || !bytes.Equal(got, secret[off:][:len(got)]) {
				t.Errorf("versions %v: at %d: %v", versions, off, err)
			}
		}
		for _, off := range []int64{int64(len(secret)) - 5, int64(len(secret)) + 5} {
			if err := a.ReadAt(t.Context(), "one", got, off); !errors.Is(err, assay.ErrCorrupt) {
				t.Errorf("versions %v: beyond the end, at %d: %v", versions, off, err)
			}
		}
		if err := a.ReadAt(t.Context(), "another", got, 0); !errors.Is(err, assay.ErrCorrupt) ||
			!strings.Contains(err.Error(), "is not there") {
			t.Errorf("versions %v: an object that is not there: %v", versions, err)
		}
		// A version that a plain deletion hides is removed, too.
		err := g.client.RemoveObject(t.Context(), c.Bucket, c.Prefix+"one", minio.RemoveObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := a.Remove(t.Context(), "one"); err != nil {
				t.Errorf("versions %v: %v", versions, err)
			}
		}
		left := g.versions(t, c.Bucket)
		if len(left) != 1 || left[0].key != c.Prefix+"one-and-more" {
			t.Errorf("versions %v: left are %d", versions, len(left))
		}
		for _, o := range g.onDisk(t) {
			if bytes.Contains(o.bytes, secret[1000:1100]) {
				t.Errorf("versions %v: the store's file %s still holds it", versions, o.key)
			}
		}
	}
}

// TestRefusals: an archive whose objects could not be removed is refused with the reason, and one that is out of reach
// is told from one that is wrong.
func TestRefusals(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	check := func(what string, c archive.Config, kind error, text string) {
		t.Helper()
		if err := open(t, c).CheckRemoval(t.Context()); !errors.Is(err, kind) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("object lock", g.bucket(t, "locked", true, true), assay.ErrPrecondition, "object lock")
	c := g.bucket(t, "kept", true, false)
	all := []string{"s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:ListBucketVersions", "s3:DeleteObject",
		"s3:GetBucketObjectLockConfiguration", "s3:GetObjectVersion", "s3:GetReplicationConfiguration"}
	check("no removal of versions", g.account(t, c, all...), assay.ErrPrecondition, "s3:DeleteObjectVersion")
	if n := len(g.versions(t, "kept")); n != 2 {
		t.Errorf("%d versions of the test are left, want 2: the control of the refusal", n)
	}
	other := g.config
	other.Bucket = "absent"
	check("no bucket", other, assay.ErrPrecondition, "does not exist")
	other.Bucket, other.Credentials = "kept", credentialsFile(t, rootKey, "another secret")
	check("wrong secret", other, assay.ErrPrecondition, "credentials")
	other = g.config
	other.Bucket, other.Endpoint, other.Timeout = "kept", "http://"+freePort(t), "2s"
	check("nobody there", other, assay.ErrUnavailable, "kept")
}

// TestAccountMay does everything with the permissions that docs/formats/archive.md names.
func TestAccountMay(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	c := g.account(t, g.bucket(t, "narrow", true, false), "s3:GetObject", "s3:PutObject", "s3:ListBucketVersions",
		"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetBucketObjectLockConfiguration",
		"s3:GetReplicationConfiguration")
	a := open(t, c)
	if err := a.CheckRemoval(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(t, a, "one", []byte("text"))
	if err := a.Remove(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if left := g.versions(t, "narrow"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
