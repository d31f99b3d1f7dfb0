// SPDX-License-Identifier: Apache-2.0

package features

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

var update = flag.Bool("update", false, "write docs/plan.md and plan.schema.json anew")

const (
	docFile    = "../docs/plan.md"
	schemaFile = "plan.schema.json"
	from, to   = "<!-- kernels: written by go test ./features -update -->\n", "<!-- end of kernels -->\n"
)

// TestPlanReference keeps docs/plan.md and the JSON Schema in step with the
// kernel table and the spec.
func TestPlanReference(t *testing.T) {
	doc, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(doc), from)
	_, tail, ok2 := strings.Cut(rest, to)
	if !ok || !ok2 {
		t.Fatalf("%s has lost its markers", docFile)
	}
	want := head + from + "\n" + kernels.Reference() + to + tail
	schema, err := json.MarshalIndent(plancheck.Schema(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	schema = append(schema, '\n')
	if *update {
		for file, b := range map[string][]byte{docFile: []byte(want), schemaFile: schema} {
			if err := os.WriteFile(file, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	if want != string(doc) {
		t.Errorf("%s is stale: run go test ./features -run TestPlanReference -update", docFile)
	}
	if b, err := os.ReadFile(schemaFile); err != nil || !bytes.Equal(b, schema) {
		t.Errorf("%s is stale: run go test ./features -run TestPlanReference -update (%v)", schemaFile, err)
	}
	// Every key of the spec is described.
	for _, d := range plancheck.Schema()["$defs"].(map[string]any) {
		for key := range d.(map[string]any)["properties"].(map[string]any) {
			if !strings.Contains(string(doc), "`"+key+"`") && !strings.Contains(string(doc), "`"+key+":") {
				t.Errorf("%s does not describe the key %q", docFile, key)
			}
		}
	}
}

// TestKernelExamples runs the example that docs/plan.md gives for each kernel
// through the whole of the package: spec, fit, matrix.
func TestKernelExamples(t *testing.T) {
	t.Parallel()
	for _, k := range kernels.All() {
		t.Run(k.Name, func(t *testing.T) {
			left, right, ok := strings.Cut(k.Example, " -> ")
			if !ok {
				t.Fatalf("example %q has no arrow", k.Example)
			}
			args := map[string]string{}
			for _, a := range strings.Fields(left) {
				key, value, _ := strings.Cut(a, "=")
				args[key] = value
			}
			want, err := strconv.ParseFloat(right, 64)
			if err != nil {
				t.Fatal(err)
			}
			got, missing := exampleValue(t, &k, args)
			if !(math.Abs(got-want) <= 1e-11) {
				t.Errorf("%s: got %v", k.Example, got)
			}
			// What the table says about missing input holds, too.
			switch {
			case k.Missing == "1":
				want = 1
			case strings.HasPrefix(k.Missing, "0 "):
				want = 0
			default:
				want = math.NaN()
			}
			if missing != want && (missing == missing || want == want) {
				t.Errorf("missing input gives %v, want %v (%s)", missing, want, k.Missing)
			}
		})
	}
}

// kernelExample is a spec with one feature, and the events on which it is tried.
type kernelExample struct {
	spec    *plantext.Spec
	feature plantext.FeatureSpec
	args    map[string]string
	events  []assay.Event
	train   int // events at the beginning that the plan is fitted on
}

// exampleValue returns what a kernel computes from the arguments, and from a
// missing input.
func exampleValue(t *testing.T, k *kernels.Kernel, args map[string]string) (got, missing float64) {
	t.Helper()
	x := newKernelExample(k, args)
	switch {
	case k.Window:
		x.addWindow()
	case k.Lookup:
		x.addLookup()
	case k.Texts:
		x.addTexts(k)
	default:
		x.addValues(k)
	}
	x.spec.Features = []plantext.FeatureSpec{x.feature}
	rec, err := EventTable(x.spec, func(yield func(*assay.Event) bool) {
		for i := range x.events {
			if !yield(&x.events[i]) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var rows []int
	for i := range x.train {
		rows = append(rows, i)
	}
	if args["labels"] != "" {
		x.spec.Label = &plantext.LabelSpec{Column: "label"}
		x.spec.Fields = x.spec.Fields[:2] // known when fitting, and never when scoring
	}
	p, _, err := Fit(context.Background(), x.spec, rec, rows)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Matrix(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	return m.Columns[0][m.Rows-2], m.Columns[0][m.Rows-1]
}

func newKernelExample(k *kernels.Kernel, args map[string]string) *kernelExample {
	f := plantext.FeatureSpec{Name: "f", Kernel: k.Name}
	f.Bounds, f.Edges = list(args["bounds"]), list(args["edges"])
	f.Step, f.DatePart = parse(args["step"]), args["part"]
	f.K = int(parse(args["k"]))
	if args["quantile"] != "" {
		q := parse(args["quantile"])
		f.Quantile = &q
	}
	if args["is"] != "" {
		f.Is = strings.Split(args["is"], ",")
	}
	f.MinCount, f.Smoothing = int(parse(args["min_count"])), parse(args["smoothing"])
	if f.Smoothing > 0 {
		f.Folds = 2
	}
	return &kernelExample{spec: &plantext.Spec{Version: 1, Time: "time", Kind: "kind"}, feature: f, args: args}
}

func exampleDay(n int) time.Time { return time.Date(2024, 1, 1+n, 0, 0, 0, 0, time.UTC) }

func (x *kernelExample) add(kind string, at time.Time, fields ...assay.Field) {
	x.events = append(x.events, assay.Event{ID: fmt.Sprint(len(x.events)), Kind: kind, Time: at, Fields: fields,
		Entities: []assay.Entity{{Role: "key", ID: "k"}}})
}

// addWindow feeds a window with the values, days and members of the arguments,
// and scores a key that has it and one that does not.
func (x *kernelExample) addWindow() {
	s, args := x.spec, x.args
	s.Entities = []string{"key"}
	s.Fields = []plantext.FieldSpec{{Name: "v", On: []string{"fact"}},
		{Name: "m", Kind: "text", On: []string{"fact"}},
		{Name: "unused"}}
	w := plantext.WindowSpec{Name: "w", Key: []string{"key"}, On: []string{"fact"}, Length: "90d", Hop: "1d"}
	if args["values"] != "" {
		w.Value = "v"
	}
	if args["members"] != "" {
		w.Member = "m"
	}
	s.Windows, x.feature.Window = []plantext.WindowSpec{w}, "w"
	values, days, members := list(args["values"]), list(args["days"]), strings.Split(args["members"], ",")
	for i := range max(len(values), len(days), len(members)) {
		when, fields := exampleDay(i), []assay.Field{}
		if i < len(days) {
			when = exampleDay(int(days[i]))
		}
		if i < len(values) {
			fields = append(fields, assay.Field{Name: "v", Value: assay.NumberValue(values[i])})
		}
		if i < len(members) && members[i] != "" {
			fields = append(fields, assay.Field{Name: "m", Value: assay.TextValue(members[i])})
		}
		x.add("fact", when, fields...)
	}
	at := exampleDay(20)
	if args["at"] != "" {
		at = exampleDay(int(parse(args["at"])))
	}
	slices.SortStableFunc(x.events, func(a, b assay.Event) int { return a.Time.Compare(b.Time) })
	x.add("application", at)
	x.events = append(x.events, x.events[len(x.events)-1])
	x.events[len(x.events)-1].Entities = []assay.Entity{{Role: "key", ID: "a stranger"}}
}

// addLookup makes a table of the rows of the arguments, and scores a key of it
// and an event without a key.
func (x *kernelExample) addLookup() {
	l := plantext.LookupSpec{Name: "t"}
	for _, r := range strings.Split(x.args["rows"], ",") {
		cells := strings.Split(r, ":")
		v := parse(cells[2])
		l.Rows = append(l.Rows, plantext.LookupRow{Key: cells[0], From: cells[1], Value: &v})
	}
	x.spec.Lookups, x.spec.Fields = []plantext.LookupSpec{l}, []plantext.FieldSpec{{Name: "x", Kind: "text"}}
	x.feature.Table, x.feature.Of = "t", plantext.Names{"x"}
	at, _ := eventtime.Parse(x.args["at"])
	x.add("application", at, assay.Field{Name: "x", Value: assay.TextValue(x.args["x"])})
	x.add("application", at)
}

// addTexts makes training rows of the texts and labels of the arguments, and
// scores one more text and an event without one.
func (x *kernelExample) addTexts(k *kernels.Kernel) {
	args, at := x.args, exampleDay(366)
	x.spec.Fields = []plantext.FieldSpec{{Name: "x", Kind: "text"}, {Name: "y", Kind: "text"},
		{Name: "label", On: []string{"none"}}}
	x.feature.Of = plantext.Names{"x", "y"}[:k.MinInputs]
	second := strings.Split(args["texts2"], ",")
	for i, text := range strings.Split(args["texts"], ",") {
		fields := []assay.Field{{Name: "x", Value: assay.TextValue(text)}}
		if k.MinInputs == 2 {
			fields = append(fields, assay.Field{Name: "y", Value: assay.TextValue(second[i])})
		}
		if l := list(args["labels"]); l != nil {
			fields = append(fields, assay.Field{Name: "label", Value: assay.NumberValue(l[i])})
		}
		x.add("application", at, fields...)
		x.train++
	}
	fields := []assay.Field{{Name: "x", Value: assay.TextValue(args["x"])}}
	if k.MinInputs == 2 {
		fields = append(fields, assay.Field{Name: "y", Value: assay.TextValue(args["y"])})
	}
	x.add("application", at, fields...)
	x.add("application", at)
}

// addValues scores the numbers or times of the arguments, and an event without
// any.
func (x *kernelExample) addValues(k *kernels.Kernel) {
	kind, at := "", exampleDay(366)
	if k.Times {
		kind = "time"
	}
	for _, n := range []string{"a", "b", "x"} {
		if x.args[n] == "" {
			continue
		}
		x.spec.Fields = append(x.spec.Fields, plantext.FieldSpec{Name: n, Kind: kind})
		x.feature.Of = append(x.feature.Of, n)
	}
	var fields []assay.Field
	for _, n := range x.feature.Of {
		v := assay.NumberValue(parse(x.args[n]))
		if d, err := time.Parse("2006-01-02", x.args[n]); err == nil {
			v = assay.InstantValue(d)
		}
		if x.args[n] == "missing" {
			v = assay.Value{}
		}
		fields = append(fields, assay.Field{Name: n, Value: v})
	}
	x.add("application", at, fields...)
	x.add("application", at)
}

func parse(s string) float64 {
	x, _ := strconv.ParseFloat(s, 64)
	return x
}

func list(s string) []float64 {
	if s == "" {
		return nil
	}
	var out []float64
	for _, x := range strings.Split(strings.Trim(s, "[]"), ",") {
		out = append(out, parse(x))
	}
	return out
}
