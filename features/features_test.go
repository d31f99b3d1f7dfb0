// SPDX-License-Identifier: Apache-2.0

package features_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/datasets"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/infer"
	"github.com/assayrisk/assay/features/plantext"
)

var at = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

// creditPlan fits the hand-written plan of credit_data on its training rows.
func creditPlan(t testing.TB) (*features.Plan, *features.FitReport, arrow.Record) {
	t.Helper()
	f, err := datasets.Read(context.Background(), "credit_data", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := datasets.Plan("credit_data")
	if err != nil {
		t.Fatal(err)
	}
	s, err := features.ParseSpec(b)
	if err != nil {
		t.Fatal(err)
	}
	split, err := datasets.Split("credit_data")
	if err != nil {
		t.Fatal(err)
	}
	var rows []int
	for i, p := range split {
		if p == "train" {
			rows = append(rows, i)
		}
	}
	p, r, err := features.Fit(context.Background(), s, f.Record, rows)
	if err != nil {
		t.Fatal(err)
	}
	return p, r, f.Record
}

// TestOnlineEqualsOffline compares the vector of every row of credit_data,
// made from an event, with the same row of the matrix, bit for bit.
func TestOnlineEqualsOffline(t *testing.T) {
	t.Parallel()
	p, _, rec := creditPlan(t)
	m, err := p.Matrix(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float64, 0, len(m.Columns))
	for row := range m.Rows {
		ev, err := p.EventOf(rec, row, fmt.Sprint(row), at)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Validate(&ev); err != nil {
			t.Fatalf("row %d: %v", row, err)
		}
		online, err := p.Vector(dst, &ev, nil)
		if err != nil {
			t.Fatal(err)
		}
		offline := assay.Vector{Plan: m.Plan}
		for _, c := range m.Columns {
			offline.Values = append(offline.Values, c[row])
		}
		if online.Digest() != offline.Digest() {
			t.Fatalf("row %d: online %v, offline %v", row, online.Values, offline.Values)
		}
	}
}

func TestFrozenPlanReloads(t *testing.T) {
	t.Parallel()
	p, r, rec := creditPlan(t)
	again, err := features.LoadPlan(p.Frozen())
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != p.Digest() || !bytes.Equal(again.Frozen(), p.Frozen()) {
		t.Error("the reloaded plan has another digest")
	}
	if r.Rows != 2672 || r.Rejected != 0 {
		t.Errorf("fitted on %d rows, %d rejected, want 2672 and 0: %v", r.Rows, r.Rejected, r.Rejections)
	}
	a, err := p.Matrix(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	b, err := again.Matrix(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	for c := range a.Columns {
		for i, x := range a.Columns[c] {
			if math.Float64bits(x) != math.Float64bits(b.Columns[c][i]) {
				t.Fatalf("feature %s, row %d: %v and %v", p.Features()[c].Name, i, x, b.Columns[c][i])
			}
		}
	}
	bad := bytes.Replace(p.Frozen(), []byte(`"rows": 2672`), []byte(`"rows":  2672`), 1)
	if _, err := features.LoadPlan(bad); !errors.Is(err, assay.ErrCorrupt) {
		t.Errorf("bytes that are not canonical: %v, want ErrCorrupt", err)
	}
}

func TestInfer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"credit_data", "lending_club"} {
		f, err := datasets.Read(context.Background(), name, datasets.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, _, err := infer.FromTable(f.Record, f.Label)
		if err != nil {
			t.Fatal(err)
		}
		again, err := features.ParseSpec(s.YAML())
		if err != nil {
			t.Fatalf("%v in\n%s", err, s.YAML())
		}
		p, _, err := features.Fit(context.Background(), again, f.Record, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := p.Matrix(context.Background(), f.Record)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Columns) != int(f.Record.NumCols())-1 || m.Rows != int(f.Record.NumRows()) {
			t.Errorf("%s: %d columns of %d rows", name, len(m.Columns), m.Rows)
		}
	}
}

func TestSpecErrors(t *testing.T) {
	t.Parallel()
	const ok = "version: 1\nfields:\n  - name: x\n  - {name: c, kind: text}\nfeatures:\n"
	for _, c := range []struct{ name, yaml, want string }{
		{"unknown key", ok + "  - name: x\n    kernal: ratio\n", "line 7, column 5"},
		{"nearest key", ok + "  - name: x\n    kernal: ratio\n", `did you mean "kernel"?`},
		{"wrong type", "version: one\n", "line 1, column 10"},
		{"syntax", "version: 1\nfields: [\n", "line"},
		{"no field", ok + "  - {name: y, kernel: log1p, of: z}\n",
			`line 6, column 34 (features[0].of[0]): "z" names no field`},
		{"cycle", ok + "  - {name: a, kernel: log1p, of: b}\n  - {name: b, kernel: log1p, of: a}\n", "cycle: a, b, a"},
		{"self", ok + "  - {name: a, kernel: log1p, of: a}\n", "names no field and no other feature"},
		{"nearest kernel", ok + "  - {name: x, kernel: bukcet}\n", `"bukcet" is not known; did you mean "bucket"?`},
		{"nearest field", ok + "  - {name: income, of: x}\n  - {name: y, kernel: ratio, of: [x, incmoe]}\n",
			`did you mean "income"?`},
		{"kernel", ok + "  - {name: x, kernel: cube}\n", "the kernels are passthrough"},
		{"text as number", ok + "  - {name: l, kernel: log1p, of: c}\n", `wants a number, and "c" is a text`},
		{"twice", ok + "  - name: x\n  - name: x\n", "line 7, column 11"},
		{"group", ok + "  - {name: x, group: g}\n", `no group "g"`},
		{"anchor", "version: &a 1\nfields: *a\n", "anchors"},
		{"version", "version: 2\nfields: [{name: x}]\nfeatures: [{name: x}]\n", "version 2 is not known"},
		{"clip", ok + "  - {name: x, kernel: clip}\n", "either bounds or quantiles"},
		{"empty", "", "plan"},
		{"deep", "version: " + strings.Repeat("[", 1000), "nested more than 32 deep"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := features.ParseSpec([]byte(c.yaml))
			var se *plantext.SpecError
			if !errors.As(err, &se) || !errors.Is(err, assay.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	p, _, rec := creditPlan(t)
	good, err := p.EventOf(rec, 0, "a-1", at)
	if err != nil {
		t.Fatal(err)
	}
	change := func(name string, v assay.Value) assay.Event {
		ev := good
		ev.Fields = nil
		for _, f := range good.Fields {
			if f.Name == name {
				f.Value = v
			}
			ev.Fields = append(ev.Fields, f)
		}
		return ev
	}
	without := func(name string) assay.Event {
		ev := good
		ev.Fields = nil
		for _, f := range good.Fields {
			if f.Name != name {
				ev.Fields = append(ev.Fields, f)
			}
		}
		return ev
	}
	with := func(f assay.Field) assay.Event {
		ev := good
		ev.Fields = append(append([]assay.Field{}, good.Fields...), f)
		return ev
	}
	other := good
	other.Kind = "payment"
	role := good
	role.Entities = []assay.Entity{{Role: "buyer", ID: "B-1"}}
	for _, c := range []struct {
		name, field string
		ev          assay.Event
	}{
		{"unknown field", "Salary", with(assay.Field{Name: "Salary", Value: assay.NumberValue(1)})},
		{"wrong kind", "Amount", change("Amount", assay.TextValue("a thousand"))},
		{"required absent", "Amount", without("Amount")},
		{"required missing", "Amount", change("Amount", assay.Value{})},
		{"NaN", "Income", change("Income", assay.NumberValue(math.NaN()))},
		{"infinite", "Income", change("Income", assay.NumberValue(math.Inf(1)))},
		{"range", "Age", change("Age", assay.NumberValue(17))},
		{"values", "Records", change("Records", assay.TextValue("perhaps"))},
		{"kind", "kind", other},
		{"role", "buyer", role},
		{"label", "target", with(assay.Field{Name: "target", Value: assay.NumberValue(1)})},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := p.Validate(&c.ev)
			var fe *assay.FieldError
			if !errors.As(err, &fe) || fe.Field != c.field {
				t.Errorf("got %v, want an error that names %q", err, c.field)
			}
			readsAsValidated(t, p, &c.ev, nil)
		})
	}
	for name, ev := range map[string]assay.Event{
		"as it is": good, "optional absent": without("Income"), "optional missing": change("Income", assay.Value{}),
		"new text": change("Job", assay.TextValue("astronaut")), "another order": reversed(good),
		"empty text": change("Job", assay.TextValue("")),
	} {
		readsAsValidated(t, p, &ev, nil)
		if err := p.Validate(&ev); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.Vector(nil, &ev, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// reversed names the fields the other way round.
func reversed(ev assay.Event) assay.Event {
	ev.Fields = slices.Clone(ev.Fields)
	slices.Reverse(ev.Fields)
	return ev
}

// readsAsValidated: Read gives the error of Validate, or values of which
// VectorOf computes the same vector, to the bit, that Vector computes.
func readsAsValidated(t *testing.T, p *features.Plan, ev *assay.Event, st *features.State) {
	t.Helper()
	want := p.Validate(ev)
	fields, err := p.Read([]float64{1, 2, 3}, ev)
	if want != nil || err != nil {
		if want == nil || err == nil || err.Error() != want.Error() {
			t.Errorf("Read gives the error %v, Validate %v", err, want)
		}
		return
	}
	a, want := p.Vector(nil, ev, st)
	b, err := p.VectorOf(nil, fields, ev, st)
	if want != nil || err != nil {
		if want == nil || err == nil || err.Error() != want.Error() {
			t.Errorf("VectorOf gives the error %v, Vector %v", err, want)
		}
		return
	}
	if !bytes.Equal(a.AppendBinary(nil), b.AppendBinary(nil)) {
		t.Errorf("VectorOf gives %v, Vector %v", b.Values, a.Values)
	}
}

func TestVectorDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("under the race detector a pool gives things up at random, so allocations say nothing")
	}
	p, _, rec := creditPlan(t)
	ev, err := p.EventOf(rec, 0, "a-1", at)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float64, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := p.Vector(dst, &ev, nil); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations a vector, want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = p.Validate(&ev) }); n > 0 {
		t.Errorf("%v allocations to validate, want 0", n)
	}
}
