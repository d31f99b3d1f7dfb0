// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/training"
)

// TestImportPlan imports a model with a dictionary under plans of a person's own.
// Their categories get the dictionary, in which a value that is rare in the rows
// at hand keeps its code; what would make other codes is refused.
func TestImportPlan(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	var texts, numbers strings.Builder
	texts.WriteString("where,income,age,target\n")
	numbers.WriteString("where,income,age,target\n")
	for i := range 300 { // only one value is frequent
		name, no := "west", "70"
		if i == 0 {
			name, no = "east", "3"
		}
		fmt.Fprintf(&texts, "%s,%d,40,%d\n", name, i, i%2)
		fmt.Fprintf(&numbers, "%s,%d,40,%d\n", no, i, i%2)
	}
	rows := map[string]string{"texts": write("texts.csv", texts.String()), "numbers": write("numbers.csv",
		numbers.String())}
	plan := func(field, feature string) string {
		return "version: 1\nlabel: {column: target}\nfields: [{name: where" + field +
			"}, {name: income}, {name: age}]\n" +
			"features: [{name: where" + feature + "}, {name: income}, {name: age}]\n"
	}
	models := filepath.Join("testdata", "modelfiles")
	for i, c := range []struct {
		from, file, rows, field, feature string
		refused                          string
		codes                            string
	}{
		{"lightgbm", "lightgbm-pandas-texts.txt", "texts", ", kind: text", "", "", "east north süd west other missing"},
		{"lightgbm", "lightgbm-pandas-texts.txt", "texts", ", kind: text", ", min_count: 50", "",
			"east north süd west other missing"},
		{"lightgbm", "lightgbm-pandas-numbers.txt", "numbers", "", ", kernel: category, categories: [3, 4, 8, 70, " +
			"5], unknown: missing", "", "3 4 8 70 5 missing"},
		{"xgboost", "xgboost-pandas-texts-json.json", "texts", ", kind: text", "", "",
			"east north sued west other refused"},
		{"lightgbm", "lightgbm-pandas-texts.txt", "texts", ", kind: text", ", categories: [west, east]",
			"not those of the model's file", ""},
		{"lightgbm", "lightgbm-pandas-texts.txt", "texts", ", kind: text", ", kernel: frequency",
			"makes it by frequency", ""},
		{"lightgbm", "lightgbm-pandas-numbers.txt", "numbers", "", "", "makes it by passthrough", ""},
		{"lightgbm", "lightgbm-pandas-numbers.txt", "numbers", "", ", kernel: category, categories: [3, 4, 8, 70, " +
			"5], unknown: other", "write unknown: missing", ""},
		{"lightgbm", "lightgbm-pandas-numbers.txt", "numbers", "", ", kernel: category, categories: [3, 4, 8, 70, 5]",
			"", "3 4 8 70 5 missing"},
		{"sklearn", "sklearn-hist-numbers.pkl", "numbers", "", ", kernel: category, categories: [3, 4, 5, 8, 70]",
			"1 is \"where\" in the plan", ""},
		{"xgboost", "xgboost-codes.json", "texts", ", kind: text", "", "is a category that is learned", ""},
	} {
		out := filepath.Join(dir, fmt.Sprint("bundle", i))
		_, stderr, code := assayRun(t, "import", "--from", c.from, "--file", filepath.Join(models, c.file),
			"--out", out, "--plan", write("plan.yaml", plan(c.field, c.feature)), "--data", rows[c.rows])
		if c.refused != "" {
			if code != 1 || !strings.Contains(stderr, c.refused) {
				t.Errorf("%s, %q: status %d, want %q\n%s", c.file, c.feature, code, c.refused, stderr)
			}
			continue
		}
		if code != 0 {
			t.Errorf("%s, %q: %s", c.file, c.feature, stderr)
			continue
		}
		s, err := training.OpenScorer(out)
		if err != nil {
			t.Fatal(err)
		}
		f := s.Plan.Spec().Features[0]
		got := strings.Join(f.Categories, " ") + " " + f.Unknown
		if slices.Equal(s.Plan.Spec().Fields[0].Values, f.Categories) {
			got = strings.Join(f.Categories, " ") + " refused"
		}
		if got != c.codes {
			t.Errorf("%s, %q: the codes are of %s, want %s", c.file, c.feature, got, c.codes)
		}
		checkFrozen(t, c.from, filepath.Join(models, c.file), out)
	}
}

// checkFrozen imports a model again under the frozen plan of its bundle, which is
// taken, and another model under that plan, which is not.
func checkFrozen(t *testing.T, from, file, bundle string) {
	t.Helper()
	frozen := filepath.Join(bundle, "plan.json")
	if _, stderr, code := assayRun(t, "import", "--from", from, "--file", file, "--out", bundle+"-again",
		"--plan", frozen); code != 0 {
		t.Errorf("%s, frozen: %s", file, stderr)
	}
	other := filepath.Join("testdata", "modelfiles", "lightgbm-pandas-flags.txt")
	if _, stderr, code := assayRun(t, "import", "--from", "lightgbm", "--file", other, "--out", bundle+"-other",
		"--plan", frozen); code != 1 || !strings.Contains(stderr, "not those of the model's file") {
		t.Errorf("%s, frozen, of another model: status %d, %s", file, code, stderr)
	}
}

// TestImportedCategoriesInFiles: rows that a file holds are scored as the
// library scored the frame, and the import says what it took.
func TestImportedCategoriesInFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join("testdata", "modelfiles", "lightgbm-pandas-numbers.txt")
	out := filepath.Join(dir, "bundle")
	_, stderr, code := assayRun(t, "import", "--from", "lightgbm", "--file", file, "--out", out)
	if code != 0 || !strings.Contains(stderr, "where (3, 4, 8, 70, 5)") {
		t.Fatalf("status %d, %s", code, stderr)
	}
	if _, stderr, code = assayRun(t, "import", "--from", "xgboost", "--file", file, "--out", out); code != 2 ||
		!strings.Contains(stderr, "give --from lightgbm") {
		t.Errorf("another format: status %d, %s", code, stderr)
	}
	_, stderr, code = assayRun(t, "import", "--from", "lightgbm", "--file", filepath.Join("testdata", "modelfiles",
		"lightgbm-codes.txt"), "--out", out+"2")
	if code != 0 || !strings.Contains(stderr, "rows must hold the codes") {
		t.Errorf("codes without a list: status %d, %s", code, stderr)
	}
	rows := filepath.Join(dir, "rows.csv")
	if err := os.WriteFile(rows, []byte("where,income,age\n70,0.5,41\n70.0,0.5,41\n3,0.5,41\n5,0.5,41\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	scores := filepath.Join(dir, "scores.csv")
	if _, stderr, code := assayRun(t, "score", "--model", out, "--data", rows, "--out", scores); code != 0 {
		t.Fatal(stderr)
	}
	b, err := os.ReadFile(scores)
	if err != nil {
		t.Fatal(err)
	}
	var margins []string
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n")[1:] {
		margins = append(margins, strings.Split(line, ",")[1])
	}
	if margins[0] != margins[1] || margins[0] == margins[2] {
		t.Errorf("margins %v: 70 and 70.0 are one category, 3 another", margins)
	}
	s, err := training.OpenScorer(out)
	if err != nil {
		t.Fatal(err)
	}
	if f := s.Plan.Features()[0]; f.Categories[3] != "70" || f.Categories[5] != features.OtherCategory {
		t.Errorf("categories %v", f.Categories)
	}
}
