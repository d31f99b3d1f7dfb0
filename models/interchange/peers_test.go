// SPDX-License-Identifier: Apache-2.0

package interchange_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/models/forest"
	"github.com/assayrisk/assay/models/interchange"
)

// answers is what the library that made a model says about it;
// testdata/make.py wrote it.
type answers struct {
	Rows          [][]*float64 `json:"rows"`
	Margins       []string     `json:"margins"`
	Contributions [][]float64  `json:"contributions"`
}

func (a *answers) row(i int) []float64 {
	x := make([]float64, len(a.Rows[i]))
	for j, v := range a.Rows[i] {
		if x[j] = math.NaN(); v != nil {
			x[j] = *v
		}
	}
	return x
}

func readAnswers(t *testing.T, model string) *answers {
	t.Helper()
	b, err := os.ReadFile(strings.TrimSuffix(model, filepath.Ext(model)) + ".rows.json")
	if err != nil {
		t.Fatal(err)
	}
	var a answers
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return &a
}

func modelFiles(t *testing.T, patterns ...string) []string {
	t.Helper()
	var files []string
	for _, p := range patterns {
		f, err := filepath.Glob(filepath.Join("testdata", p))
		if err != nil || len(f) == 0 {
			t.Fatalf("no %s in testdata: %v", p, err)
		}
		files = append(files, f...)
	}
	return files
}

func refused(file string) bool {
	for _, s := range []string{"-linear.", "-classes.", "-poisson."} {
		if strings.Contains(file, s) {
			return true
		}
	}
	return false
}

// TestPeers reads every model of testdata and holds its margins to the bits of
// the library that trained it, and its contributions to 1e-9, XGBoost's, which
// it computes in float32, to 5e-6; then the gate
// must let it pass, and LightGBM text must carry it without a change.
func TestPeers(t *testing.T) {
	readers := map[string]func(io.Reader) (*models.Model, error){
		".txt": interchange.ReadLightGBM, ".json": interchange.ReadXGBoost, ".ubj": interchange.ReadXGBoost,
		".bin": interchange.ReadXGBoostBinary,
	}
	for _, file := range modelFiles(t, "lightgbm-*.txt", "xgboost-*.json", "xgboost-*.ubj", "xgboost-*.bin") {
		if strings.HasSuffix(file, ".rows.json") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := readers[filepath.Ext(file)](bytes.NewReader(raw))
			if refused(file) {
				if !errors.Is(err, interchange.ErrUnsupported) {
					t.Fatalf("error %v, want ErrUnsupported", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkAnswers(t, m, readAnswers(t, file))
			text := write(t, m)
			again, err := interchange.ReadLightGBM(bytes.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			checkAnswers(t, again, readAnswers(t, file))
			f, err := forest.Compile(again)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := interchange.Gate(text, f, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func checkAnswers(t *testing.T, m *models.Model, a *answers) {
	t.Helper()
	f, err := forest.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	within := 1e-9
	if m.Float32Sums {
		within = 5e-6
	}
	phi := make([]float64, len(m.Features)+1)
	for i := range a.Rows {
		x := a.row(i)
		want, err := strconv.ParseFloat(a.Margins[i], 64)
		if err != nil {
			t.Fatal(err)
		}
		got := f.Margin(x)
		if got != want || m.Margin(x) != want {
			t.Fatalf("row %d: margin %v (naive walk %v), the library gives %v", i, got, m.Margin(x), want)
		}
		if i < len(a.Contributions) {
			f.Contributions(phi, x)
			for j, v := range phi {
				if !(math.Abs(v-a.Contributions[i][j]) <= within) {
					t.Fatalf("row %d: contribution %d is %v, the library gives %v", i, j, v, a.Contributions[i][j])
				}
			}
		}
	}
}
