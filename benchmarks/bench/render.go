// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// page is where the tables stand, between its two markers.
const (
	page  = "docs/performance.md"
	begin = "<!-- figures: begin -->\n"
	end   = "<!-- figures: end -->"
)

// renderNewest writes the tables from the newest results file.
func renderNewest() error {
	files, err := filepath.Glob(filepath.Join(resultsDir, "*.json"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("there are no results yet: run `make bench`")
	}
	slices.Sort(files)
	newest := files[len(files)-1]
	r, err := read(newest)
	if err != nil {
		return fmt.Errorf("%s: %w", newest, err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	out, err := place(text, tables(r, newest))
	if err != nil {
		return err
	}
	return os.WriteFile(page, out, 0o644)
}

// place puts the tables between the markers.
func place(text, tables []byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(text, []byte(begin))
	if !ok {
		return nil, fmt.Errorf("%s has no line %q", page, strings.TrimSpace(begin))
	}
	_, tail, ok := bytes.Cut(rest, []byte(end))
	if !ok {
		return nil, fmt.Errorf("%s has no line %q", page, end)
	}
	return slices.Concat(head, []byte(begin), tables, []byte(end), tail), nil
}

// tables is one table an area.
func tables(r *results, file string) []byte {
	var b bytes.Buffer
	quiet := "The machine was quiet."
	if !r.Quiet {
		quiet = "**The machine was busy with other work when some of them began: treat them as rough.**"
	}
	fmt.Fprintf(&b, "\nMeasured on %s at commit `%s`: %s, %d cores, %s, %s. %s\n", r.Date, r.Commit, r.CPU, r.Cores, r.OS, r.Go, quiet)
	if len(r.Versions) > 0 {
		var v []string
		for name, version := range r.Versions {
			v = append(v, name+" "+version)
		}
		slices.Sort(v)
		fmt.Fprintf(&b, "Peers: %s.\n", strings.Join(v, ", "))
	}
	fmt.Fprintf(&b, "All of it is in [%s](../%s).\n", filepath.Base(file), file)
	for _, o := range r.Areas {
		fmt.Fprintf(&b, "\n### %s\n\n`%s` took %.0f s; load before it %.2f.\n\n", o.Area, o.Command, o.Seconds, o.Load)
		if o.Error != "" {
			fmt.Fprintf(&b, "It ended with an error: %s.\n\n", o.Error)
		}
		fmt.Fprintf(&b, "| figure | kind | value |\n|---|---|---|\n")
		for _, f := range o.Figures {
			fmt.Fprintf(&b, "| %s | %s | %.4g |\n", f.Name, strings.ToLower(f.Kind), f.Value)
		}
	}
	b.WriteString("\n")
	return b.Bytes()
}
