// SPDX-License-Identifier: Apache-2.0

package document

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// ErrNoBrowser says that no Chromium was found to print the report with. The
// HTML prints the same from any browser.
var ErrNoBrowser = errors.New("no Chromium browser found (looked for chromium, chromium-browser, google-chrome, " +
	"chrome in PATH); print report.html from any browser instead")

// browsers are the names under which Chromium is installed.
var browsers = [...]string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// FindBrowser returns the path of an installed Chromium, or ErrNoBrowser.
func FindBrowser() (string, error) {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoBrowser
}

// pdfTimeout bounds one print.
const pdfTimeout = 2 * time.Minute

// PDF prints the HTML file at from to a PDF at to, through headless Chromium
// with the network off. It returns ErrNoBrowser where none is installed.
func PDF(ctx context.Context, from, to string) error {
	browser, err := FindBrowser()
	if err != nil {
		return err
	}
	source, err := filepath.Abs(from)
	if err != nil {
		return fmt.Errorf("print %s: %w", from, err)
	}
	target, err := filepath.Abs(to)
	if err != nil {
		return fmt.Errorf("print %s: %w", to, err)
	}
	if _, err := os.Stat(source); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	profile, err := os.MkdirTemp("", "assay-print")
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	defer os.RemoveAll(profile)
	ctx, stop := context.WithTimeout(ctx, pdfTimeout)
	defer stop()
	args := []string{"--headless=new", "--disable-gpu", "--no-pdf-header-footer", "--proxy-server=127.0.0.1:9",
		"--disable-background-networking",
		"--user-data-dir=" + profile, "--print-to-pdf=" + target}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium's sandbox does not start as root
	}
	page := url.URL{Scheme: "file", Path: filepath.ToSlash(source)}
	cmd := exec.CommandContext(ctx, browser, append(args, page.String())...)
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("print %s with %s: %w: %s", from, browser, err, lastLine(out))
	}
	if st, err := os.Stat(target); err != nil || st.Size() == 0 {
		return fmt.Errorf("print %s with %s: no PDF was written", from, browser)
	}
	return nil
}

// lastLine returns the end of what Chromium printed, for an error message.
func lastLine(out []byte) string {
	const most = 300
	if len(out) > most {
		out = out[len(out)-most:]
	}
	return string(out)
}
