// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models/eval"
	"github.com/assayrisk/assay/models/eval/report/document"
)

// questions in the order of the page, with short names for the table.
var questions = []struct{ short, question string }{
	{"size", sizeQuestion}, {"leak", leakQuestion}, {"direction", directionQuestion}, {"training", trainingQuestion},
	{"separation", separationQuestion},
	{"simpler", simplerQuestion}, {"level", levelQuestion}, {"shift", shiftQuestion}, {"forward", forwardQuestion},
	{"groups", groupsQuestion},
	{"missing", missingQuestion}, {"silence", silenceQuestion}, {"parity", parityQuestion},
}

// hardTables are tables on which a verdict is easily wrong.
func hardTables() (names []string, inputs []Input) {
	add := func(name string, in Input) { names, inputs = append(names, name), append(inputs, in) }
	for _, rows := range []int{50, 100, 1000} {
		for _, bad := range []int{0, 1, 2, 10} {
			add(fmt.Sprintf("%d rows, %d bad", rows, bad), few(rows, bad))
		}
	}
	add("all scores equal", spoiled(400, func(in *Input) {
		fill(in.Margin, 0.3)
		fill(in.PD, 0.3)
		fill(in.RawPD, 0.3)
		in.Score = func([]float64) float64 { return 0.3 }
	}))
	add("all groups tiny", spoiled(400, func(in *Input) {
		g := Category{Name: "region"}
		for k := range 40 {
			g.Levels = append(g.Levels, fmt.Sprint("g", k))
		}
		for i := range in.Label {
			g.Code = append(g.Code, int32(i%40))
		}
		in.Groups = []Category{g}
	}))
	add("PD 0 and 1", spoiled(400, func(in *Input) {
		copy(in.PD, in.Label)
		in.PD[0] = 1 - in.PD[0]
		in.Margin, in.Served = nil, nil
	}))
	add("PD 0 and 1, all right", spoiled(400, func(in *Input) {
		copy(in.PD, in.Label)
		in.Margin, in.Served = nil, nil
	}))
	add("amounts of 1e18", spoiled(400, func(in *Input) {
		x := in.Features[0].Values
		in.Features[0].Values = make([]float64, len(x))
		for i, v := range x {
			in.Features[0].Values[i] = 1e18 * (2 + v)
		}
		score := in.Score
		in.Score = func(x []float64) float64 {
			y := append([]float64(nil), x...)
			y[0] = y[0]/1e18 - 2
			return score(y)
		}
	}))
	add("one heavy row", spoiled(400, func(in *Input) {
		in.Weight = make([]float64, 400)
		fill(in.Weight, 1)
		in.Weight[int(eval.FallingOrder(in.Label)[0])] = 1e6
	}))
	add("nothing but labels and PDs", func() Input {
		label, pd := labelled(400, 4)
		return Input{Label: label, PD: pd}
	}())
	return names, inputs
}

// TestVerdictTable is the table of what every verdict says of such tables,
// testdata/verdicts.txt, and holds what must be true of each line whatever the
// table says.
func TestVerdictTable(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds: the verdicts on every hard table")
	}
	var out bytes.Buffer
	fmt.Fprintf(&out,
		"# What each verdict says; go test ./models/eval/report -run TestVerdictTable -update writes it.\n%-28s",
		"")
	for _, q := range questions {
		fmt.Fprintf(&out, "%-12s", q.short)
	}
	out.WriteString("\n")
	names, inputs := hardTables()
	for k, name := range names {
		in := inputs[k]
		r, _, _ := render(t, in)
		if len(r.Verdicts) != len(questions) {
			t.Fatalf("%s: %d verdicts, %d in the table", name, len(r.Verdicts), len(questions))
		}
		fmt.Fprintf(&out, "%-28s", name)
		for _, q := range questions {
			v := verdictOf(t, r, q.question)
			fmt.Fprintf(&out, "%-12s", v.Light)
			if v.Light == document.Pass && !v.Grounds.Enough() {
				t.Errorf("%s: %s passes on %s", name, q.short, v.Grounds)
			}
			if g := v.Grounds; v.Light != document.CannotTell && g.Rows == 0 {
				t.Errorf("%s: %s is told (%s) of no rows", name, q.short, v.Light)
			}
			if strings.Contains(v.Finding, "NaN") || strings.Contains(v.Finding, "Inf") {
				t.Errorf("%s: %s", name, v.Finding)
			}
		}
		out.WriteString("\n")
		for _, m := range r.Metrics {
			if m.Low.Defined() && m.High.Defined() && (m.Low > m.High || math.IsNaN(float64(m.Value))) {
				t.Errorf("%s: %s is %v from %v to %v", name, m.Name, m.Value, m.Low, m.High)
			}
		}
	}
	lines := strings.Split(out.String(), "\n")
	for k := range lines {
		lines[k] = strings.TrimRight(lines[k], " ")
	}
	got := strings.Join(lines, "\n")
	if *update {
		if err := os.WriteFile("testdata/verdicts.txt", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/verdicts.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("verdicts are not those of testdata/verdicts.txt:\n%s", got)
	}
}
