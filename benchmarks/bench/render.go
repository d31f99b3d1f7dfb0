// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// The tables stand between these lines of a page.
const (
	begin = "<!-- figures: begin (written by make bench) -->\n"
	end   = "<!-- figures: end -->"
)

// pages are their tables.
func pages(r *results, file string) map[string][]byte {
	return map[string][]byte{
		"docs/performance.md": slices.Concat(machine(r, "../"+file), tables(r)),
		"README.md":           summary(r, file),
	}
}

// renderNewest writes the pages and plots below root from the newest results.
func renderNewest(root string) error {
	r, file, err := newest(root)
	if err != nil {
		return err
	}
	names, err := pageFiles(root)
	if err != nil {
		return err
	}
	texts := pages(r, file)
	for _, name := range names {
		at := filepath.Join(root, name)
		old, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		out, _, err := fill(old, texts[name], r)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(at, out, 0o644); err != nil {
			return err
		}
	}
	plots, err := drawPlots(r)
	if err != nil {
		return err
	}
	for name, svg := range plots {
		name = filepath.Join(root, plotDir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// fill writes the figures of a page: the tables between the lines, if the page
// has them, and those in its text. It names the ones that the results lack.
func fill(page, tables []byte, r *results) (out []byte, missing []string, err error) {
	if tables != nil {
		if page, err = place(page, tables); err != nil {
			return nil, nil, err
		}
	}
	return inline(page, r)
}

// place puts text between the markers.
func place(page, text []byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(page, []byte(begin))
	if !ok {
		return nil, fmt.Errorf("there is no line %q", strings.TrimSpace(begin))
	}
	_, tail, ok := bytes.Cut(rest, []byte(end))
	if !ok {
		return nil, fmt.Errorf("there is no line %q", end)
	}
	return slices.Concat(head, []byte(begin), text, []byte(end), tail), nil
}

// machine says where and when, with what versions, and whether it was quiet.
func machine(r *results, link string) []byte {
	var b bytes.Buffer
	memory := ""
	if r.Memory > 0 {
		memory = fmt.Sprintf(", %.1f GiB", r.Memory)
	}
	fmt.Fprintf(&b, "\nMeasured on %s at commit `%s`: %s, %d cores%s, %s, %s. ", r.Date, r.Commit, r.CPU,
		r.Cores, memory, r.OS, r.Go)
	if noisy := r.noisy(); len(noisy) == 0 {
		b.WriteString("The machine was quiet.\n")
	} else {
		fmt.Fprintf(&b, "**The machine was busy with other work during %s: treat these figures as rough.**\n",
			strings.Join(noisy, ", "))
	}
	if len(r.Peers) > 0 {
		var v []string
		for name, version := range r.Peers {
			v = append(v, name+" "+version)
		}
		slices.Sort(v)
		fmt.Fprintf(&b, "Peers: %s.\n", strings.Join(v, ", "))
	}
	fmt.Fprintf(&b, "All of it is in [%s](%s).\n", filepath.Base(link), link)
	return b.Bytes()
}

// noisy names the areas whose figures are not to be trusted.
func (r *results) noisy() []string {
	var n []string
	for _, a := range r.Areas {
		if !a.Quiet {
			n = append(n, a.Area)
		}
	}
	return n
}

// tables is one table an area; the figures of scale are slopes and plots.
func tables(r *results) []byte {
	var b bytes.Buffer
	for _, a := range append(areas(options{}), longAreas(options{})...) {
		i := slices.IndexFunc(r.Areas, func(o outcome) bool { return o.Area == a.Name })
		if i < 0 {
			continue
		}
		o := r.Areas[i]
		fmt.Fprintf(&b, "\n### %s\n\n", a.Title)
		for _, c := range o.Commands {
			fmt.Fprintf(&b, "`%s`, ", c)
		}
		fmt.Fprintf(&b, "%.0f s", o.Seconds)
		if t, err := time.Parse(time.RFC3339, o.Time); err == nil {
			fmt.Fprintf(&b, ", done %s", t.Format("2006-01-02 15:04 UTC"))
		}
		if o.Commit != r.Commit {
			fmt.Fprintf(&b, " at commit `%s`", o.Commit)
		}
		b.WriteString(".\n")
		if o.Skipped != "" {
			fmt.Fprintf(&b, "Left out: %s.\n", o.Skipped)
		}
		if o.Error != "" {
			fmt.Fprintf(&b, "It did not come to its end: %s.\n", o.Error)
		}
		if a.Name == "scale" {
			b.Write(scaleTables(o.Figures))
			continue
		}
		b.WriteString("\n| figure | value | least to greatest | bar |\n|---|---|---|---|\n")
		for _, f := range o.Figures {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Name, value(f), spread(f), verdict(f))
		}
	}
	b.WriteString("\n")
	return b.Bytes()
}

// units are how kinds read behind a value.
var units = map[string]string{
	"RATIO": "x", "NS": " ns", "US": " µs", "MS": " ms", "S": " s", "MB": " MB", "BYTES": " bytes", "RATE": "/s",
	"COMPILE": " ms", "COUNT": "", "AUCDIFF": " AUC",
}

func value(f figure.Figure) string {
	unit, known := units[f.Kind]
	switch {
	case f.Kind == "COUNT" && f.Value >= 0 && f.Value == math.Trunc(f.Value):
		return count(f.Value)
	case f.Kind == "AUC", f.Kind == "KS", f.Kind == "LOGLOSS":
		return fmt.Sprintf("%.4f", f.Value)
	case f.Kind == "GAIN": // of one of these
		return fmt.Sprintf("%+.4f", f.Value)
	}
	if !known {
		unit = " " + strings.ToLower(f.Kind)
	}
	return short(f.Value) + unit
}

// short has three significant digits, and no exponent below a billion.
func short(x float64) string {
	s := fmt.Sprintf("%.3g", x)
	if strings.Contains(s, "e+") {
		s = fmt.Sprintf("%.0f", x)
	}
	return s
}

func spread(f figure.Figure) string {
	if f.Runs < 2 {
		return ""
	}
	return fmt.Sprintf("%s to %s (%d runs)", short(f.Low), short(f.High), f.Runs)
}

// verdict compares a figure with its bar, if it has one.
func verdict(f figure.Figure) string {
	for _, b := range bars {
		if !b.of(f.Name) {
			continue
		}
		met := f.Value >= b.least
		sign := "≥"
		if b.most {
			met, sign = f.Value <= b.least, "≤"
		}
		word := "met"
		if !met {
			word = "**not met**"
		}
		return fmt.Sprintf("%s %v: %s", sign, b.least, word)
	}
	return ""
}
