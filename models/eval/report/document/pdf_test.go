// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// pageFile writes a page to print, and returns its path and one for the PDF.
func pageFile(t *testing.T, r *Report) (from, to string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	from, to = filepath.Join(t.TempDir(), "a report, 100 %.html"), filepath.Join(t.TempDir(), "report.pdf")
	if err := os.WriteFile(from, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return from, to
}

// TestPrintedPages: a long table takes more pages than a short report, and the file
// ends with a table of contents at the place that it names.
func TestPrintedPages(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser twice")
	}
	if _, err := FindBrowser(); err != nil {
		t.Skip(err)
	}
	long := small()
	table := Table{Title: "Long", Columns: []Column{{Name: "Row"}, {Name: "Value"}}}
	for i := range 400 {
		table.Rows = append(table.Rows, []Cell{Words(fmt.Sprintf("row %d", i)), Count(i)})
	}
	long.Sections[0].AddTable(table)
	pages := map[string]int{}
	for name, r := range map[string]*Report{"short": small(), "long": long} {
		from, to := pageFile(t, r)
		if err := PDF(t.Context(), from, to); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(to)
		if err != nil {
			t.Fatal(err)
		}
		end := regexp.MustCompile(`startxref\s+([0-9]+)\s+%%EOF\s*$`).FindSubmatch(b)
		if !bytes.HasPrefix(b, []byte("%PDF-1.")) || end == nil {
			t.Fatalf("%s: %d bytes that are no PDF", name, len(b))
		}
		if at, _ := strconv.Atoi(string(end[1])); at >= len(b) || !bytes.HasPrefix(b[at:], []byte("xref")) {
			t.Errorf("%s: no table of objects at byte %s of %d", name, end[1], len(b))
		}
		pages[name] = len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(b, -1))
	}
	if pages["short"] < 1 || pages["short"] > 3 || pages["long"] < pages["short"]+4 {
		t.Errorf("%d pages, and %d with a table of 400 rows", pages["short"], pages["long"])
	}
}

// TestPrintingFails: each way says what happened; no browser has an error of its own.
func TestPrintingFails(t *testing.T) {
	from, to := pageFile(t, small())
	t.Setenv("PATH", t.TempDir())
	if err := PDF(t.Context(), from, to); !errors.Is(err, ErrNoBrowser) {
		t.Errorf("without a browser: %v", err)
	}
	bin := t.TempDir()
	t.Setenv("PATH", bin)
	browser := func(script string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(bin, "chromium"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ script, want string }{
		{"echo no fonts >&2; exit 3", "exit status 3: no fonts"},
		{"exit 0", "no PDF was written"},
		{`for a; do case $a in --print-to-pdf=*) : > "${a#*=}";; esac; done`, "no PDF was written"},
	} {
		browser(tc.script)
		if err := PDF(t.Context(), from, to); err == nil || !strings.Contains(err.Error(), tc.want) ||
			!strings.Contains(err.Error(), filepath.Base(from)) {
			t.Errorf("%s: %v, want %q", tc.script, err, tc.want)
		}
	}
	// The address is escaped, and it is the last argument; nothing of the network is used.
	browser(`for a; do case $a in --print-to-pdf=*) to="${a#*=}";; esac; done; echo "$@" > "$to"`)
	if err := PDF(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if said := strings.TrimSpace(string(b)); !strings.HasSuffix(said, "/a%20report,%20100%20%25.html") ||
		!strings.Contains(said, "--headless") || !strings.Contains(said, "--proxy-server=127.0.0.1:9") {
		t.Errorf("the browser was called with %s", said)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := PDF(ctx, from, to); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if got := lastLine([]byte(strings.Repeat("a", 500) + "the end")); len(got) != 300 ||
		!strings.HasSuffix(got, "the end") {
		t.Errorf("a long output is cut to %d bytes: %q", len(got), got)
	}
}
