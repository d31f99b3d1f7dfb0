// SPDX-License-Identifier: Apache-2.0

package foreign

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/training"
)

// planCases are plans of a person's own for models whose files list categories,
// over one of two tables in which only one value is frequent.
var planCases = []struct {
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
}

// rareValues writes two tables of the same 300 rows: where is a text in one and a
// number in the other, and all but the first row have the same value there.
func rareValues(t *testing.T) map[string]string {
	t.Helper()
	paths := map[string]string{}
	for name, values := range map[string][2]string{"texts": {"east", "west"}, "numbers": {"3", "70"}} {
		var b strings.Builder
		b.WriteString("where,income,age,target\n")
		for i := range 300 {
			fmt.Fprintf(&b, "%s,%d,40,%d\n", values[min(i, 1)], i, i%2)
		}
		paths[name] = filepath.Join(t.TempDir(), name+".csv")
		if err := os.WriteFile(paths[name], []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// TestPlansOfOurOwn imports models with a dictionary under plans of a person's
// own. Their categories get the dictionary, in which a value that is rare in the
// rows at hand keeps its code; what would make other codes is refused.
func TestPlansOfOurOwn(t *testing.T) {
	t.Parallel()
	rows := rareValues(t)
	for _, c := range planCases {
		t.Run(c.file+c.feature, func(t *testing.T) {
			s, err := underPlan(t, c.from, c.file, rows[c.rows], "version: 1\nlabel: {column: target}\nfields: "+
				"[{name: where"+c.field+"}, {name: income}, {name: age}]\n"+
				"features: [{name: where"+c.feature+"}, {name: income}, {name: age}]\n")
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("%v, want it refused with %q", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			f := s.Plan.Spec().Features[0]
			got := strings.Join(f.Categories, " ") + " " + f.Unknown
			if slices.Equal(s.Plan.Spec().Fields[0].Values, f.Categories) {
				got = strings.Join(f.Categories, " ") + " refused"
			}
			if got != c.codes {
				t.Errorf("the codes are of %s, want %s", got, c.codes)
			}
			checkFrozen(t, c.from, c.file, s.Bundle.Plan)
		})
	}
}

// underPlan imports a model under a plan that is fitted on the rows of a file.
func underPlan(t *testing.T, from, file, rows, plan string) (*training.Scorer, error) {
	t.Helper()
	m, err := Read(training.Quiet{}, from, readModelFile(t, file), "")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := features.ParseSpec([]byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.FixCodes(spec); err != nil {
		return nil, err
	}
	table, err := training.ReadTable(t.Context(), training.Quiet{}, rows, training.ColumnsOf(spec))
	if err != nil {
		t.Fatal(err)
	}
	fitted, _, err := features.Fit(t.Context(), spec, table.Frame.Record, nil)
	if err != nil {
		t.Fatal(err)
	}
	return written(t, m, fitted)
}

// checkFrozen imports a model again under the frozen plan of its bundle, which is
// taken, and another model under that plan, which is not.
func checkFrozen(t *testing.T, from, file string, frozen []byte) {
	t.Helper()
	plan, err := features.LoadPlan(frozen)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, file, refused string }{
		{from, file, ""}, {"lightgbm", "lightgbm-pandas-flags.txt", "not those of the model's file"},
	} {
		m, err := Read(training.Quiet{}, c.from, readModelFile(t, c.file), "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = written(t, m, plan)
		if c.refused == "" && err != nil || c.refused != "" &&
			(err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s under the frozen plan of %s: %v, want %q", c.file, file, err, c.refused)
		}
	}
}

// notes keeps what a person is told.
type notes struct {
	training.Quiet
	said []string
}

func (n *notes) Note(format string, args ...any) {
	n.said = append(n.said, fmt.Sprintf(format, args...))
}

// TestCategoriesAreTold: reading a file says which categories it took, and which
// it has codes of alone.
func TestCategoriesAreTold(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"lightgbm-pandas-numbers.txt": "where (3, 4, 8, 70, 5)", "lightgbm-codes.txt": "rows must hold the codes",
	} {
		var n notes
		m, err := Read(&n, "lightgbm", readModelFile(t, file), "")
		if err != nil || !strings.Contains(strings.Join(n.said, "\n"), want) ||
			!slices.Equal(m.Notes[1:], n.said) {
			t.Errorf("%s: %v; said %q, want %q; the manifest's notes are %q", file, err, n.said, want, m.Notes)
		}
	}
}

// TestOptionsThatDoNotFit: a format that is not known, or is not the file's, is
// an option to correct, and a policy that does not fit the plan is refused before
// the gate.
func TestOptionsThatDoNotFit(t *testing.T) {
	t.Parallel()
	file := readModelFile(t, "lightgbm-pandas-numbers.txt")
	for format, want := range map[string]string{"onnx": "the formats are catboost", "xgboost": "give --from lightgbm"} {
		_, err := Read(training.Quiet{}, format, file, "")
		var option *training.OptionError
		if !errors.As(err, &option) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", format, err, want)
		}
	}
	m, err := Read(training.Quiet{}, "lightgbm", file, "")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := m.PlainPlan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const wrong = "name: p\ncutoffs: {review_from: 0.3, decline_from: 0.6}\nrules: [{name: r, when: 'event.nosuch > " +
		"1.0', outcome: review}]\n"
	if _, err := m.Bundle(training.Quiet{}, "x", plan, []byte(wrong)); err == nil ||
		!strings.Contains(err.Error(), "nosuch") {
		t.Errorf("a policy that reads a field that is not there: %v", err)
	}
}
