// SPDX-License-Identifier: Apache-2.0

// Package archive tests the archive in an S3-compatible store against a store of other makers: versitygw, which keeps
// objects and their versions as files. It is in a module of its own, so that it is in no program and moves no version
// in the main go.mod.
package archive

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/assayrisk/assay/ledger/journal/archive"
)

// gateway is a running store.
type gateway struct {
	endpoint string
	files    string // where its objects and versions are
	client   *minio.Client
	config   archive.Config // without a bucket
}

const (
	rootKey    = "ROOTACCESS"
	rootSecret = "root-secret-key"
)

// program builds the store's program, once.
var program = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "tool", "-n", "versitygw").CombinedOutput() // it builds it, and prints its path
	if err != nil {
		return "", fmt.Errorf("versitygw: %w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
})

// startGateway starts a store that keeps versions, and accounts in a file.
func startGateway(t *testing.T) *gateway {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, d := range []string{"objects", "versions", "iam"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	g := &gateway{endpoint: "http://" + port, files: dir}
	var log bytes.Buffer
	c := exec.Command(path, "--port", port, "--access", rootKey, "--secret", rootSecret, "--iam-dir",
		filepath.Join(dir, "iam"), "--quiet", "posix", "--versioning-dir", filepath.Join(dir, "versions"),
		filepath.Join(dir, "objects"))
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("versitygw: %s", log.String())
		}
	})
	await(t, port)
	g.client, err = minio.New(port, &minio.Options{Creds: credentials.NewStaticV4(rootKey, rootSecret, "")})
	if err != nil {
		t.Fatal(err)
	}
	g.config = archive.Config{Endpoint: g.endpoint, Credentials: credentialsFile(t, rootKey, rootSecret),
		Region: "us-east-1", Prefix: "node-1/", Timeout: "10s"}
	return g
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func await(t *testing.T, address string) {
	t.Helper()
	for range 200 {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("versitygw does not start")
}

// credentialsFile writes credentials as AWS's tools read them.
func credentialsFile(t *testing.T, key, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", key, secret)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// bucket makes a bucket, and returns the configuration of an archive in it.
func (g *gateway) bucket(t *testing.T, name string, versions, lock bool) archive.Config {
	t.Helper()
	if err := g.client.MakeBucket(t.Context(), name, minio.MakeBucketOptions{ObjectLocking: lock}); err != nil {
		t.Fatal(err)
	}
	if versions {
		if err := g.client.EnableVersioning(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	c := g.config
	c.Bucket = name
	return c
}

// account makes an account of the store that may do what a policy of the bucket says, and returns the configuration
// with its credentials.
func (g *gateway) account(t *testing.T, c archive.Config, actions ...string) archive.Config {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "admin", "--access", rootKey, "--secret", rootSecret, "--endpoint-url", g.endpoint,
		"create-user", "--access", "node", "--secret", "node-secret-key", "--role", "user").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["node"]},`+
		`"Action":["%s"],"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}]}`, strings.Join(actions, `","`),
		c.Bucket, c.Bucket)
	if err := g.client.SetBucketPolicy(t.Context(), c.Bucket, policy); err != nil {
		t.Fatal(err)
	}
	c.Credentials = credentialsFile(t, "node", "node-secret-key")
	return c
}

// object is a version of an object.
type object struct {
	key, version string
	bytes        []byte
}

// versions reads every version of every object of a bucket.
func (g *gateway) versions(t *testing.T, bucket string) (all []object) {
	t.Helper()
	for o := range g.client.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{WithVersions: true,
		Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		v := object{key: o.Key, version: o.VersionID}
		if !o.IsDeleteMarker {
			body, err := g.client.GetObject(t.Context(), bucket, o.Key, minio.GetObjectOptions{VersionID: o.VersionID})
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if _, err := b.ReadFrom(body); err != nil {
				t.Fatalf("%s, version %s: %v", o.Key, o.VersionID, err)
			}
			v.bytes = b.Bytes()
		}
		all = append(all, v)
	}
	return all
}

// onDisk reads every file that the store keeps, also those that it shows to nobody.
func (g *gateway) onDisk(t *testing.T) (all []object) {
	t.Helper()
	err := filepath.WalkDir(g.files, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, object{key: path, bytes: b})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
