// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/features/window"
)

// golden is what testdata/golden.py computed with numpy, pandas and DuckDB.
type golden struct {
	Rows []struct {
		Kernel string
		Params plantext.FeatureSpec
		In     [][]number
		Want   []number
	}
	Clips []struct {
		In        []number
		Quantiles []float64
		Want      []number
	}
	Encodings []struct {
		Kernel     string
		Params     plantext.FeatureSpec
		Texts      []string
		In, Labels []number
		Table      []number
		Other      number
		OutOfFold  []number `json:"out_of_fold"`
	}
	Lookup struct {
		Rows struct {
			Key   []int
			Since []int64
			Value []number
		}
		Keys, At, Want []number
	}
	Windows []struct {
		Days     []int64
		Values   []float64
		Members  []string
		At       int64
		K        int
		Quantile float64
		Is       []string
		Want     map[string]number
	}
}

// number is a JSON number; null is a missing value, a text an infinity.
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = number(math.NaN())
		return nil
	}
	if b[0] == '"' {
		b = b[1 : len(b)-1]
	}
	x, err := strconv.ParseFloat(string(b), 64)
	*n = number(x)
	return err
}

func floats(ns []number) []float64 {
	out := make([]float64, len(ns))
	for i, n := range ns {
		out[i] = float64(n)
	}
	return out
}

func readGolden(t *testing.T) *golden {
	t.Helper()
	b, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	g := new(golden)
	if err := json.Unmarshal(b, g); err != nil {
		t.Fatal(err)
	}
	return g
}

// near reports whether two values differ by rounding alone, or are both missing.
func near(got, want float64) bool {
	return got == want || got != got && want != want || math.Abs(got-want) <= 1e-12*math.Max(1, math.Abs(want))
}

func mustNamed(t *testing.T, name string) Kernel {
	t.Helper()
	k, ok := Named(name)
	if !ok {
		t.Fatalf("there is no kernel %q", name)
	}
	return k
}

// TestRowsAgainstNumpy compares every kernel of one event's numbers and times with numpy and pandas.
func TestRowsAgainstNumpy(t *testing.T) {
	t.Parallel()
	compared := map[string]bool{}
	for _, c := range readGolden(t).Rows {
		k := mustNamed(t, c.Kernel)
		compared[k.Name] = true
		l := &Learned{Spec: &c.Params, Zone: zone(t, c.Params.Zone)}
		if k.Check != nil {
			if problem := k.Check(l.Spec); problem != "" {
				t.Fatalf("%s: %s", k.Name, problem)
			}
		}
		var in [][]float64
		for _, column := range c.In {
			in = append(in, floats(column))
		}
		if k.Fit != nil {
			if err := k.Fit(&Fitting{Spec: l.Spec, Learned: l, In: in}); err != nil {
				t.Fatal(err)
			}
		}
		got := make([]float64, len(in[0]))
		k.Apply(got, in, l)
		for i, want := range floats(c.Want) {
			if !near(got[i], want) {
				t.Errorf("%s of %v, row %d: %v, want %v", k.Name, row(in, i), i, got[i], want)
			}
		}
	}
	for _, name := range StatelessNames() {
		if !compared[name] {
			t.Errorf("testdata/golden.py computes nothing for kernel %s", name)
		}
	}
}

func row(in [][]float64, i int) []float64 {
	out := make([]float64, len(in))
	for j := range in {
		out[j] = in[j][i]
	}
	return out
}

func zone(t *testing.T, name string) *eventtime.Zone {
	t.Helper()
	if name == "" {
		return nil
	}
	frozen, err := eventtime.Freeze(name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := frozen.Thaw()
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// TestClipQuantilesAgainstNumpy: fitted bounds are numpy's quantiles of the method inverted_cdf.
func TestClipQuantilesAgainstNumpy(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Clips {
		l := new(Learned)
		spec := &plantext.FeatureSpec{Quantiles: c.Quantiles}
		if err := fitClip(&Fitting{Spec: spec, Learned: l, In: [][]float64{floats(c.In)}}); err != nil {
			t.Fatal(err)
		}
		if *l.Low != float64(c.Want[0]) || *l.High != float64(c.Want[1]) {
			t.Errorf("quantiles %v of %d values are %v and %v, want %v", c.Quantiles, len(c.In)-1, *l.Low, *l.High,
				c.Want)
		}
	}
}

// TestEncodingsAgainstPandas compares the tables of woe and target_mean, and what training rows get from the
// folds that they are not in, with groups of pandas.
func TestEncodingsAgainstPandas(t *testing.T) {
	t.Parallel()
	for _, c := range readGolden(t).Encodings {
		k := mustNamed(t, c.Kernel)
		f := &Fitting{Spec: &c.Params, Learned: &Learned{Spec: &c.Params}, In: [][]float64{floats(c.In)},
			Labels: floats(c.Labels), Texts: [][]string{c.Texts}}
		if err := k.Fit(f); err != nil {
			t.Fatal(err)
		}
		if err := k.Verify(f.Learned, []int{len(c.Texts)}); err != nil {
			t.Errorf("%s: what Fit learned is refused: %v", k.Name, err)
		}
		if !slices.EqualFunc(f.Learned.Table, floats(c.Table), near) || !near(*f.Learned.Other, float64(c.Other)) {
			t.Errorf("%s, min_count %d: table %v and %v,\nwant %v and %v", k.Name, c.Params.MinCount,
				f.Learned.Table, *f.Learned.Other, c.Table, c.Other)
		}
		if !slices.EqualFunc(f.OutOfFold, floats(c.OutOfFold), near) {
			t.Errorf("%s, %d folds: training rows get %v,\nwant %v", k.Name, c.Params.Folds, f.OutOfFold, c.OutOfFold)
		}
	}
}

// TestLookupAgainstDuckDB compares lookups by key and time with an ASOF join.
func TestLookupAgainstDuckDB(t *testing.T) {
	t.Parallel()
	g := readGolden(t).Lookup
	table := &LookupTable{Keyed: true, Dated: true, From: g.Rows.Since, Values: floats(g.Rows.Value)}
	for code := range 4 { // DuckDB's rows are sorted by key and time
		first, _ := slices.BinarySearch(g.Rows.Key, code)
		end, _ := slices.BinarySearch(g.Rows.Key, code+1)
		table.ByCode = append(table.ByCode, [2]int32{int32(first), int32(end)})
	}
	got := make([]float64, len(g.At))
	applyLookup(got, [][]float64{floats(g.Keys), floats(g.At)}, &Learned{Lookup: table})
	missing := 0
	for i, want := range floats(g.Want) {
		if !near(got[i], want) {
			t.Errorf("key %v at %v: %v, want %v", g.Keys[i], g.At[i], got[i], want)
		}
		if want != want {
			missing++
		}
	}
	if missing == 0 || missing == len(got) {
		t.Errorf("%d of %d look-ups find nothing: the test does not reach both cases", missing, len(got))
	}
}

// readWindow puts events into a window that keeps what a kernel needs, and returns what the kernel reads.
func readWindow(k *Kernel, l *Learned, at int64, days []int64, values []float64, members []string) float64 {
	c := window.Config{Needs: k.Needs}
	if k.Recent != nil {
		c.Recent = k.Recent(l.Spec)
	}
	table := window.New(0, []window.Config{c})
	for i, day := range days {
		table.Advance(day * eventtime.DayMicros)
		table.Add([]byte("key"), 0, day*eventtime.DayMicros, values[i], window.Hash(members[i]))
	}
	var r window.Reading
	table.Read(table.Find([]byte("key")), 0, at*eventtime.DayMicros, &r)
	return Finite(k.Read(&r, at*eventtime.DayMicros, l))
}

// TestWindowsAgainstPandas compares every kernel over windows with pandas and numpy.
func TestWindowsAgainstPandas(t *testing.T) {
	t.Parallel()
	g := readGolden(t)
	for _, k := range All() {
		if !k.Window || k.Member { // mode and its like answer with a category: see members_test.go
			continue
		}
		for i, c := range g.Windows {
			want, ok := c.Want[k.Name]
			if !ok {
				t.Fatalf("testdata/golden.py computes nothing for kernel %s", k.Name)
			}
			l := &Learned{Spec: &plantext.FeatureSpec{K: c.K, Quantile: &c.Quantile, Is: c.Is}}
			l.BindCountedMembers()
			got := readWindow(&k, l, c.At, c.Days, c.Values, c.Members)
			if !near(got, float64(want)) {
				t.Errorf("%s of case %d (%s): %v, want %v", k.Name, i, fmt.Sprint(c.Values), got, want)
			}
		}
	}
}
