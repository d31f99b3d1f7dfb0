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

// exampleValue returns what a kernel makes of the arguments, and of a missing
// input.
func exampleValue(t *testing.T, k *kernels.Kernel, args map[string]string) (got, missing float64) {
	t.Helper()
	s := &plantext.Spec{Version: 1, Time: "time", Kind: "kind"}
	f := plantext.FeatureSpec{Name: "f", Kernel: k.Name}
	f.Bounds, f.Edges = list(args["bounds"]), list(args["edges"])
	f.Step, f.Part = parse(args["step"]), args["part"]
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
	var events []assay.Event
	day0 := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	at := day0.AddDate(1, 0, 0)
	add := func(kind string, at time.Time, fields ...assay.Field) {
		events = append(events, assay.Event{ID: fmt.Sprint(len(events)), Kind: kind, Time: at, Fields: fields,
			Entities: []assay.Entity{{Role: "key", ID: "k"}}})
	}
	train := 0
	switch {
	case k.Window:
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
		s.Windows, f.Window = []plantext.WindowSpec{w}, "w"
		values, days, members := list(args["values"]), list(args["days"]), strings.Split(args["members"], ",")
		for i := range max(len(values), len(days), len(members)) {
			when, fields := day0.AddDate(0, 0, i), []assay.Field{}
			if i < len(days) {
				when = day0.AddDate(0, 0, int(days[i]))
			}
			if i < len(values) {
				fields = append(fields, assay.Field{Name: "v", Value: assay.NumberValue(values[i])})
			}
			if i < len(members) && members[i] != "" {
				fields = append(fields, assay.Field{Name: "m", Value: assay.TextValue(members[i])})
			}
			add("fact", when, fields...)
		}
		at = day0.AddDate(0, 0, 20)
		if args["at"] != "" {
			at = day0.AddDate(0, 0, int(parse(args["at"])))
		}
		slices.SortStableFunc(events, func(a, b assay.Event) int { return a.Time.Compare(b.Time) })
		add("application", at)
		events = append(events, events[len(events)-1])
		events[len(events)-1].Entities = []assay.Entity{{Role: "key", ID: "a stranger"}}
	case k.Lookup:
		l := plantext.LookupSpec{Name: "t"}
		for _, r := range strings.Split(args["rows"], ",") {
			cells := strings.Split(r, ":")
			v := parse(cells[2])
			l.Rows = append(l.Rows, plantext.LookupRow{Key: cells[0], From: cells[1], Value: &v})
		}
		s.Lookups, s.Fields = []plantext.LookupSpec{l}, []plantext.FieldSpec{{Name: "x", Kind: "text"}}
		f.Table, f.Of = "t", plantext.Names{"x"}
		at, _ = eventtime.Parse(args["at"])
		add("application", at, assay.Field{Name: "x", Value: assay.TextValue(args["x"])})
		add("application", at)
	case k.Texts:
		s.Fields = []plantext.FieldSpec{{Name: "x", Kind: "text"}, {Name: "y", Kind: "text"},
			{Name: "label", On: []string{"none"}}}
		f.Of = plantext.Names{"x", "y"}[:k.MinInputs]
		second := strings.Split(args["texts2"], ",")
		for i, x := range strings.Split(args["texts"], ",") {
			fields := []assay.Field{{Name: "x", Value: assay.TextValue(x)}}
			if k.MinInputs == 2 {
				fields = append(fields, assay.Field{Name: "y", Value: assay.TextValue(second[i])})
			}
			if l := list(args["labels"]); l != nil {
				fields = append(fields, assay.Field{Name: "label", Value: assay.NumberValue(l[i])})
			}
			add("application", at, fields...)
			train++
		}
		fields := []assay.Field{{Name: "x", Value: assay.TextValue(args["x"])}}
		if k.MinInputs == 2 {
			fields = append(fields, assay.Field{Name: "y", Value: assay.TextValue(args["y"])})
		}
		add("application", at, fields...)
		add("application", at)
	default:
		kind := ""
		if k.Times {
			kind = "time"
		}
		for _, n := range []string{"a", "b", "x"} {
			if args[n] == "" {
				continue
			}
			s.Fields = append(s.Fields, plantext.FieldSpec{Name: n, Kind: kind})
			f.Of = append(f.Of, n)
		}
		var fields []assay.Field
		for _, n := range f.Of {
			v := assay.NumberValue(parse(args[n]))
			if d, err := time.Parse("2006-01-02", args[n]); err == nil {
				v = assay.InstantValue(d)
			}
			if args[n] == "missing" {
				v = assay.Value{}
			}
			fields = append(fields, assay.Field{Name: n, Value: v})
		}
		add("application", at, fields...)
		add("application", at)
	}
	s.Features = []plantext.FeatureSpec{f}
	rec, err := EventTable(s, func(yield func(*assay.Event) bool) {
		for i := range events {
			if !yield(&events[i]) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var rows []int
	for i := range train {
		rows = append(rows, i)
	}
	if args["labels"] != "" {
		s.Label = &plantext.LabelSpec{Column: "label"}
		s.Fields = s.Fields[:2] // known when fitting, and never when scoring
	}
	p, _, err := Fit(context.Background(), s, rec, rows)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Matrix(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	return m.Columns[0][m.Rows-2], m.Columns[0][m.Rows-1]
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
