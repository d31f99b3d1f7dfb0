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
	"github.com/assayrisk/assay/benchmarks/internal/page"
)

// The generated tables of a page lie between these two lines.
const (
	tablesBegin = "<!-- figures: begin (written by make bench) -->\n"
	tablesEnd   = "<!-- figures: end -->"
)

// generatedTables are the tables that are written whole, by page.
func generatedTables(r *results, file string) map[string][]byte {
	return map[string][]byte{
		"docs/performance.md": slices.Concat(machineText(r, "../"+file), areaTables(r)),
		"README.md":           readmeTable(r, file),
	}
}

// renderNewest writes the pages and plots below root from the newest results.
func renderNewest(root string) error {
	r, file, err := newestResults(root)
	if err != nil {
		return err
	}
	names, err := pageFiles(root)
	if err != nil {
		return err
	}
	texts := generatedTables(r, file)
	for _, name := range names {
		at := filepath.Join(root, name)
		old, err := os.ReadFile(at)
		if err != nil {
			return err
		}
		out, _, err := fillPage(old, texts[name], r)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(at, out, 0o644); err != nil {
			return err
		}
	}
	for name, svg := range drawPlots(r) {
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

// fillPage writes the figures of a page: its generated tables, if it has any,
// and the figures in its text. It names those that the results lack.
func fillPage(text, tables []byte, r *results) (out []byte, missing []string, err error) {
	if tables != nil {
		if text, err = page.Replace(text, tablesBegin, tablesEnd, tables); err != nil {
			return nil, nil, err
		}
	}
	return fillMarks(text, r)
}

// machineText says where, when and with what versions the figures were measured,
// and whether the machine was quiet.
func machineText(r *results, link string) []byte {
	var b strings.Builder
	memory := ""
	if r.Memory > 0 {
		memory = fmt.Sprintf(", %.1f GiB", r.Memory)
	}
	fmt.Fprintf(&b, "Measured on %s at commit `%s`: %s, %d cores%s, %s, %s. ", r.Date, r.Commit, r.CPU,
		r.Cores, memory, r.OS, r.Go)
	if noisy := r.noisy(); len(noisy) == 0 {
		b.WriteString("The machine was quiet. ")
	} else {
		fmt.Fprintf(&b, "**The machine was busy with other work during %s: these figures are rough.** ",
			strings.Join(noisy, ", "))
	}
	if len(r.Peers) > 0 {
		var v []string
		for name, version := range r.Peers {
			v = append(v, name+" "+version)
		}
		slices.Sort(v)
		fmt.Fprintf(&b, "Peers: %s. ", strings.Join(v, ", "))
	}
	fmt.Fprintf(&b, "Source: [%s](%s).", filepath.Base(link), link)
	return []byte("\n" + page.Wrap(b.String()))
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

// areaTables writes one table for each area. The figures of scale become plots
// and tables of slopes.
func areaTables(r *results) []byte {
	var b bytes.Buffer
	for _, a := range append(areas(options{}), longAreas(options{})...) {
		i := slices.IndexFunc(r.Areas, func(o areaResult) bool { return o.Area == a.Name })
		if i < 0 {
			continue
		}
		o := r.Areas[i]
		fmt.Fprintf(&b, "\n### %s\n\n%s", a.Title, page.Wrap(o.summary(r.Commit)))
		if a.Name == "scale" {
			b.Write(scaleTables(o.Figures))
			continue
		}
		b.WriteString("\n| figure | value | least to greatest | target |\n|---|---|---|---|\n")
		for _, f := range o.Figures {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Name, formatValue(f), formatSpread(f), formatTarget(f))
		}
	}
	b.WriteString("\n")
	return b.Bytes()
}

// summary says how and when the area was measured, and what is missing.
func (o areaResult) summary(newestCommit string) string {
	var b strings.Builder
	for _, c := range o.Commands {
		fmt.Fprintf(&b, "`%s`, ", c)
	}
	fmt.Fprintf(&b, "%.0f s", o.Seconds)
	if t, err := time.Parse(time.RFC3339, o.Time); err == nil {
		fmt.Fprintf(&b, ", done %s", t.Format("2006-01-02 15:04 UTC"))
	}
	if o.Commit != newestCommit {
		fmt.Fprintf(&b, " at commit `%s`", o.Commit)
	}
	b.WriteString(".")
	if o.Skipped != "" {
		fmt.Fprintf(&b, " Left out: %s.", o.Skipped)
	}
	if o.Error != "" {
		fmt.Fprintf(&b, " It did not finish: %s.", o.Error)
	}
	return b.String()
}

// units are written after a value, by the figure's kind.
var units = map[string]string{
	"RATIO": "x", "NS": " ns", "US": " µs", "MS": " ms", "S": " s", "MB": " MB", "BYTES": " bytes", "RATE": "/s",
	"COMPILE": " ms", "COUNT": "", "AUCDIFF": " AUC",
}

func formatValue(f figure.Figure) string {
	unit, known := units[f.Kind]
	switch {
	case f.Kind == "COUNT" && f.Value >= 0 && f.Value == math.Trunc(f.Value):
		return page.Thousands(f.Value)
	case f.Kind == "AUC", f.Kind == "KS", f.Kind == "LOGLOSS":
		return fmt.Sprintf("%.4f", f.Value)
	case f.Kind == "GAIN": // of one of these
		return fmt.Sprintf("%+.4f", f.Value)
	}
	if !known {
		unit = " " + strings.ToLower(f.Kind)
	}
	return threeDigits(f.Value) + unit
}

// threeDigits has three significant digits, and no exponent below a billion.
func threeDigits(x float64) string {
	s := fmt.Sprintf("%.3g", x)
	if strings.Contains(s, "e+") {
		s = fmt.Sprintf("%.0f", x)
	}
	return s
}

func formatSpread(f figure.Figure) string {
	if f.Runs < 2 {
		return ""
	}
	return fmt.Sprintf("%s to %s (%d runs)", threeDigits(f.Low), threeDigits(f.High), f.Runs)
}

// formatTarget compares a figure with its target, if it has one.
func formatTarget(f figure.Figure) string {
	for _, b := range targets {
		if !b.covers(f.Name) {
			continue
		}
		met := f.Value >= b.limit
		sign := "≥"
		if b.atMost {
			met, sign = f.Value <= b.limit, "≤"
		}
		word := "met"
		if !met {
			word = "**not met**"
		}
		return fmt.Sprintf("%s %v: %s", sign, b.limit, word)
	}
	return ""
}
