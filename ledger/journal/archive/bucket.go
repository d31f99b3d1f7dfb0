// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	assay "github.com/assayrisk/assay"
)

// bucket is an archive in a bucket of an S3-compatible store.
type bucket struct {
	client  *minio.Client
	config  Config
	timeout time.Duration
}

func openBucket(c Config) (*bucket, error) {
	invalid := func(format string, args ...any) error {
		return fmt.Errorf("archive: "+format+": %w", append(args, assay.ErrInvalid)...)
	}
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" && u.Path != "/" {
		return nil, invalid("endpoint %q is not a URL such as https://s3.example.com", c.Endpoint)
	}
	if c.Bucket == "" {
		return nil, invalid("bucket is required: the name of one that exists")
	}
	b := &bucket{config: c, timeout: time.Minute}
	if c.Timeout != "" {
		if b.timeout, err = time.ParseDuration(c.Timeout); err != nil || b.timeout <= 0 {
			return nil, invalid("timeout %q is not a time such as 30s", c.Timeout)
		}
	}
	transport, err := minio.DefaultTransport(u.Scheme == "https")
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if c.CA != "" {
		if err := trust(transport, c.CA); err != nil {
			return nil, err
		}
	}
	creds, err := c.credentials()
	if err != nil {
		return nil, err
	}
	b.client, err = minio.New(u.Host, &minio.Options{Creds: creds, Secure: u.Scheme == "https", Region: c.Region,
		Transport: transport, MaxRetries: 4})
	if err != nil {
		return nil, invalid("%v", err)
	}
	return b, nil
}

// credentials finds those of the store. A file must name some; the machine's role is asked for when it is needed.
func (c *Config) credentials() (*credentials.Credentials, error) {
	if c.Credentials == "" {
		return credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.IAM{}}), nil
	}
	creds := credentials.NewFileAWSCredentials(c.Credentials, c.Profile)
	if v, err := creds.GetWithContext(nil); err != nil || v.AccessKeyID == "" {
		return nil, fmt.Errorf("archive: credentials %s: want aws_access_key_id and aws_secret_access_key under [%s] "+
			"(%v): %w", c.Credentials, cmp.Or(c.Profile, "default"), err, assay.ErrInvalid)
	}
	return creds, nil
}

// trust makes a transport accept certificates of an authority.
func trust(t *http.Transport, path string) error {
	pem, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("archive: ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return fmt.Errorf("archive: ca: %s holds no certificate in PEM: %w", path, assay.ErrInvalid)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return nil
}

// Place implements recordfile.Archive.
func (b *bucket) Place() string {
	return "the bucket " + b.config.Bucket + " at " + b.config.Endpoint
}

func (b *bucket) key(name string) string { return b.config.Prefix + name }

// Put implements recordfile.Archive. It sends one request, so that nothing of an object that was not finished is left.
func (b *bucket) Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*b.timeout)
	defer cancel()
	_, err := b.client.PutObject(ctx, b.config.Bucket, b.key(name), r, size, minio.PutObjectOptions{
		ContentType: "application/octet-stream", DisableMultipart: true})
	return b.explain("store "+name, err)
}

// ReadAt implements recordfile.Archive.
func (b *bucket) ReadAt(ctx context.Context, name string, to []byte, off int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	var o minio.GetObjectOptions
	if err := o.SetRange(off, off+int64(len(to))-1); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	body, err := b.client.GetObject(ctx, b.config.Bucket, b.key(name), o)
	if err != nil {
		return b.explain("read "+name, err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, to); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("archive: %s is cut short: %w", name, assay.ErrCorrupt)
	} else if err != nil {
		return b.explain("read "+name, err)
	}
	return nil
}

// explain says what an error of the store means. It returns nil for nil.
func (b *bucket) explain(what string, err error) error {
	if err == nil {
		return nil
	}
	e := minio.ToErrorResponse(err)
	switch e.Code {
	case minio.NoSuchKey, minio.NoSuchVersion:
		return fmt.Errorf("%w (%s)", errMissing(e.Key), b.Place())
	case minio.NoSuchBucket:
		return fmt.Errorf("archive: %s: %s does not exist: make it, or name another: %w", what, b.Place(),
			assay.ErrPrecondition)
	case minio.AccessDenied, minio.SignatureDoesNotMatch, "InvalidAccessKeyId":
		return fmt.Errorf("archive: %s: the credentials may not do that in %s: %s: %w", what, b.Place(), e.Code,
			assay.ErrPrecondition)
	case minio.InvalidRange:
		return fmt.Errorf("archive: %s: it is cut short: %w", what, assay.ErrCorrupt)
	}
	return fmt.Errorf("archive: %s: %s: %w: %w", what, b.Place(), err, assay.ErrUnavailable)
}
