// SPDX-License-Identifier: Apache-2.0

package training_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay/training"
	"github.com/assayrisk/assay/training/trainingtest"
)

// TestLogsThatAreNotInOrder: a log that a server would have found late is an
// error with its rows, unless it is sorted or taken as it is.
func TestLogsThatAreNotInOrder(t *testing.T) {
	t.Parallel()
	rows := trainingtest.ShopRows()
	j, b, err := trained(t, trainingtest.LabelByEvent, rows)
	if err != nil {
		t.Fatal(err)
	}
	want, err := j.vectors(b, shopLog(t, rows))
	if err != nil {
		t.Fatal(err)
	}
	late := slices.Clone(rows)
	late[10], late[700] = late[700], late[10]
	log := shopLog(t, late)
	for _, act := range []func() error{
		func() error { _, err := j.vectors(b, log); return err },
		func() error { _, err := j.train(log); return err },
	} {
		if err := act(); !refused(err, "690 of 1200 events come later than the plan's lateness of 10m allows") ||
			!refused(err, "row 12 is ") || !refused(err, "behind row 11\n") {
			t.Error(err)
		}
	}
	j.sort = training.EventOrder{Sort: true}
	sorted, err := j.vectors(b, log)
	if err != nil || fmt.Sprint(sorted.Columns) != fmt.Sprint(want.Columns) ||
		!strings.Contains(j.said.String(), "put in the order of their times") {
		t.Errorf("sorted: %v, %s", err, &j.said)
	}
	j.sort = training.EventOrder{Keep: true}
	kept, err := j.vectors(b, log)
	if err != nil || fmt.Sprint(kept.Columns) == fmt.Sprint(want.Columns) ||
		!strings.Contains(j.said.String(), "are in no window") {
		t.Errorf("in the order of the log: %v, %s", err, &j.said)
	}
	_, _, err = trained(t, trainingtest.LabelByEvent, trainingtest.Altered(rows, func(i int, r []string) {
		if i == 1199 {
			r[1] = "2103-01-01T00:00:00Z"
		}
	}))
	if !refused(err, "row 1200 (2103-01-01 00:00:00) lies") {
		t.Errorf("a wrong date in the last row: %v", err)
	}
}

// TestWindowsThatNothingFills: a name that is not that of the log is an error,
// and a window that may be empty says so.
func TestWindowsThatNothingFills(t *testing.T) {
	t.Parallel()
	shop := trainingtest.ShopRows()
	payments := func(change func(r []string)) [][]string {
		return trainingtest.Altered(shop, func(_ int, r []string) {
			if r[2] == "payment" {
				change(r)
			}
		})
	}
	for name, c := range map[string]struct {
		rows   [][]string
		header []string
		want   string
	}{
		"a role": {shop, []string{"id", "time", "kind", "buyer_id", "loan", "amount", "bad"},
			"the columns are id, time, kind, buyer_id, loan"},
		"a field": {shop, []string{"id", "time", "kind", "buyer", "loan", "Amount", "bad"}, `amount`},
		"a kind": {payments(func(r []string) { r[2] = "payments" }), nil,
			`there is no event of kind "payment"; did you mean "payments"?`},
		"keys": {payments(func(r []string) { r[3] = "0" + r[3] }), nil,
			`window "paid" has nothing for any of the 300 scored rows`},
		"no keys": {payments(func(r []string) { r[3] = "" }), nil, "lack its key"},
		"no payments": {slices.DeleteFunc(trainingtest.ShopRows(), func(r []string) bool {
			return r[2] == "payment"
		}), nil,
			"may_be_empty"},
	} {
		if _, _, err := trained(t, trainingtest.LabelByEvent, c.rows, c.header...); !refused(err, c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	j, _, err := trained(t, trainingtest.LabelByEvent, shop)
	if err != nil || !strings.Contains(j.said.String(), "! window paid counts ") ||
		!strings.Contains(j.said.String(), " of 300 scored rows find something in it") {
		t.Errorf("as the plan has it: %v, %s", err, &j.said)
	}
}

// TestWindowThatMayBeEmpty: a plan can say that nothing need be in a window.
func TestWindowThatMayBeEmpty(t *testing.T) {
	t.Parallel()
	rows := slices.DeleteFunc(trainingtest.ShopRows(), func(r []string) bool { return r[2] == "payment" })
	plan, log, err := trainingtest.WriteShop(t.TempDir(), trainingtest.LabelByEvent, rows, trainingtest.ShopHeader())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	j, err := newJob(t, writeFile(t, "plan.yaml",
		strings.Replace(string(text), "length: 60d}", "length: 60d, may_be_empty: true}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.train(log); err != nil {
		t.Error(err)
	}
}

// TestRowsWithoutTheirHistory: rows that come without the events before them are
// told of, and no others.
func TestRowsWithoutTheirHistory(t *testing.T) {
	t.Parallel()
	rows := trainingtest.ShopRows()
	j, b, err := trained(t, trainingtest.LabelByEvent, rows)
	if err != nil {
		t.Fatal(err)
	}
	s, err := training.NewScorer(b)
	if err != nil {
		t.Fatal(err)
	}
	alone := slices.DeleteFunc(slices.Clone(rows[1000:]), func(r []string) bool { return r[2] != "application" })
	for _, c := range []struct {
		log  string
		thin bool
	}{{shopLog(t, rows), false}, {shopLog(t, alone), true}} {
		j.said.Reset()
		table, err := j.read(c.log)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Accept(j, table); err != nil {
			t.Fatal(err)
		}
		sc, err := s.Score(t.Context(), table.All())
		if err != nil {
			t.Fatal(err)
		}
		table.NoteHistory(j, sc.Matrix.Windows, s.TrainedWindows())
		said := j.said.String()
		if strings.Contains(said, "hardly any history") != c.thin || strings.Contains(said, "paid: 0.0 %, ") != c.thin {
			t.Errorf("thin: %v, said %s", c.thin, said)
		}
	}
}

// TestLabelColumnsOfLogs: a label column of a log is read in the scored rows;
// facts stay in the windows whatever they hold in it.
func TestLabelColumnsOfLogs(t *testing.T) {
	t.Parallel()
	shop := trainingtest.ShopRows()
	zeros := trainingtest.Altered(shop, func(_ int, r []string) {
		if r[6] == "" {
			r[6] = "0"
		}
	})
	open := trainingtest.Altered(shop, func(i int, r []string) {
		if i == 400 {
			r[6] = ""
		}
	})
	var texts []string
	for _, c := range []struct {
		rows [][]string
		want int
	}{{shop, 300}, {zeros, 300}, {open, 299}} {
		_, b, err := trained(t, trainingtest.LabelByColumn, c.rows)
		if err != nil || b.Manifest.Data.Rows != c.want {
			t.Fatalf("%d rows, want %d: %v", b.Manifest.Data.Rows, c.want, err)
		}
		texts = append(texts, string(b.ModelText))
	}
	if texts[0] != texts[1] {
		t.Error("empty labels of facts and zeros train two models")
	}
}

// TestFlagsOfLogs: a log may write flags as true and false or as 1 and 0, and
// as features, conditions of windows and values they are the same.
func TestFlagsOfLogs(t *testing.T) {
	t.Parallel()
	shop := trainingtest.ShopRows()
	vectors := map[string]string{}
	for _, c := range [][2]string{{"1", "0"}, {"true", "false"}, {"True", "False"}, {"TRUE", "FALSE"}} {
		rows := trainingtest.Altered(shop, func(int, []string) {})
		for i := range rows {
			flag := c[1]
			switch {
			case rows[i][2] == "default":
				flag = ""
			case i%3 == 0:
				flag = c[0]
			}
			rows[i] = append(rows[i], flag)
		}
		plan, log, err := trainingtest.WriteShop(t.TempDir(), trainingtest.LabelByEvent, rows,
			append(trainingtest.ShopHeader(), "early"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(plan)
		if err != nil {
			t.Fatal(err)
		}
		j, err := newJob(t, writeFile(t, "plan.yaml", strings.NewReplacer("windows:\n",
			"  - {name: early, kind: flag, on: [application, payment]}\nwindows:\n"+
				"  - {name: early_paid, key: [buyer], on: [payment], where: {field: early, above: 0}, length: 60d}\n"+
				"  - {name: early_share, key: [buyer], on: [payment], value: early, length: 60d}\n",
			"features:\n", "features:\n  - {name: early}\n"+
				"  - {name: early_paid, kernel: count, window: early_paid}\n"+
				"  - {name: early_share, kernel: mean, window: early_share}\n").Replace(string(text))))
		if err != nil {
			t.Fatal(err)
		}
		b, err := j.train(log)
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		m, err := j.vectors(b, log)
		if err != nil {
			t.Fatal(err)
		}
		if m.Rows != 300 {
			t.Errorf("%d vectors, want 300", m.Rows)
		}
		vectors[c[0]] = fmt.Sprint(m.Columns)
	}
	for yes, got := range vectors {
		if got != vectors["1"] {
			t.Errorf("flags written as %s make other vectors than 1 and 0", yes)
		}
	}
}
