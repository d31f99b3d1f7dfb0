// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/models/eval/report/document"
)

func TestFullReport(t *testing.T) {
	r, html, js := render(t, full(900, 4))
	for _, s := range r.Sections {
		if s.Absent != "" || len(s.Blocks) == 0 {
			t.Errorf("section %s is absent (%s) though every part was given", s.ID, s.Absent)
		}
	}
	if len(r.Sections) != 13 {
		t.Errorf("%d sections, want 13", len(r.Sections))
	}
	if strings.Contains(html, "<script>alert") || strings.Contains(html, "<b>up</b>") {
		t.Error("text from data is not escaped in the page")
	}
	for _, ref := range regexp.MustCompile(`(?:src|href)="([^"#][^"]*)"`).FindAllStringSubmatch(html, -1) {
		t.Errorf("the page refers to %q: it must need nothing else", ref[1])
	}
	ids := map[string]bool{}
	for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if ids[id[1]] {
			t.Errorf("the id %q is used twice", id[1])
		}
		ids[id[1]] = true
	}
	for _, f := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if !ids[f[1]] {
			t.Errorf("a link goes to #%s, which is nowhere", f[1])
		}
	}
	var keys map[string]any
	if err := json.Unmarshal([]byte(js), &keys); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"auc", "gini", "ks", "brier", "logloss", "n", "bad_rate"} {
		if _, ok := keys[k].(float64); !ok {
			t.Errorf("report.json has no number %q", k)
		}
	}
}

// TestFiguresTellTheirStory: every figure has a caption, a text for readers
// who do not see it, and a name for each of its lines.
func TestFiguresTellTheirStory(t *testing.T) {
	r, _, _ := render(t, full(900, 4))
	for _, s := range r.Sections {
		for _, b := range s.Blocks {
			if b.Table != nil {
				for _, row := range b.Table.Rows {
					if len(row) != len(b.Table.Columns) {
						t.Errorf("table %q has a row of %d cells under %d heads", b.Table.Title,
							len(row), len(b.Table.Columns))
					}
				}
			}
			f := b.Figure
			if f == nil {
				continue
			}
			if len(f.Caption) < 20 || len(f.Alt) < 10 || f.X.Label == "" {
				t.Errorf("figure %s: caption %q, alt %q, x label %q", f.ID, f.Caption, f.Alt, f.X.Label)
			}
			named := 0
			for _, x := range f.Series {
				if x.Mark != chart.Reference {
					named++
				}
			}
			for _, x := range f.Series {
				if named > 1 && x.Mark != chart.Reference && x.Name == "" {
					t.Errorf("figure %s: a series among %d has no name", f.ID, named)
				}
			}
		}
	}
}

// TestHardInputs: parts that are empty, constant, missing or extreme.
func TestHardInputs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for name, spoil := range map[string]func(in *Input){
		"one class":         func(in *Input) { clear(in.Label) },
		"one class trained": func(in *Input) { clear(in.Train.Label) },
		"equal scores":      func(in *Input) { fill(in.Margin, 0.3); fill(in.PD, 0.3); fill(in.RawPD, 0.3) },
		"certain":           func(in *Input) { copy(in.PD, in.Label); copy(in.RawPD, in.Label) },
		"infinite margins":  func(in *Input) { in.Margin[3], in.Margin[4] = math.Inf(1), math.Inf(-1) },
		"missing column":    func(in *Input) { fill(in.Features[0].Values, math.NaN()) },
		"constant column":   func(in *Input) { fill(in.Features[0].Values, 7); fill(in.Features[0].Train, 7) },
		"infinite values": func(in *Input) {
			in.Features[0].Values[0], in.Features[2].Values[1] = math.Inf(1), math.Inf(-1)
		},
		"huge values": func(in *Input) {
			in.Features[0].Values[0], in.Features[0].Values[1] = math.MaxFloat64, -math.MaxFloat64
		},
		"unknown categories": func(in *Input) { fill(in.Features[3].Values, 99) },
		"no levels":          func(in *Input) { in.Features[3].Categories = []string{} },
		"nobody known":       func(in *Input) { fillCodes(in.Groups[0].Code, -1) },
		"one group":          func(in *Input) { fillCodes(in.Groups[0].Code, 2) },
		"one month":          func(in *Input) { fillTimes(in.Time, in.Time[0]) },
		"centuries":          func(in *Input) { in.Time[0] = time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC) },
		"all declined":       func(in *Input) { fillOutcome(in.Outcome, assay.Decline) },
		"no economics":       func(in *Input) { in.Economics = &Economics{} },
		"nobody approved": func(in *Input) {
			fillOutcome(in.Before.Outcome, assay.Decline)
			fillOutcome(in.After.Outcome, assay.Review)
		},
		"all approved": func(in *Input) {
			fillOutcome(in.Before.Outcome, assay.Approve)
			fillOutcome(in.After.Outcome, assay.Approve)
		},
		"no loss": func(in *Input) {
			in.Before.Loss, in.After.Loss = make([]float64, 200), make([]float64, 200)
		},
		"empty periods": func(in *Input) { in.Backtest = []Period{{}, {Label: []float64{1}, PD: []float64{1}}} },
		"hardened to nothing": func(in *Input) {
			in.Hardening = &Hardening{Score: func([]float64) float64 { return math.NaN() }}
		},
		"nothing stated": func(in *Input) {
			x := make([]float64, 200)
			fill(x, math.NaN())
			in.Fields = []Field{{Name: "never", Values: x, Movable: true},
				{Name: "no levels", Values: x, Categories: []string{}, Movable: true}}
			in.Restate = func(_ context.Context, rows []int, trials []Trial) ([][]float64, error) {
				out := make([][]float64, len(rows))
				for r := range out {
					out[r] = make([]float64, len(trials))
					fill(out[r], math.NaN()) // the server would refuse it
				}
				return out, nil
			}
		},
		"tiny groups": func(in *Input) {
			fillCodes(in.Groups[0].Code, 0)
			in.Groups[0].Code[7], in.Groups[0].Code[8] = 1, 2
			in.Segments = in.Groups
		},
		"one grade": func(in *Input) { fillCodes(in.Grades.Code, 1) },
		"no grade":  func(in *Input) { fillCodes(in.Grades.Code, -1) },
		"empty columns": func(in *Input) {
			fill(in.Features[0].Values, math.NaN())
			fill(in.Features[0].Train, math.NaN())
		},
		"model says nothing": func(in *Input) { in.Score = func([]float64) float64 { return math.NaN() } },
		"no declined":        func(in *Input) { in.Declined = &Declined{} },
		"nothing served":     func(in *Input) { fill(in.Served, math.NaN()) },
		"served otherwise":   func(in *Input) { in.Served[5]++ },
	} {
		t.Run(name, func(t *testing.T) {
			in := full(200, 8)
			spoil(&in)
			render(t, in)
		})
	}
}

func fill(x []float64, v float64) {
	for i := range x {
		x[i] = v
	}
}

func fillCodes(x []int32, v int32) {
	for i := range x {
		x[i] = v
	}
}

func fillTimes(x []time.Time, v time.Time) {
	for i := range x {
		x[i] = v
	}
}

func fillOutcome(x []assay.Outcome, v assay.Outcome) {
	for i := range x {
		x[i] = v
	}
}

// TestFewRows: from one row up, every section is there or says why not.
func TestFewRows(t *testing.T) {
	for n := 1; n <= 12; n++ {
		if testing.Short() && n > 3 && n < 12 {
			continue // a third of the sizes is enough here
		}
		render(t, full(n, uint64(n)))
	}
}

func TestParityIsBitwise(t *testing.T) {
	in := full(100, 2)
	in.Served[5] = math.Nextafter(in.Margin[5], 9)
	r, _, _ := render(t, in)
	for _, v := range r.Verdicts {
		if v.Section == "parity" && (v.Light != document.Fail || !strings.Contains(v.Finding, "1 of 99")) {
			t.Errorf("one bit differs, yet the verdict is %s: %s", v.Light, v.Finding)
		}
	}
}

// TestDigestIsOfTheBytes: any change of a number changes the digest.
func TestDigestIsOfTheBytes(t *testing.T) {
	in := full(120, 2)
	a, _, _ := render(t, in)
	d1, err := a.Digest()
	if err != nil {
		t.Fatal(err)
	}
	in.PD[7] = math.Nextafter(in.PD[7], 1)
	b, _, _ := render(t, in)
	d2, err := b.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if d1 == d2 {
		t.Error("the last bit of a PD changed and the digest did not")
	}
}

// TestThreadsDoNotMatter: the same bytes on one processor and on four.
func TestThreadsDoNotMatter(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	_, h1, j1 := render(t, full(150, 6))
	runtime.GOMAXPROCS(4)
	_, h4, j4 := render(t, full(150, 6))
	if h1 != h4 || j1 != j4 {
		t.Error("the report depends on the number of processors")
	}
}

func TestCancelled(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if _, err := Build(ctx, full(50, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestPDF(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "report.html"), filepath.Join(dir, "report.pdf")
	_, html, _ := render(t, full(60, 1))
	if err := os.WriteFile(from, []byte(html), 0o644); err != nil {
		t.Fatal(err)
	}
	err := document.PDF(context.Background(), from, to)
	if errors.Is(err, document.ErrNoBrowser) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(to)
	if err != nil || !strings.HasPrefix(string(b), "%PDF-") {
		t.Errorf("no PDF was written: %v", err)
	}
	if err := document.PDF(context.Background(), filepath.Join(dir, "none.html"), to); err == nil {
		t.Error("no error for a file that does not exist")
	}
}
