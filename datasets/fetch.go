// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/assayrisk/assay"
	"github.com/hashicorp/go-retryablehttp"
)

// FetchOptions says how a set is downloaded. The zero value works.
type FetchOptions struct {
	Dir      string               // where sets are kept; default: assay in the user's cache directory
	MaxBytes int64                // default 2 GiB
	Retries  int                  // after the first attempt; default 4, with growing pauses
	Pause    time.Duration        // before the first retry; default 1 s
	Client   *http.Client         // default: one that honours the proxy settings of the environment
	Progress func(got, all int64) // called as bytes come; all is -1 if unknown
}

// Fetch puts a set on disk and returns its path, which Read takes. A set from
// List is named by its Info; so is any other file, by an Info with Name, URL
// and SHA256. A file that is already there and has the pinned digest is not
// fetched again; an embedded set is written out. What does not have the pinned
// digest is never left behind under the set's name.
//
// Errors match assay.ErrInvalid (no digest, no URL, too large),
// assay.ErrCorrupt (another digest) or assay.ErrUnavailable (the server).
func Fetch(ctx context.Context, info Info, opt FetchOptions) (string, error) {
	if info.Name == "" || info.Name != filepath.Base(info.Name) || info.SHA256.IsZero() {
		return "", fmt.Errorf("fetch %q: a set wants a plain name and a SHA-256 to be pinned by: %w",
			info.Name, assay.ErrInvalid)
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = 2 << 30
	}
	path, err := cachePath(info, opt.Dir)
	if err != nil {
		return "", err
	}
	if b, err := readWhole(path, opt.MaxBytes); err == nil && sha(b) == info.SHA256 {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	if info.Embedded {
		b, err := bytesOf(info, opt.Dir)
		if err != nil {
			return "", err
		}
		return path, writeVerified(path, info, func(w io.Writer) error { _, err := w.Write(b); return err })
	}
	if u, err := url.Parse(info.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("fetch %s: want an http or https URL: %w", info.Name, assay.ErrInvalid)
	}
	return path, writeVerified(path, info, func(w io.Writer) error { return download(ctx, info, opt, w) })
}

// writeVerified writes a file under a temporary name next to path, checks its
// digest, and renames it.
func writeVerified(path string, info Info, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+info.Name+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	h := sha256.New()
	if err := write(io.MultiWriter(f, h)); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if d := assay.Digest(h.Sum(nil)); d != info.SHA256 {
		return fmt.Errorf("fetch %s: SHA-256 is %s, want %s; the file changed at its source: %w", info.Name, d,
			info.SHA256, assay.ErrCorrupt)
	}
	return os.Rename(f.Name(), path)
}

// download copies the body to w. Connection errors and answers 429 and 5xx are
// tried again; a body that breaks off is not, and fails the digest.
func download(ctx context.Context, info Info, opt FetchOptions, w io.Writer) error {
	c := retryablehttp.NewClient()
	c.Logger = nil // URLs can carry keys
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler
	c.RetryMax, c.RetryWaitMin, c.RetryWaitMax = 4, time.Second, 30*time.Second
	if opt.Retries > 0 {
		c.RetryMax = opt.Retries
	}
	if opt.Pause > 0 {
		c.RetryWaitMin, c.RetryWaitMax = opt.Pause, 30*opt.Pause
	}
	if opt.Client != nil {
		c.HTTPClient = opt.Client
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, info.URL, nil)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", info.Name, err)
	}
	resp, err := c.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL
		}
		return fmt.Errorf("fetch %s: %w: %w", info.Name, err, assay.ErrUnavailable)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("fetch %s: the server answers %s: %w", info.Name, resp.Status, assay.ErrUnavailable)
	}
	if resp.ContentLength > opt.MaxBytes {
		return tooLarge(info.Name, opt.MaxBytes)
	}
	body := io.Reader(io.LimitReader(resp.Body, opt.MaxBytes+1))
	if opt.Progress != nil {
		body = &progress{r: body, all: resp.ContentLength, tell: opt.Progress}
	}
	n, err := io.Copy(w, body)
	if err != nil {
		return fmt.Errorf("fetch %s: after %d bytes: %w: %w", info.Name, n, err, assay.ErrUnavailable)
	}
	if n > opt.MaxBytes {
		return tooLarge(info.Name, opt.MaxBytes)
	}
	return nil
}

// progress tells how many bytes have come.
type progress struct {
	r        io.Reader
	got, all int64
	tell     func(got, all int64)
}

// Read implements io.Reader.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.got += int64(n)
	p.tell(p.got, p.all)
	return n, err
}
