// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// tied is a full input whose scores take few values, so that every table cuts
// through rows of equal score.
func tied(n int, seed uint64) Input {
	in := full(n, seed)
	for i := range in.Margin {
		in.Margin[i] = math.Round(in.Margin[i])
		in.PD[i] = 1 / (1 + math.Exp(-in.Margin[i]))
		in.RawPD[i] = 1 / (1 + math.Exp(-1.6*in.Margin[i]))
		in.Served[i] = in.Margin[i]
		in.Outcome[i] = assay.Outcome(1 + min(2, int(3*in.PD[i])))
		in.Grades.Code[i] = int32(min(2, int(3*in.PD[i])))
		in.Challenger[0].Score[i] = math.Round(in.Challenger[0].Score[i])
	}
	in.After.Outcome = in.Outcome
	score := in.Score
	in.Score = func(x []float64) float64 {
		p := score(x)
		return 1 / (1 + math.Exp(-math.Round(math.Log(p/(1-p)))))
	}
	in.Points = make([]float64, n)
	for i, m := range in.Margin {
		in.Points[i] = 500 - 20*m
	}
	in.Economics.Amount = make([]float64, n)
	for i := range in.Economics.Amount {
		in.Economics.Amount[i] = float64(i%7) * 100
	}
	in.Train.OutOfFold, in.Train.OutOfFoldPD = in.Train.Margin, in.Train.PD
	return in
}

// permuted is the input with its rows in another order, or some of them as often as
// order has them: row k of it is row order[k]. It finds every slice that has a value for each row by its length,
// so that one added to Input is permuted too.
func permuted(in Input, order []int32) Input {
	n := len(in.Label)
	var permute func(v reflect.Value) reflect.Value
	permute = func(v reflect.Value) reflect.Value {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() {
				return v
			}
			out := reflect.New(v.Type().Elem())
			out.Elem().Set(permute(v.Elem()))
			return out
		case reflect.Struct:
			out := reflect.New(v.Type()).Elem()
			out.Set(v)
			for i := range v.NumField() {
				if name := v.Type().Field(i).Name; v.Type().Field(i).IsExported() && name != "Train" &&
					name != "Backtest" && name != "Declined" && name != "Rules" {
					out.Field(i).Set(permute(v.Field(i)))
				}
			}
			return out
		case reflect.Slice:
			if v.Len() == 0 {
				return v
			}
			if v.Len() == n {
				out := reflect.MakeSlice(v.Type(), len(order), len(order))
				for i, row := range order {
					out.Index(i).Set(v.Index(int(row)))
				}
				return out
			}
			out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			for i := range v.Len() {
				out.Index(i).Set(permute(v.Index(i)))
			}
			return out
		}
		return v
	}
	out := permute(reflect.ValueOf(in)).Interface().(Input)
	contributions, reasons := in.Contributions, in.Reasons
	out.Contributions = func(dst []float64, row int) { contributions(dst, int(order[row])) }
	out.Reasons = func(row int) []assay.Reason { return reasons(int(order[row])) }
	return out
}

// shuffledRows is a random order of 0..n-1.
func shuffledRows(n int, seed uint64) []int32 {
	r := eval.Random(seed)
	out := make([]int32, n)
	for i := range out {
		j := r.Below(i + 1)
		out[i], out[j] = out[j], int32(i)
	}
	return out
}

// differing returns the paths at which two reports differ, the first few.
func differing(t *testing.T, a, b string) []string {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(path string, a, b any)
	walk = func(path string, a, b any) {
		switch u := a.(type) {
		case map[string]any:
			v, ok := b.(map[string]any)
			if ok && len(u) == len(v) {
				for k := range u {
					walk(path+"."+k, u[k], v[k])
				}
				return
			}
		case []any:
			v, ok := b.([]any)
			if ok && len(u) == len(v) {
				for k := range u {
					walk(fmt.Sprintf("%s[%d]", path, k), u[k], v[k])
				}
				return
			}
		}
		if !reflect.DeepEqual(a, b) {
			out = append(out, fmt.Sprintf("%s: %.60v and %.60v", path, a, b))
		}
	}
	walk("", x, y)
	return out
}

// TestShufflingRowsChangesNothing holds the whole report to the same bytes,
// explanations and stress tests included, also where scores are tied.
func TestShufflingRowsChangesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	weighted, _ := weightedCopies(300, 4)
	for name, in := range map[string]Input{"untied": full(300, 4), "tied": tied(300, 4), "weighted": weighted,
		"more rows than samples": tied(2300, 5)} {
		_, html, js := render(t, in)
		for seed := range uint64(2) {
			_, h, j := render(t, permuted(in, shuffledRows(len(in.Label), seed+1)))
			if d := differing(t, js, j); len(d) > 0 {
				t.Errorf("%s: shuffled, %d values differ: %s", name, len(d), strings.Join(d[:min(4, len(d))], "; "))
			}
			if html != h {
				t.Errorf("%s: shuffled, the page differs", name)
			}
		}
	}
}

// TestShufflingTrainingRowsChangesNothing does the same with the training rows,
// the periods of the backtest and the declined.
func TestShufflingTrainingRowsChangesNothing(t *testing.T) {
	in := tied(300, 6)
	_, _, js := render(t, in)
	order := shuffledRows(len(in.Train.Label), 3)
	tr := *in.Train
	for _, x := range []*[]float64{&tr.Label, &tr.PD, &tr.Margin, &tr.OutOfFold, &tr.OutOfFoldPD} {
		*x = eval.Select(*x, order)
	}
	in.Train = &tr
	for j := range in.Features {
		in.Features[j].Train = eval.Select(in.Features[j].Train, order)
	}
	in.Declined = &Declined{PD: []float64{0.2, 0.9, 0.7, 0.5}}
	for k, p := range in.Backtest {
		order := shuffledRows(len(p.Label), 4)
		in.Backtest[k].Label, in.Backtest[k].PD = eval.Select(p.Label, order), eval.Select(p.PD, order)
	}
	_, _, j := render(t, in)
	if d := differing(t, js, j); len(d) > 0 {
		t.Errorf("%d values differ: %s", len(d), strings.Join(d[:min(4, len(d))], "; "))
	}
}

// TestConstantModelHasNoLift: with one score for all, every tenth has the mean
// bad rate, and no order of the file makes a difference.
func TestConstantModelHasNoLift(t *testing.T) {
	label, pd := labelled(403, 2)
	fill(pd, 0.2)
	rival := Challenger{Name: "constant too", Score: make([]float64, len(pd))}
	r, _, _ := render(t, Input{Label: label, PD: pd, Champion: &rival})
	for k, row := range blockTable(t, r, "strategy", "Gains by tenth").Rows {
		if lift, ks := float64(row[7].Number()), float64(row[10].Number()); math.Abs(lift-1) > 1e-12 ||
			math.Abs(ks) > 1e-12 {
			t.Errorf("tenth %d: lift %v, KS so far %v, want 1 and 0", k+1, lift, ks)
		}
	}
	for _, row := range blockTable(t, r, "strategy", "Swap set against constant too").Rows {
		if row[1].Number() != 0 || row[3].Number() != 0 || math.Abs(float64(row[5].Number()-row[6].Number())) > 1e-12 {
			t.Errorf("two models that say nothing swap rows: %v", row)
		}
	}
}

// TestDuplicatedTable: twice the rows have the same figures where nothing counts
// rows, and narrower intervals.
func TestDuplicatedTable(t *testing.T) {
	label, pd := labelled(400, 7)
	x := make([]float64, len(pd))
	for i := range x {
		x[i] = math.Round(4 * pd[i])
	}
	once := Input{Label: label, PD: pd, Features: []Feature{{Name: "x", Values: x}}}
	twice := Input{Label: append(append([]float64(nil), label...), label...),
		PD: append(append([]float64(nil), pd...), pd...)}
	twice.Features = []Feature{{Name: "x", Values: append(append([]float64(nil), x...), x...)}}
	a, _, _ := render(t, once)
	b, _, _ := render(t, twice)
	for _, m := range a.Metrics {
		other, _ := b.Metric(m.Name)
		switch m.Name {
		case "hosmer_lemeshow", "hosmer_lemeshow_p", "spiegelhalter_z", "spiegelhalter_p": // tests count rows
			continue
		}
		if d := math.Abs(float64(m.Value - other.Value)); d > 1e-9 {
			t.Errorf("%s: %v of one table, %v of two", m.Name, m.Value, other.Value)
		}
		if m.Low.Defined() && !(other.High-other.Low < m.High-m.Low) {
			t.Errorf("%s: the interval is not narrower: %v to %v, then %v to %v", m.Name, m.Low,
				m.High, other.Low, other.High)
		}
	}
	for k, row := range blockTable(t, a, "strategy", "Gains by tenth").Rows {
		other := blockTable(t, b, "strategy", "Gains by tenth").Rows[k]
		for c, v := range row {
			want := float64(v.Number())
			if c == 1 || c == 5 {
				want *= 2
			}
			if got := float64(other[c].Number()); math.Abs(got-want) > 1e-9 {
				t.Errorf("gains, line %d, column %d: %v, want %v", k+1, c, got, want)
			}
		}
	}
	if u, v := blockTable(t, a, "variables", "All bins"), blockTable(t, b, "variables",
		"All bins"); len(u.Rows) != len(v.Rows) {
		t.Errorf("%d bins, then %d", len(u.Rows), len(v.Rows))
	}
}

// TestDuplicatedReport does the same with every table of a full report, stress
// tests and explanations included: a figure stays, or is a count or a sum and
// doubles.
func TestDuplicatedReport(t *testing.T) {
	in := tied(300, 7)
	rows := make([]int32, 0, 600)
	for i := range int32(300) {
		rows = append(rows, i, i)
	}
	a, _, _ := render(t, in)
	b, _, _ := render(t, permuted(in, rows))
	near := func(x, y float64) bool { return math.Abs(x-y) <= 1e-9*math.Max(1, math.Abs(x)) }
	doubled := map[string]bool{}
	count := eachFigure(t, a, b, func(table *document.Table, row []document.Cell, column string, x, y float64) {
		switch table.Title {
		case "Ten worked decisions", "Evasion", "Wrong labels", "Calibration methods", "Effect of training with noise",
			"Backtest forward in time", "Sensitivity to the declined":
			return // rows by their place or drawn; periods and declined applications are not doubled
		case "Noise and loss, field by field":
			if column == "Mean change of PD" || column == "Decisions changed" {
				return // the first of each is drawn
			}
		}
		half := column == "PSI" || column == "Mean PSI" || column == "Largest PSI" ||
			column == "Contribution to the PSI" ||
			column == "Information value" || column == "Weight of evidence"
		switch {
		case near(x, y), math.IsNaN(x):
		case near(2*x, y):
			doubled[table.Title] = true
		case half: // half a row is added where there is none
		default:
			t.Errorf("%s, %s, %s: %v once, %v twice", table.Title, row[0].Text(), column, x, y)
		}
	})
	for _, title := range []string{"Noise and loss, field by field", "Importance by several measures", "Absurd values",
		"Approval by region", "Calibration", "By month of decision"} {
		if count[title] == 0 {
			t.Errorf("%s was not compared", title)
		}
	}
	for _, title := range []string{"Discrimination", "Calibration", "Absurd values", "Importance by several measures",
		"Noise and loss, field by field", "Models on the same rows"} {
		if doubled[title] {
			t.Errorf("%s has figures that count rows", title)
		}
	}
}

// TestMissingColumnChangesNothingElse adds a column without a value: it gets its
// own lines, and every other figure stays.
func TestMissingColumnChangesNothingElse(t *testing.T) {
	in := tied(300, 8)
	a, _, _ := render(t, in)
	empty, trained := make([]float64, 300), make([]float64, len(in.Train.Label))
	fill(empty, math.NaN())
	fill(trained, math.NaN())
	in.Features = append(append([]Feature(nil), in.Features...), Feature{Name: "empty", Values: empty, Train: trained})
	contributions := in.Contributions
	in.Contributions = func(dst []float64, row int) {
		contributions(dst[:5], row)
		dst[4], dst[5] = 0, dst[4]
	}
	b, _, _ := render(t, in)
	if d := differing(t, metricsText(t, a), metricsText(t, b)); len(d) > 0 {
		t.Errorf("metrics differ: %v", d)
	}
	for k, s := range a.Sections {
		for n, block := range s.Blocks {
			if block.Table == nil {
				continue
			}
			other := b.Sections[k].Blocks[n].Table
			if other == nil || other.Title != block.Table.Title {
				t.Fatalf("section %s has other blocks", s.ID)
			}
			lines := map[string]bool{}
			for _, row := range other.Rows {
				if row[0].Text() != "empty" {
					lines[fmt.Sprint(row)] = true
				}
			}
			for _, row := range block.Table.Rows {
				if !lines[fmt.Sprint(row)] {
					t.Errorf("%s, %s: the line of %s changed", s.ID, other.Title, row[0].Text())
				}
			}
		}
	}
}

func metricsText(t *testing.T, r *document.Report) string {
	t.Helper()
	b, err := json.Marshal(r.Metrics)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRenamedCategoriesChangeNamesAlone: what a category is called moves no
// figure.
func TestRenamedCategoriesChangeNamesAlone(t *testing.T) {
	in := tied(300, 9)
	_, _, js := render(t, in)
	f := append([]Feature(nil), in.Features...)
	f[3].Categories = []string{"zero", "one", "two"}
	in.Features = f
	_, _, j := render(t, in)
	for _, pair := range [][2]string{{"zero", "plain"}, {"one", "risky"}, {"two", "<script>alert"}} {
		j = strings.ReplaceAll(j, `"`+pair[0]+`"`, `"`+pair[1]+`"`)
		j = strings.ReplaceAll(j, `"`+pair[0]+" (", `"`+pair[1]+" (")
		j = strings.ReplaceAll(j, "kind = "+pair[0]+" ", "kind = "+pair[1]+" ")
	}
	if d := differing(t, js, j); len(d) > 0 {
		t.Errorf("%d values differ: %s", len(d), strings.Join(d[:min(6, len(d))], "; "))
	}
}

// TestCallersInputStays: a report does not reorder what it was given.
func TestCallersInputStays(t *testing.T) {
	in := tied(200, 3)
	before, err := json.Marshal([]any{in.Label, in.PD, in.Margin, in.Names, in.Groups, in.Outcome, in.Train.PD,
		in.Challenger[0].Score, in.Economics.Amount, in.Declined.PD})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Build(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	after, _ := json.Marshal([]any{in.Label, in.PD, in.Margin, in.Names, in.Groups, in.Outcome, in.Train.PD,
		in.Challenger[0].Score, in.Economics.Amount, in.Declined.PD})
	if string(before) != string(after) {
		t.Error("the caller's rows were reordered")
	}
}
