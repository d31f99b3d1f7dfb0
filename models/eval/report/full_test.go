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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// full returns an input with every part: n rows of a linear model over three
// numbers and a category.
func full(n int, seed uint64) Input {
	r := eval.Random(seed)
	in := Input{Title: "made <b>up</b> & tested", Purpose: "A test.", Seed: seed, Resamples: 20,
		Made: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	columns := make([][]float64, 4)
	train := make([][]float64, 4)
	margin := func(x []float64) float64 {
		s := -1.2
		for j, v := range x[:3] {
			if !math.IsNaN(v) {
				s += v / float64(j+1)
			}
		}
		if x[3] == 1 {
			s += 0.8
		}
		return s
	}
	pd := func(m float64) float64 { return 1 / (1 + math.Exp(-m)) }
	draw := func() []float64 {
		x := []float64{r.Normal(), r.Normal(), r.Normal(), float64(r.Below(3))}
		if r.Unit() < 0.1 {
			x[1] = math.NaN()
		}
		return x
	}
	tr := &Train{}
	for range n {
		x := draw()
		m := margin(x)
		tr.Margin, tr.PD, tr.Label = append(tr.Margin, m), append(tr.PD, pd(m)), append(tr.Label, 0)
		if r.Unit() < pd(m) {
			tr.Label[len(tr.Label)-1] = 1
		}
		for j, v := range x {
			train[j] = append(train[j], v)
		}
	}
	in.Train, in.TrainedUntil = tr, time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)
	group, grade := Category{Name: "region", Levels: []string{"north", "south", "nobody"}, Reference: "north"},
		Category{Name: "grade", Levels: []string{"A", "B", "C"}}
	rival := Challenger{Name: "simple rule", Simple: true, Note: "One number.",
		Rules: &document.Table{Title: "Rule", Columns: []document.Column{{Name: "When"}},
			Rows: [][]document.Cell{{text("x0 > 0")}}}}
	for i := range n {
		x := draw()
		m := margin(x)
		p := pd(m)
		y := 0.0
		if r.Unit() < p {
			y = 1
		}
		in.Label, in.Margin, in.PD, in.RawPD = append(in.Label, y), append(in.Margin, m), append(in.PD, p),
			append(in.RawPD, pd(1.6*m))
		in.Time = append(in.Time, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, i*400/n))
		in.Names = append(in.Names, "row-"+numfmt.Plain.Print(float64(i)))
		rival.Score, rival.PD = append(rival.Score, x[0]), append(rival.PD, pd(x[0]-1.2))
		group.Code = append(group.Code, int32(i%3)-1) // a third not known, nobody empty
		grade.Code = append(grade.Code, int32(min(2, int(3*p))))
		in.Outcome = append(in.Outcome, assay.Outcome(1+min(2, int(3*p))))
		for j, v := range x {
			columns[j] = append(columns[j], v)
		}
	}
	for j, name := range []string{"x0", "x1", "x2", "kind"} {
		in.Features = append(in.Features,
			Feature{Name: name, Values: columns[j], Train: train[j], Monotone: int8(1 - j%2),
				Movable: j == 0, Cleaned: j})
	}
	in.Features[3].Categories, in.Features[3].Monotone = []string{"plain", "risky", "<script>alert"}, 0
	in.Features[0].Group, in.Features[1].Group = "numbers", "numbers"
	in.Segments, in.Groups, in.Grades = []Category{group}, []Category{group}, &grade
	in.Challenger, in.Champion = []Challenger{rival}, &rival
	in.Contributions = func(dst []float64, row int) {
		x := []float64{columns[0][row], columns[1][row], columns[2][row], columns[3][row]}
		dst[4] = -1.2
		for j, v := range x[:3] {
			dst[j] = 0
			if !math.IsNaN(v) {
				dst[j] = v / float64(j+1)
			}
		}
		dst[3] = 0
		if x[3] == 1 {
			dst[3] = 0.8
		}
	}
	in.Reasons = func(row int) []assay.Reason {
		if columns[0][row] > 0 {
			return []assay.Reason{{Code: "R1", Text: "x0 is high"}}
		}
		return nil
	}
	in.Score = func(x []float64) float64 { return pd(margin(x)) }
	in.Hardening = &Hardening{Note: "The same.", Score: in.Score}
	in.Economics = &Economics{Unit: "EUR", Profit: 100, Loss: 900}
	in.Before, in.After = &Strategy{Name: "old", Outcome: slices.Clone(in.Outcome)},
		&Strategy{Name: "new", Outcome: in.Outcome}
	for i := range in.Before.Outcome {
		in.Before.Outcome[i] = assay.Outcome(1 + i%3)
	}
	for k := range 3 {
		from := time.Date(2025, time.Month(4+k), 1, 0, 0, 0, 0, time.UTC)
		in.Backtest = append(in.Backtest,
			Period{From: from, To: from.AddDate(0, 1, 0), Trained: n, Label: in.Label[k*n/3 : (k+1)*n/3],
				PD: in.PD[k*n/3 : (k+1)*n/3]})
	}
	in.Declined = &Declined{PD: []float64{0.5, 0.7, 0.9, 0.2}}
	in.Served = append([]float64(nil), in.Margin...)
	in.Served[0] = math.NaN()
	in.Card = []Fact{{"Plan", strings.Repeat("ab", 32)}}
	in.Exclusions = []Exclusion{{"no outcome yet", 3}}
	in.Ledger = &Ledger{Facts: []Fact{{"Sequence", "17"}}, Note: "Not vouched for."}
	return in
}

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
