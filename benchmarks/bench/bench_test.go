// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// TestPagesAreCurrent compares every page with figures, and every plot, with what
// the newest results file gives: nothing in them is typed by hand.
func TestPagesAreCurrent(t *testing.T) {
	const root = "../.."
	r, file, err := newestResults(root)
	if err != nil {
		t.Fatal(err)
	}
	const remedy = "is not what the newest results say: go run ./benchmarks/bench -render"
	names, err := pageFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	texts := generatedTables(r, file)
	for name := range texts {
		if !slices.Contains(names, name) {
			t.Errorf("%s has no place for its figures", name)
		}
	}
	for _, name := range names {
		old, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		want, missing, err := fillPage(old, texts[name], r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(missing) > 0 {
			t.Errorf("%s has figures that the newest results lack: %v", name, missing)
		}
		if !bytes.Equal(old, want) {
			t.Errorf("%s %s", name, remedy)
		}
	}
	plots := drawPlots(r)
	for name, want := range plots {
		if got, err := os.ReadFile(filepath.Join(root, plotDir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s/%s %s (%v)", plotDir, name, remedy, err)
		}
	}
	kept, err := filepath.Glob(filepath.Join(root, plotDir, "*.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range kept {
		if plots[filepath.Base(f)] == nil {
			t.Errorf("%s is drawn from no figure: remove it", f)
		}
	}
}

// typedFigure finds what looks like a measured figure in the text of a page: a
// number with a unit of time, of decimal bytes, or of speed. Limits and
// settings are given in binary bytes or in words, and code is not text.
var typedFigure = regexp.MustCompile(
	`\d[\d,.]* ?(ms|µs|us|ns|[kKMGT]B)\b|\d[\d.]*( times as fast|x faster| times faster)|\d(/s| a second)\b`)

// notText matches what is not hand-written text of a page: what is written from
// the results, tables that a test makes from the program's constants, examples,
// and code.
var notText = regexp.MustCompile("(?s)<!-- figures: begin.*?<!-- figures: end -->|<!-- [a-z]+: made by Test.*?<!-- " +
	"/[a-z]+ -->|<!--\\s+fig\\s.*?<!--\\s+/fig\\s+-->|(?m:^```).*?(?m:^```$)|`[^`\n]*`")

// TestFiguresAreNotTyped finds figures in the README and in the pages of docs
// and docs/design that come from no results file.
func TestFiguresAreNotTyped(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	design, e := filepath.Glob("../../docs/design/*.md")
	if err != nil || e != nil || len(pages) < 10 || len(design) < 4 {
		t.Fatalf("%d and %d pages, %v, %v", len(pages), len(design), err, e)
	}
	for _, page := range append(append(pages, design...), "../../README.md") {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		b = notText.ReplaceAllFunc(b, func(cut []byte) []byte {
			return bytes.Repeat([]byte("\n"), bytes.Count(cut, []byte("\n")))
		})
		for i, line := range strings.Split(string(b), "\n") {
			if m := typedFigure.FindString(line); m != "" {
				t.Errorf("%s:%d: %q was typed by hand: have a benchmark print it, and write <!-- fig NAME -->...<!-- "+
					"/fig -->", page, i+1, m)
			}
		}
	}
}

func TestBudgets(t *testing.T) {
	sum := time.Duration(0)
	all := areas(options{python: "python3", flights: "f.parquet"})
	if o := (options{}); len(areaNames(areas(o))) == 0 || len(longAreas(options{})) == 0 {
		t.Fatal("there are no areas")
	}
	for _, a := range longAreas(options{}) {
		if slices.ContainsFunc(all, func(b area) bool { return a.Name == b.Name }) {
			t.Errorf("two areas are called %s", a.Name)
		}
		if _, err := os.Stat("../" + a.program()); err != nil || len(a.Runs) == 0 || a.Budget <= 0 {
			t.Errorf("long area %s has no program, no runs or no time: %v", a.Name, err)
		}
	}
	for i, a := range all {
		if i+1 < len(all) { // the last has what the others leave
			sum += a.Budget
		}
		if len(a.Runs) == 0 || a.Title == "" || a.Budget <= 0 {
			t.Errorf("%s has no runs, no title or no time", a.Name)
		}
		if _, err := os.Stat("../" + a.Name); err != nil {
			t.Errorf("area %s has no program: %v", a.Name, err)
		}
	}
	const leave = 15 * time.Minute
	if last := all[len(all)-1].Name; sum+leave > timeForAll || timeForAll >= 45*time.Minute {
		t.Errorf("the budgets add up to %v and leave less than %v of %v to %s, or all is not under 45 minutes",
			sum, leave, timeForAll, last)
	}
}

func TestInline(t *testing.T) {
	r := &results{Areas: []areaResult{{Figures: []figure.Figure{
		{Kind: "MB", Name: "peak", Value: 12.34}, {Kind: "COUNT", Name: "kills", Value: 139049},
		{Kind: "RATIO", Name: "speed", Value: 2, Low: 1.5, High: 2.5, Runs: 3}}}}}
	page := "peak <!-- fig peak -->1 MB<!-- /fig -->, <!-- fig kills --><!-- /fig --> kills,\n<!-- fig speed low " +
		"-->?<!-- /fig --> to <!-- fig speed high -->?<!-- /fig -->, <!-- fig gone -->7<!-- /fig -->"
	want := "peak <!-- fig peak -->12.3 MB<!-- /fig -->, <!-- fig kills -->139,049<!-- /fig --> kills,\n<!-- fig " +
		"speed low -->1.5x<!-- /fig --> to <!-- fig speed high -->2.5x<!-- /fig -->, <!-- fig gone -->" +
		notMeasured + "<!-- /fig -->"
	out, missing, err := fillMarks([]byte(page), r)
	if err != nil || string(out) != want || !slices.Equal(missing, []string{"gone"}) {
		t.Errorf("%s\nmissing %v, %v", out, missing, err)
	}
	if again, _, err := fillMarks(out, r); err != nil || !bytes.Equal(again, out) {
		t.Errorf("a second time gives %s, %v", again, err)
	}
	wrapped := "<!-- fig\npeak -->1\nMB<!--\n/fig --> and <!--\nfig kills\n--><!-- /fig -->"
	want = "<!-- fig\npeak -->12.3 MB<!--\n/fig --> and <!--\nfig kills\n-->139,049<!-- /fig -->"
	if out, missing, err := fillMarks([]byte(wrapped), r); err != nil || string(out) != want || len(missing) > 0 {
		t.Errorf("marks with line breaks became %s, missing %v, %v", out, missing, err)
	}
	for _, bad := range []string{"<!-- fig a -->1", "<!-- fig -->1<!-- /fig -->", "<!--\nfig a -->1",
		"<!-- fig a b -->1<!-- /fig -->"} {
		if _, _, err := fillMarks([]byte(bad), r); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestTables(t *testing.T) {
	r := &results{Commit: "abc", Areas: []areaResult{
		{Area: "train", Commit: "abc", Quiet: true, Commands: []string{"go run ./benchmarks/train"},
			Figures: []figure.Figure{
				figure.Over("train_vs_lightgbm_dense1m", []float64{4, 5, 6}, []float64{2, 2, 2}),
				{Kind: "RATIO", Name: "train_vs_lightgbm_small", Value: 1.1, Low: 1.1, High: 1.1}}},
		{Area: "scale", Commit: "old", Figures: []figure.Figure{
			{Kind: "S", Name: "scale_train_assay@1000", Value: 1}, {Kind: "S", Name: "scale_train_assay@10000",
				Value: 10}, {Kind: "S", Name: "scale_train_assay@100000", Value: 1000}}},
	}}
	text := string(areaTables(r))
	for _, want := range []string{
		"| train_vs_lightgbm_dense1m | 2.5x | 2 to 3 (3 runs) | ≥ 1.5: met |",
		"| train_vs_lightgbm_small | 1.1x |  | ≥ 1.2: **not met** |",
		"| assay | 1 at 1,000 | 1000 at 100,000 | 1.50 | at 10,000, from 1.00 to 2.00 |", "at commit `old`",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
	if s := string(readmeTable(r, "f.json")); !strings.Contains(s,
		"| training, 1M rows × 28 columns | LightGBM | 2.5 | 2 to 3 (3 runs) |") ||
		!strings.Contains(s, "busy with other work during scale") {
		t.Errorf("summary\n%s", s)
	}
	plots := drawPlots(r)
	if svg := plots["train.svg"]; len(plots) != 1 || bytes.Count(svg, []byte("<circle")) != 3 {
		t.Errorf("%d plots; three points are drawn as %s", len(plots), svg)
	}
}

func TestMerge(t *testing.T) {
	some := []figure.Figure{{Kind: "MS", Name: "a", Value: 1}}
	r := &results{Commit: "new", Peers: map[string]string{"xgboost": "3"}, Areas: []areaResult{
		{Area: "train", Commit: "new", Figures: some}, {Area: "serve", Commit: "new", Error: "it broke"}}}
	takeOver(r, &results{Peers: map[string]string{"xgboost": "2", "polars": "1"}, Areas: []areaResult{
		{Area: "train", Commit: "old", Figures: some}, {Area: "ledger", Commit: "old"},
		{Area: "serve", Commit: "old", Figures: some}}})
	if len(r.Areas) != 3 || r.Areas[0].Area != "ledger" || r.Areas[1].Commit != "old" || r.Areas[2].Commit != "new" ||
		r.Peers["xgboost"] != "3" || r.Peers["polars"] != "1" {
		t.Errorf("merged %+v", r)
	}
}

// TestWatch: the spin loop reaches about its own best, and the time of this
// process is counted as ours.
func TestWatch(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	w := newMachineWatch()
	if w.fastestSpin <= 0 {
		t.Fatal("the spin loop did nothing")
	}
	if s := spinSpeed() / w.fastestSpin; s <= 0 || s > 3 {
		t.Errorf("a second spin ran at %.2f of the best", s)
	}
	if _, err := os.Stat("/proc/stat"); err != nil {
		t.Skip("this system does not count the processor's time in /proc/stat")
	}
	before := w.ticksNow()
	for range 5 { // half a second of all cores, if nobody else wants them
		spinSpeed()
	}
	if after := w.ticksNow(); after.ours-before.ours < 5 || after.busy-before.busy < 5 {
		t.Errorf("after half a second of loops the counters went from %+v to %+v", before, after)
	}
	if others := (ticks{100, 50, 40}).others(ticks{300, 200, 150}); others != 0.2 {
		t.Errorf("of 200 ticks 150 were used, 110 of them by us: others used %.2f", others)
	}
	if others := (ticks{100, 50, 40}).others(ticks{100, 50, 40}); others != 0 {
		t.Errorf("others used %.2f of no time", others)
	}
	if q := (quietness{Others: 0.5, Spin: 1}); q.quiet() {
		t.Error("a machine half used by others is quiet")
	}
	if q := (quietness{Others: 0, Spin: 0.5}); q.quiet() {
		t.Error("a machine at half its speed is quiet")
	}
}

func TestNumbers(t *testing.T) {
	for x, want := range map[float64]string{0.1234: "0.123", 12345: "12345", 1e6: "1000000", 2.5: "2.5"} {
		if got := threeDigits(x); got != want {
			t.Errorf("%v is written %s, want %s", x, got, want)
		}
	}
}
