// SPDX-License-Identifier: Apache-2.0

package selection

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features/screening"
	"github.com/assayrisk/assay/training"
	"github.com/assayrisk/assay/training/trainingtest"
)

var config = screening.Config{MinIV: 0.01, MaxPSI: 0.25, MaxCorrelation: 0.98}

func table(t *testing.T, text []byte) *training.Table {
	t.Helper()
	path := filepath.Join(t.TempDir(), "loans.csv")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := training.ReadTable(t.Context(), training.Quiet{}, path, datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestWithoutTimes: all rows train, a second table is the later rows, and a
// feature whose values moved there is dropped for it.
func TestWithoutTimes(t *testing.T) {
	t.Parallel()
	first := trainingtest.Loans(1000)
	s, err := New(t.Context(), training.Quiet{}, table(t, first), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s.HasTimes() || len(s.Train) != 1000 || len(s.Later) != 0 {
		t.Fatalf("%d rows train, %d are later", len(s.Train), len(s.Later))
	}
	moved := bytes.ReplaceAll(first, []byte(",steel,"), []byte(",food,"))
	if err := s.AddLater(t.Context(), training.Quiet{}, table(t, moved), "a.csv", "b.csv"); err != nil {
		t.Fatal(err)
	}
	if want := "scored on 1000 rows of a.csv, stability against 1000 rows of b.csv"; s.Split != want {
		t.Errorf("the split is %q, want %q", s.Split, want)
	}
	scores, err := s.Score(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range scores {
		if stable := x.PSI <= config.MaxPSI; stable != (x.Name != "sector") || !stable && x.Keep {
			t.Errorf("%s: stability index %v, kept: %v", x.Name, x.PSI, x.Keep)
		}
	}
	if months, _ := s.StabilityByMonth(); months != nil {
		t.Errorf("months %v of a table without times", months)
	}
	if _, err := New(t.Context(), training.Quiet{}, table(t, first),
		Options{Before: time.Now()}); err == nil {
		t.Error("a table without times was split in time")
	}
}

// TestDropByGain: a model does not miss a column of noise, and does miss what
// decides the outcome.
func TestDropByGain(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for i, line := range bytes.Split(bytes.TrimSpace(trainingtest.Loans(1500)), []byte("\n")) {
		noise := "noise"
		if i > 0 {
			noise = fmt.Sprint(i * 7919 % 1009)
		}
		fmt.Fprintf(&b, "%s,%s\n", noise, line)
	}
	s, err := New(t.Context(), training.Quiet{}, table(t, b.Bytes()), Options{})
	if err != nil {
		t.Fatal(err)
	}
	scores, err := s.Score(screening.Config{MaxPSI: 1, MaxCorrelation: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range scores {
		scores[i].Keep = true
	}
	if err := s.DropByGain(t.Context(), training.Quiet{}, scores, GainOptions{Folds: 3, Tolerance: 0.01,
		Params: map[string]string{"num_iterations": "20", "num_leaves": "5"}}); err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, x := range scores {
		kept[x.Name] = x.Keep
	}
	if kept["noise"] || !kept["amount"] || !kept["income"] || Kept(scores) < 2 {
		t.Errorf("kept %v", kept)
	}
}
