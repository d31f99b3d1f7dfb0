// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/training/trainingtest"
)

// shop is a small event log, written to a directory.
type shop struct {
	t    *testing.T
	dir  string
	rows [][]string // id, time, kind, buyer, loan, amount, bad
}

func newShop(t *testing.T) *shop {
	t.Helper()
	return &shop{t: t, dir: t.TempDir(), rows: trainingtest.ShopRows()}
}

// write makes the plan and the log.
func (s *shop) write(label string, rows [][]string) (plan, log string) {
	s.t.Helper()
	plan, log, err := trainingtest.WriteShop(s.dir, label, rows, trainingtest.ShopHeader())
	if err != nil {
		s.t.Fatal(err)
	}
	return plan, log
}

// train trains a tiny model on the log.
func (s *shop) train(plan, log string, more ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	return assayRun(s.t,
		append([]string{"train", "--plan", plan, "--data", log, "--out", filepath.Join(s.dir, "bundle"), "--params",
			"num_iterations=5,num_leaves=3", "--folds", "2"}, more...)...)
}

// TestRowsBesideVectors: of each vector its row, id, time and label are
// written, and what the windows held, which is counted here as well.
func TestRowsBesideVectors(t *testing.T) {
	s := newShop(t)
	plan, log := s.write(trainingtest.LabelByEvent, s.rows)
	if _, stderr, code := s.train(plan, log); code != 0 {
		t.Fatal(stderr)
	}
	for _, ext := range []string{".csv", ".parquet"} {
		out := filepath.Join(s.dir, "vectors"+ext)
		if _, stderr, code := assayRun(t, "features", "--model", filepath.Join(s.dir, "bundle"), "--data", log,
			"--out", out); code != 0 {
			t.Fatal(stderr)
		}
		frame, err := datasets.Read(t.Context(), filepath.Join(s.dir, "vectors.rows"+ext),
			datasets.Options{Unlabelled: true, Text: []string{"id"}, Time: []string{"time"}})
		if err != nil {
			t.Fatal(err)
		}
		rec := frame.Record
		var names []string
		for _, f := range rec.Schema().Fields() {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != "row id time label events.paid events.asked" {
			t.Fatalf("the columns are %s", got)
		}
		n := 0
		for i, r := range s.rows {
			if r[2] != "application" {
				continue
			}
			at, _ := time.Parse(time.RFC3339, r[1])
			paid, asked, label := 0, 0, 0
			for j, x := range s.rows {
				when, _ := time.Parse(time.RFC3339, x[1])
				switch {
				case x[2] == "default" && x[4] == r[4] && j > i && !when.After(at.AddDate(0, 0, 30)):
					label = 1
				case j >= i || x[3] != r[3]:
				case x[2] == "application":
					asked++
				case x[2] == "payment" && !when.Before(at.AddDate(0, 0, -60).Truncate(48*time.Hour)):
					// hops of two days
					paid++
				}
			}
			want := []string{strconv.Itoa(i + 1), r[0], strconv.Itoa(label), strconv.Itoa(paid), strconv.Itoa(asked)}
			got := []string{rec.Column(0).ValueStr(n), rec.Column(1).ValueStr(n), rec.Column(3).ValueStr(n),
				rec.Column(4).ValueStr(n), rec.Column(5).ValueStr(n)}
			if got[2] == "(null)" { // the horizon has not passed
				want[2] = got[2]
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: row %d is %v, want %v", ext, i+1, got, want)
			}
			n++
		}
		if int64(n) != rec.NumRows() {
			t.Errorf("%d rows, want %d", rec.NumRows(), n)
		}
	}
}
