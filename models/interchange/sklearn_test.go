// SPDX-License-Identifier: Apache-2.0

package interchange_test

import (
	"bytes"
	"errors"
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

// TestReadSklearn compares with what scikit-learn of each version answered, on
// the thresholds and next to them. The initial score of a classifier may differ
// in the last bit, and with it each sum in its last bits.
func TestReadSklearn(t *testing.T) {
	for _, file := range modelFiles(t, "sklearn-*.pkl") {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := interchange.ReadSklearn(bytes.NewReader(b))
			if strings.Contains(name, "-other") { // a forest, whose answers TestModelFiles compares
				if err != nil || !m.Share || !m.Average || len(m.Trees) != 2 {
					t.Fatalf("error %v, %+v: want a forest of two trees that give shares", err, m)
				}
				return
			}
			if strings.Contains(name, "classes") {
				if !errors.Is(err, interchange.ErrUnsupported) {
					t.Fatalf("error %v, want ErrUnsupported", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := readAnswers(t, file)
			tolerance := 0.0
			if !strings.Contains(name, "-0.19") && !strings.Contains(name, "-0.20") &&
				m.Objective == models.Binary && m.Init != 0 {
				tolerance = 1e-15
			}
			for i, text := range want.Margins {
				w, err := strconv.ParseFloat(text, 64)
				if err != nil {
					t.Fatal(err)
				}
				if got := m.Margin(want.row(i)); math.Abs(got-w) > tolerance {
					t.Fatalf("row %d: margin %v, scikit-learn says %v", i, got, w)
				}
			}
			f, err := forest.Compile(m)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := interchange.Gate(write(t, m), f, nil); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestReadSklearnRefuses(t *testing.T) {
	good, err := os.ReadFile(filepath.Join("testdata", "sklearn-0.19.2-binary-old.pkl"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		kind error
	}{
		"empty":        {"", interchange.ErrFormat},
		"not a pickle": {"Tree\n", interchange.ErrFormat},
		"a number":     {"I1\n.", interchange.ErrFormat},
		"cut off":      {string(good[:len(good)/2]), interchange.ErrFormat},
		"a command":    {"cos\nsystem\n(S'true'\ntR.", interchange.ErrUnsupported},
		"underflow":    {"R.", interchange.ErrFormat},
		"memo":         {"g7\n.", interchange.ErrFormat},
		"protocol":     {"\x80\x09.", interchange.ErrUnsupported},
		"huge":         {"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.", interchange.ErrFormat},
		"loss":         {strings.Replace(string(good), "Vdeviance", "Vother", 1), interchange.ErrUnsupported},
		"no rate":      {strings.Replace(string(good), "Vlearning_rate", "Vburning_rate", 1), interchange.ErrFormat},
		"no nodes":     {strings.Replace(string(good), "Vnodes", "Vknots", 1), interchange.ErrFormat},
		"no member":    {strings.Replace(string(good), "Vleft_child", "Vlost_child", 1), interchange.ErrFormat},
		"no start": {strings.Replace(string(good), "LogOddsEstimator", "OddEstimator", 1),
			interchange.ErrUnsupported},
	} {
		if c.text == string(good) {
			t.Fatalf("%s changes nothing", name)
		}
		if _, err := interchange.ReadSklearn(strings.NewReader(c.text)); !errors.Is(err, c.kind) {
			t.Errorf("%s: error %v, want %v", name, err, c.kind)
		}
	}
	for text, want := range map[string]string{"\x80\x04\x8c\x13joblib.numpy_pickle\x01": "pickle.dump",
		"\x1f\x8b\x08": "gzip"} {
		if _, err := interchange.ReadSklearn(strings.NewReader(text)); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

func FuzzReadSklearn(f *testing.F) {
	for _, p := range []string{"0.19.2-binary-old", "0.20.4-binary-old", "0.21.3-binary", "1.1.3-deep", "1.9.1-deep",
		"1.9.1-classes", "1.2.2-forest", "1.2.2-hist"} {
		b, err := os.ReadFile(filepath.Join("testdata", "sklearn-"+p+".pkl"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := interchange.ReadSklearn(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, interchange.ErrFormat) && !errors.Is(err, interchange.ErrUnsupported) {
				t.Fatalf("error %v is of no kind", err)
			}
			return
		}
		if _, err := forest.Compile(m); err != nil {
			t.Fatal(err)
		}
	})
}
