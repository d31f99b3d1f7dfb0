// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/features/window"
)

// TestTable: every row of the table of kernels is whole, and its members agree with each other.
func TestTable(t *testing.T) {
	t.Parallel()
	names := Names()
	if sorted := slices.Sorted(slices.Values(names)); len(slices.Compact(sorted)) != len(names) {
		t.Errorf("two kernels have one name: %q", names)
	}
	reference := Reference()
	for _, k := range All() {
		if k.Formula == "" || k.Missing == "" || !strings.Contains(k.Example, " -> ") {
			t.Errorf("%s lacks a formula, an example, or what becomes of missing values", k.Name)
		}
		if n := strings.Count(reference, "| `"+k.Name+"` |"); n != 1 {
			t.Errorf("the reference has %d rows of %s", n, k.Name)
		}
		if (k.Apply == nil) == (k.Read == nil) || k.Window != (k.Read != nil) {
			t.Errorf("%s must either apply to columns or read a window", k.Name)
		}
		if k.Window != (k.MaxInputs == 0) || k.MinInputs > k.MaxInputs {
			t.Errorf("%s takes %d to %d inputs", k.Name, k.MinInputs, k.MaxInputs)
		}
		if (k.Fit == nil) != (k.Verify == nil) {
			t.Errorf("%s learns, and nothing verifies it, or the other way round", k.Name)
		}
		if k.Window != (k.Needs != 0) || !k.Window && (k.NeedsMember || k.NeedsValue) {
			t.Errorf("%s needs %b of a window", k.Name, k.Needs)
		}
		if (k.Recent != nil) != (k.Needs&window.Recents != 0) {
			t.Errorf("%s: Recent must say how many events a kernel reads that needs them", k.Name)
		}
		if got, ok := Named(k.Name); !ok || got.Formula != k.Formula {
			t.Errorf("Named(%q) finds %q", k.Name, got.Name)
		}
	}
	if _, ok := Named("no such kernel"); ok {
		t.Error("a kernel that does not exist was found")
	}
	if strings.Contains(strings.ReplaceAll(reference, `\|`, ""), "|x|") {
		t.Error("a bar in a formula ends its cell of the reference")
	}
	want := []string{"passthrough", "log1p", "clip", "ratio", "difference", "sum", "product", "gap", "bucket",
		"missing", "outside", "round_amount", "days_between", "date_part"}
	if got := StatelessNames(); !slices.Equal(got, want) {
		t.Errorf("the stateless kernels are %q, want %q", got, want)
	}
	var categorical []string
	for _, k := range All() {
		if k.Categorical() {
			categorical = append(categorical, k.Name)
		}
	}
	if want := []string{"category", "cross", "mode", "latest_text", "earliest_text"}; !slices.Equal(categorical, want) {
		t.Errorf("the categorical kernels are %q, want %q", categorical, want)
	}
}

func TestArity(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"log1p": "1 input", "ratio": "2 inputs", "sum": "2 to 8 inputs",
		"lookup": "1 to 2 inputs", "count": "0 inputs"} {
		if k := mustNamed(t, name); k.Arity() != want {
			t.Errorf("%s takes %q, want %q", name, k.Arity(), want)
		}
	}
}

// TestRowsAreIndependent: a column of many rows and as many columns of one row give the same bits, whatever the
// other rows hold and whatever the output held before.
func TestRowsAreIndependent(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	odd := []float64{0, math.Copysign(0, -1), 1, -1, 1e308, -1e308, 1e-308, math.Inf(1), math.Inf(-1), nan}
	for _, k := range All() {
		if !k.Stateless() {
			continue
		}
		l := &Learned{Low: pointer(-2), High: pointer(2), Spec: &plantext.FeatureSpec{Bounds: []float64{-2, 2},
			Edges: []float64{-1, 0, 1}, DatePart: "weekday"}}
		const rows = 500
		in := make([][]float64, k.MaxInputs)
		for c := range in {
			in[c] = make([]float64, rows)
			for i := range in[c] {
				switch {
				case k.Times && rng.IntN(10) == 0:
					in[c][i] = nan
				case k.Times:
					in[c][i] = float64(rng.Int64N(4e15) - 2e15)
				case rng.IntN(2) == 0:
					in[c][i] = odd[rng.IntN(len(odd))]
				default:
					in[c][i] = rng.NormFloat64() * 10
				}
			}
		}
		together := slices.Repeat([]float64{7}, rows)
		k.Apply(together, in, l)
		for i := range rows {
			single := make([][]float64, len(in))
			for c := range in {
				single[c] = in[c][i : i+1]
			}
			alone := []float64{nan}
			k.Apply(alone, single, l)
			if math.Float64bits(alone[0]) != math.Float64bits(together[i]) && !(alone[0] != alone[0] &&
				together[i] != together[i]) {
				t.Fatalf("%s of %v: %v in a column, %v alone", k.Name, row(single, 0), together[i], alone[0])
			}
		}
	}
}

// TestEmptyWindows: a key without events reads as the table of kernels says: 0 or a missing value.
func TestEmptyWindows(t *testing.T) {
	t.Parallel()
	for _, k := range All() {
		if !k.Window {
			continue
		}
		l := &Learned{Spec: &plantext.FeatureSpec{K: 3, Quantile: pointer(0.5), Is: []string{"a"}}}
		l.BindMembers([]string{"a"})
		want := nan
		if strings.HasPrefix(k.Missing, "0 for a key without events") {
			want = 0
		}
		if got := readWindow(&k, l, 5, nil, nil, nil); !same(got, want) {
			t.Errorf("%s of a key without events is %v, want %v (%s)", k.Name, got, want, k.Missing)
		}
	}
}

// TestOneEvent: what each kernel says of a window with a single event, whose value is negative.
func TestOneEvent(t *testing.T) {
	t.Parallel()
	want := map[string]float64{"count": 1, "window_sum": -4, "mean": -4, "min": -4, "max": -4, "std": nan,
		"distinct": 1, "share": nan, "since_last": 2, "age": 2, "latest": -4, "earliest": -4, "median": -4,
		"quantile": -4, "nth_latest": -4, "since_nth": 2, "change": nan, "last_sum": -4, "last_mean": -4,
		"last_min": -4, "last_max": -4, "streak": 0, "slope": nan, "decayed_count": math.Exp2(-2. / 30),
		"decayed_sum": -4 * math.Exp2(-2./30), "decayed_mean": -4, "top_share": nan, "hhi": nan, "entropy": nan,
		"count_of": 1, "share_of": 1, "mode": 0, "latest_text": 0, "earliest_text": 0}
	for _, k := range All() {
		if !k.Window {
			continue
		}
		l := &Learned{Spec: &plantext.FeatureSpec{Quantile: pointer(0.3), Is: []string{"a"}}}
		l.BindMembers([]string{"a"})
		got := readWindow(&k, l, 5, []int64{3}, []float64{-4}, []string{"a"})
		if expected, ok := want[k.Name]; !ok || !near(got, expected) {
			t.Errorf("%s of one event is %v, want %v", k.Name, got, expected)
		}
	}
}

// TestEventsLaterThanTheReader: no time since an event is negative.
func TestEventsLaterThanTheReader(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"since_last", "age", "since_nth"} {
		k := mustNamed(t, name)
		l := &Learned{Spec: &plantext.FeatureSpec{}}
		if got := readWindow(&k, l, 5, []int64{8}, []float64{1}, []string{"a"}); got != 0 {
			t.Errorf("%s of an event three days later is %v, want 0", name, got)
		}
	}
}

// TestDateParts: the parts of one moment, either side of midnight in its zone.
func TestDateParts(t *testing.T) {
	t.Parallel()
	at, ok := eventtime.Parse("2024-12-31T23:30:00Z")
	if !ok {
		t.Fatal("the time is not read")
	}
	in := []float64{float64(at.UnixMicro())}
	for name, want := range map[string][]float64{"": {2024, 4, 12, 31, 2, 23, 366}, "Europe/Berlin": {2025, 1, 1, 1, 3,
		0, 1}} {
		for i, part := range DateParts() {
			l := &Learned{Spec: &plantext.FeatureSpec{DatePart: part}, Zone: zone(t, name)}
			if got := apply(t, "date_part", l, in); got[0] != want[i] {
				t.Errorf("%s in zone %q is %v, want %v", part, name, got[0], want[i])
			}
		}
	}
}

func TestFinite(t *testing.T) {
	t.Parallel()
	for _, x := range []float64{math.Inf(1), math.Inf(-1), nan} {
		if got := Finite(x); got == got {
			t.Errorf("Finite(%v) is %v, want a missing value", x, got)
		}
	}
	for _, x := range []float64{0, -1, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		if Finite(x) != x {
			t.Errorf("Finite(%v) is %v", x, Finite(x))
		}
	}
}
